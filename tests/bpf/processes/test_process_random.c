/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Random rules on processes and memory, and random questions: the reference model, the compiled
 * tables and, where the shadow program can be asked, BPF must agree on the rule that decides, its
 * action, the points and every rule counted on the way. A rule that policyc warned can never match,
 * never does.
 *
 * Runs a fixed seed and a fresh one. SYNFW_SEED=N runs only that seed, SYNFW_POLICY=N only that
 * policy of it, SYNFW_CHECKS=N so many checks a seed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include <synfw/cleanup.h>

#include "base/must.h"
#include "model/process_eval.h"
#include "harness/process_third.h"
#include "random/random_process.h"
#include "base/scale.h"

#define FIXED_SEED 20261123
#define CHECKS	   1000000

/* Putting tables in place mostly waits for RCU grace periods: processes wait at the same time. Each
 * loads the program, which takes seconds where a processor is emulated. */
static uint32_t nr_workers(void)
{
	return scaled(6, 1);
}

/* What the policies of one kind are like, and how often they come. */
struct kind {
	unsigned int every; /* policy numbers that are a multiple of it, less `offset` */
	unsigned int offset;
	unsigned int min_rules, max_rules;
	unsigned int min_memory, max_memory;
	unsigned int questions;
};

/* The first that fits is taken; the last one always does. */
static const struct kind kinds[] = {
	{25, 9, SYNFW_MAX_PROCESS_RULES - SYNFW_MAX_MEMORY_RULES,
	 SYNFW_MAX_PROCESS_RULES - SYNFW_MAX_MEMORY_RULES, SYNFW_MAX_MEMORY_RULES,
	 SYNFW_MAX_MEMORY_RULES, 1000},
	{20, 3, 65, 400, 0, 20, 1500},
	{10, 5, 0, 0, 1, 10, 1000},
	{1, 0, 1, 24, 0, 6, 3000},
};

/* What a run met. One that the fixed seed stops meeting fails the test. */
enum trait {
	TRAIT_CHECKS,
	TRAIT_QUESTIONS,
	TRAIT_LARGEST,
	TRAIT_COVERED,
	TRAIT_UNDECIDED,
	TRAIT_SCORED,
	TRAIT_SPARED,
	TRAIT_EXCEPTED,
	TRAIT_ACTION, /* + enum synfw_process_action */
	TRAIT_TRIGGER = TRAIT_ACTION + SYNFW_NR_PROCESS_ACTIONS,
	NR_TRAITS = TRAIT_TRIGGER + SYNFW_NR_PROCESS_TRIGGERS,
};

static const char *const trait_names[NR_TRAITS] = {
	[TRAIT_CHECKS] = "checks",
	[TRAIT_QUESTIONS] = "that the shadow program can be asked",
	[TRAIT_LARGEST] = "policies of nearly the largest size",
	[TRAIT_COVERED] = "rules that can never match",
	[TRAIT_UNDECIDED] = "no rule matched",
	[TRAIT_SCORED] = "points",
	[TRAIT_SPARED] = "decided and protected",
	[TRAIT_EXCEPTED] = "policies with an except",
	[TRAIT_ACTION] = "points or monitoring only",
	"flag",
	"isolate",
	"kill",
	"deny",
	[TRAIT_TRIGGER] = "decided on an exec",
	"decided on a mapping",
	"decided on an allocation",
	"decided on growth",
};

/* What one process does of a run. */
struct run {
	struct process_third *third;
	bool agrees;
	uint64_t traits[NR_TRAITS];
};

/* One policy, compiled. */
struct subject_policy {
	struct random_process random;
	struct image *image;
	bool covered[SYNFW_MAX_PROCESS_RULES]; /* policyc says that the rule can never match */
};

/* The place of the rule on that line. */
static size_t rule_on_line(const struct policy *policy, uint32_t line)
{
	size_t bit;

	for (bit = 0; bit < policy->nr_process_rules; bit++)
		if (policy->process_rules[bit].at.line == line)
			return bit;
	for (size_t i = 0; i < policy->nr_memory_rules; i++)
		if (policy->memory_rules[i].at.line == line)
			return bit + i;
	MUST(!"a rule on that line");
	return 0;
}

/* Rules that contradict themselves are dropped. One without any is no policy on processes. */
static void draw(struct rng *rng, const struct kind *kind, struct diags *diags,
		 struct subject_policy *policy)
{
	const struct policy *drawn;

	do {
		random_process_done(&policy->random);
		random_process(rng, rng_between(rng, kind->min_rules, kind->max_rules),
			       rng_between(rng, kind->min_memory, kind->max_memory), diags,
			       &policy->random);
		drawn = policy->random.policy;
	} while (!drawn->nr_process_rules && !drawn->nr_memory_rules);
}

static void make(struct rng *rng, const struct kind *kind, struct subject_policy *policy)
{
	const struct policyc_options options = {.protected_programs = &policy->random.protected};
	CLEANUP(diags_freep) struct diags *diags = diags_new();
	const struct diag *const *records;
	size_t count;
	int err;

	MUST(diags);
	draw(rng, kind, diags, policy);
	err = policyc_compile(policy->random.policy, &options, diags, &policy->image);
	if (err)
		diags_print(diags, stderr, false);
	MUST(!err);
	process_tables_must_be_well_formed(policy->image->processes);
	records = diags_sorted(diags, &count);
	for (size_t i = 0; i < count; i++)
		if (strstr(records[i]->message, "can never match"))
			policy->covered[rule_on_line(policy->random.policy, records[i]->at.line)] =
				true;
}

static bool same(const struct process_judgement *judgement, const struct process_counted *counted,
		 const struct process_judgement *other, const struct process_counted *other_counted)
{
	return judgement->bit == other->bit && judgement->action == other->action &&
	       judgement->score == other->score && judgement->is_protected == other->is_protected &&
	       counted->count == other_counted->count &&
	       !memcmp(counted->bit, other_counted->bit, counted->count * sizeof(counted->bit[0]));
}

static void tell_file(const char *what, const struct subject_file *file)
{
	fprintf(stderr, "  %s: %s\n", what, file->memfd ? "memfd" : file->path ? file->path : "-");
}

static void tell(const char *who, const struct process_judgement *judgement,
		 const struct process_counted *counted)
{
	fprintf(stderr, "  %s: rule %u, action %u, score %u, protected %d, counted", who,
		judgement->bit, judgement->action, judgement->score, judgement->is_protected);
	for (size_t i = 0; i < counted->count; i++)
		fprintf(stderr, " %u", counted->bit[i]);
	fputc('\n', stderr);
}

static void tell_subject(const struct process_subject *subject)
{
	fprintf(stderr, "  trigger %u, %" PRIu64 " bytes, uid %u, gids", subject->trigger,
		subject->bytes, subject->uid);
	for (size_t i = 0; i < subject->nr_gids; i++)
		fprintf(stderr, " %u", subject->gid[i]);
	fputs(", args", stderr);
	for (size_t i = 0; i < subject->nr_args; i++)
		fprintf(stderr, " \"%s\"", subject->arg[i]);
	fputc('\n', stderr);
	tell_file("file", &subject->file);
	tell_file("parent", &subject->parent);
	for (size_t i = 0; i < subject->nr_ancestors; i++)
		tell_file("ancestor", &subject->ancestor[i]);
}

static void note(struct run *run, const struct process_subject *subject,
		 const struct process_judgement *judgement, const struct process_counted *counted)
{
	uint64_t *traits = run->traits;

	traits[TRAIT_CHECKS]++;
	traits[TRAIT_SCORED] += judgement->score > 0;
	traits[TRAIT_UNDECIDED] += !counted->count;
	if (!counted->count)
		return;
	traits[TRAIT_ACTION + judgement->action]++;
	if (judgement->bit == SYNFW_NO_PROCESS_BIT)
		return;
	traits[TRAIT_SPARED] += judgement->is_protected;
	traits[TRAIT_TRIGGER + subject->trigger]++;
}

static bool agrees_on(struct run *run, struct subject_policy *policy,
		      const struct process_subject *subject)
{
	struct process_counted reference_counted, tables_counted;
	struct process_judgement reference = process_reference_judge(
		policy->random.policy, &policy->random.protected, subject, &reference_counted);
	struct process_judgement tables =
		process_tables_judge(policy->image->processes, subject, &tables_counted);

	note(run, subject, &reference, &reference_counted);
	if (!same(&reference, &reference_counted, &tables, &tables_counted)) {
		fprintf(stderr, "reference and tables disagree:\n");
		tell_subject(subject);
		tell("reference", &reference, &reference_counted);
		tell("tables", &tables, &tables_counted);
		return false;
	}
	for (size_t i = 0; i < reference_counted.count; i++) {
		if (!policy->covered[reference_counted.bit[i]])
			continue;
		fprintf(stderr, "rule %u matches, and policyc says that it never does:\n",
			reference_counted.bit[i]);
		tell_subject(subject);
		return false;
	}
	return true;
}

/* What would be done where no exec can be denied; a policy of these has no thresholds. */
static enum synfw_process_action effect_of(const struct policy *policy,
					   const struct process_judgement *judgement)
{
	if (judgement->is_protected)
		return SYNFW_PROCESS_SCORE;
	return judgement->action == SYNFW_PROCESS_DENY
		       ? policy->process_rules[judgement->bit].outcome.fallback
		       : judgement->action;
}

static bool third_agrees(struct process_third *third, struct synfw_process_question *question,
			 enum synfw_process_action effect, const struct process_judgement *expected,
			 const struct process_counted *counted)
{
	const struct process_counted not_told = {};
	struct process_judgement answer = process_third_ask(third, question);

	if (answer.bit == expected->bit && answer.action == expected->action &&
	    answer.score == expected->score && answer.is_protected == expected->is_protected &&
	    question->effect == effect)
		return true;
	fprintf(stderr, "reference and shadow program disagree:\n");
	tell("reference", expected, counted);
	tell("program", &answer, &not_told);
	return false;
}

/* What can be asked of the shadow program is; and the question asks what its subject asks. */
static bool question_agrees(struct run *run, struct subject_policy *policy,
			    const struct process_subject *subject)
{
	struct process_counted counted, asked_counted;
	struct process_judgement judgement, asked_judgement;
	struct process_question_texts texts;
	struct synfw_process_question question;
	struct process_subject asked;

	if (!process_subject_question(subject, 0, &question))
		return true;
	run->traits[TRAIT_QUESTIONS]++;
	MUST(process_question_subject(&question, &texts, &asked));
	judgement = process_reference_judge(policy->random.policy, &policy->random.protected,
					    subject, &counted);
	asked_judgement = process_reference_judge(policy->random.policy, &policy->random.protected,
						  &asked, &asked_counted);
	if (same(&judgement, &counted, &asked_judgement, &asked_counted)) {
		if (third_agrees(run->third, &question,
				 effect_of(policy->random.policy, &judgement), &judgement,
				 &counted))
			return true;
		tell_subject(subject);
		return false;
	}
	fprintf(stderr, "the question asks something else:\n");
	tell_subject(subject);
	tell_subject(&asked);
	return false;
}

static void note_policy(struct run *run, const struct subject_policy *policy)
{
	const struct synfw_process_head *head = &policy->image->processes->head;

	run->traits[TRAIT_LARGEST] += head->nr_rules > SYNFW_MAX_PROCESS_RULES * 3 / 4;
	run->traits[TRAIT_EXCEPTED] += head->nr_bits > head->nr_rules;
	for (size_t i = 0; i < head->nr_rules; i++)
		run->traits[TRAIT_COVERED] += policy->covered[i];
}

static bool agrees_on_policy(struct run *run, uint64_t seed, uint64_t number)
{
	struct rng rng = {seed * 0x100000001b3ULL + number};
	const struct kind *kind = kinds;
	struct subject_policy *policy = calloc(1, sizeof(*policy));
	struct process_subject subject;
	bool agrees = true;

	MUST(policy);
	while (number % kind->every != kind->offset)
		kind++;
	make(&rng, kind, policy);
	note_policy(run, policy);
	process_third_put(run->third, policy->image->processes);
	for (unsigned int i = 0; agrees && i < kind->questions; i++) {
		random_subject(&policy->random, &subject);
		agrees = agrees_on(run, policy, &subject) && question_agrees(run, policy, &subject);
	}
	if (!agrees)
		fprintf(stderr, "again with: SYNFW_SEED=%" PRIu64 " SYNFW_POLICY=%" PRIu64 "\n",
			seed, number);
	image_free(policy->image);
	random_process_done(&policy->random);
	free(policy);
	return agrees;
}

static bool everything_covered(const struct run *runs)
{
	bool all = true;

	for (int trait = 0; trait < NR_TRAITS; trait++) {
		uint64_t count = 0;

		for (uint32_t i = 0; i < nr_workers(); i++)
			count += runs[i].traits[trait];
		printf("    %-38s %10" PRIu64 "%s\n", trait_names[trait], count,
		       count ? "" : "  NOT COVERED");
		all &= count != 0;
	}
	return all;
}

/* The body of a worker's process: policies `first`, `first` + nr_workers(), ... */
static void work(struct run *run, uint64_t seed, uint64_t first, uint64_t wanted_checks)
{
	bool agrees = true;

	run->third = process_third_open();
	for (uint64_t i = first; agrees && run->traits[TRAIT_CHECKS] < wanted_checks;
	     i += nr_workers())
		agrees = agrees_on_policy(run, seed, i);
	process_third_close(run->third);
	run->agrees = agrees;
}

static bool run_seed(uint64_t seed, uint64_t wanted_checks)
{
	struct run *runs = mmap(NULL, nr_workers() * sizeof(*runs), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool agrees = true, all_covered;

	MUST(runs != MAP_FAILED);
	printf("seed %" PRIu64 "\n", seed);
	fflush(stdout);
	for (uint32_t i = 0; i < nr_workers(); i++) {
		pid_t child = fork();

		MUST(child >= 0);
		if (child == 0) {
			work(&runs[i], seed, i, wanted_checks / nr_workers());
			_exit(EXIT_SUCCESS);
		}
	}
	for (uint32_t i = 0; i < nr_workers(); i++) {
		int status;

		MUST(wait(&status) > 0);
		if (status)
			fprintf(stderr, "a worker ended with status %#x\n", status);
	}
	for (uint32_t i = 0; i < nr_workers(); i++)
		agrees &= runs[i].agrees;
	/* Only the fixed seed's: what a fresh one happens not to hit is no failure. */
	all_covered = everything_covered(runs);
	if (seed == FIXED_SEED && wanted_checks >= CHECKS)
		agrees = agrees && all_covered;
	printf("  %s\n", agrees ? "reference = tables = BPF" : "FAILED");
	munmap(runs, nr_workers() * sizeof(*runs));
	return agrees;
}

/* For a disagreement that an earlier run has found. */
static bool run_policy(uint64_t seed, uint64_t number)
{
	struct run run = {.third = process_third_open()};
	bool agrees = agrees_on_policy(&run, seed, number);

	process_third_close(run.third);
	printf("%s\n", agrees ? "reference = tables = BPF" : "FAILED");
	return agrees;
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

int main(void)
{
	uint64_t checks = number_from("SYNFW_CHECKS", CHECKS);
	uint64_t seed = number_from("SYNFW_SEED", FIXED_SEED);
	uint64_t fresh;
	bool agrees;

	if (getenv("SYNFW_POLICY"))
		return !run_policy(seed, number_from("SYNFW_POLICY", 0));
	agrees = run_seed(seed, checks);
	if (getenv("SYNFW_SEED"))
		return !agrees;
	MUST(getrandom(&fresh, sizeof(fresh), 0) == sizeof(fresh));
	agrees &= run_seed(fresh, checks);
	return !agrees;
}
