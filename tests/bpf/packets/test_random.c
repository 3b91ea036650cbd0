/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Random policies and random packets: the reference model, the compiled image and the BPF program
 * must agree on verdict, reason, rule and score, and the live program's actions and counters must
 * be what the reference says.
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
#include <time.h>
#include <unistd.h>

#include <synfw/trie.h>

#include "base/must.h"
#include "random/random_packet.h"
#include "random/random_policy.h"
#include "base/scale.h"
#include "harness/trial.h"

#define FIXED_SEED   20240917
#define CHECKS_FIXED 1000000
#define CHECKS_FRESH 1000000

/* Loading a policy mostly waits for RCU grace periods: processes wait at the same time. Each loads
 * the program, which is most of the work where a processor is emulated. */
static uint32_t nr_workers(void)
{
	return scaled(6, 1);
}

/* What the policies of one kind are like, and how often they come. */
struct kind {
	const char *name;
	unsigned int every; /* policy numbers that are a multiple of it, less `offset` */
	unsigned int offset;
	unsigned int min_rules, max_rules;
	unsigned int packets;
};

/* The first that fits is taken; the last one always does. */
static const struct kind kinds[] = {
	{"largest", 400, 9, SYNFW_MAX_RULES, SYNFW_MAX_RULES, 4000},
	{"huge", 400, 7, 10000, 16000, 4000},
	{"large", 25, 3, 513, 3000, 4000},
	{"medium", 8, 1, 65, 512, 3000},
	{"small", 1, 0, 1, 64, 2500},
};

/* Shapes of an image. A generator that stops hitting one of them with the fixed seed fails the
 * test. */
enum trait {
	TRAIT_POLICY,
	TRAIT_ONE_LEVEL,
	TRAIT_TWO_LEVELS,
	TRAIT_EIGHT_WORDS,
	TRAIT_VLANS,
	TRAIT_INTERFACES_ONLY,
	TRAIT_NEITHER,
	TRAIT_FLAGS,
	TRAIT_NO_FLAGS,
	TRAIT_MONITOR,
	TRAIT_SEVERAL_PAGES,
	TRAIT_DYNAMIC,
	TRAIT_DYNAMIC_TWO_LEVELS,
	TRAIT_DYNAMIC_FULL,
	TRAIT_MEMBER_LIVE,				    /* as enum member_state */
	TRAIT_TRIE4 = TRAIT_MEMBER_LIVE + NR_MEMBER_STATES, /* sources, destinations */
	TRAIT_WIDE_ROOT = TRAIT_TRIE4 + SYNFW_NR_DIRS,
	TRAIT_OUTLINE = TRAIT_WIDE_ROOT + SYNFW_NR_DIRS,
	TRAIT_TRIE6 = TRAIT_OUTLINE + SYNFW_NR_DIRS,
	NR_TRAITS = TRAIT_TRIE6 + SYNFW_NR_DIRS,
};

static const char *const trait_names[NR_TRAITS] = {
	[TRAIT_POLICY] = "policies",
	[TRAIT_ONE_LEVEL] = "vectors of one level",
	[TRAIT_TWO_LEVELS] = "vectors of two levels",
	[TRAIT_EIGHT_WORDS] = "and aggregates of eight words",
	[TRAIT_VLANS] = "with VLAN tables",
	[TRAIT_INTERFACES_ONLY] = "with interfaces only",
	[TRAIT_NEITHER] = "with neither",
	[TRAIT_FLAGS] = "with TCP flags",
	[TRAIT_NO_FLAGS] = "without TCP flags",
	[TRAIT_MONITOR] = "in monitor mode",
	[TRAIT_SEVERAL_PAGES] = "of several pages",
	[TRAIT_DYNAMIC] = "with dynamic sets",
	[TRAIT_DYNAMIC_TWO_LEVELS] = "and vectors of two levels",
	[TRAIT_DYNAMIC_FULL] = "and as many as there may be",
	[TRAIT_MEMBER_LIVE] = "members put in",
	"members made to expire",
	"members taken out",
	[TRAIT_TRIE4] = "IPv4 sources: trie",
	"IPv4 destinations: trie",
	[TRAIT_WIDE_ROOT] = "IPv4 sources: trie with a wide root",
	"IPv4 destinations: trie with a wide root",
	[TRAIT_OUTLINE] = "IPv4 sources: trie with an outline",
	"IPv4 destinations: trie with an outline",
	[TRAIT_TRIE6] = "IPv6 sources: trie",
	"IPv6 destinations: trie",
};

/* What one process does of a run: policies `first`, `first` + nr_workers(), ... */
struct worker {
	struct datapath *datapath;
	struct trial_totals totals;
	uint64_t traits[NR_TRAITS];
	bool agrees;
};

static const struct kind *kind_of(uint64_t number)
{
	const struct kind *kind = kinds;

	while (number % kind->every != kind->offset)
		kind++;
	return kind;
}

static void note_image(struct worker *worker, const struct compiled *compiled)
{
	const struct synfw_class_tables *tables = image_class_tables(compiled->image);
	const struct synfw_header *header = image_header_const(compiled->image);
	uint64_t *traits = worker->traits;

	traits[TRAIT_POLICY]++;
	traits[header->refs_at ? TRAIT_TWO_LEVELS : TRAIT_ONE_LEVEL]++;
	traits[TRAIT_EIGHT_WORDS] += header->refs_at && header->nr_agg == 8;
	if (!(header->fields & 1 << SYNFW_FIELD_IFVLAN))
		traits[TRAIT_NEITHER]++;
	else if (tables->ifvlan_lines)
		traits[TRAIT_VLANS]++;
	else
		traits[TRAIT_INTERFACES_ONLY]++;
	traits[header->flag_rules ? TRAIT_FLAGS : TRAIT_NO_FLAGS]++;
	traits[TRAIT_MONITOR] += compiled->policy->monitor;
	traits[TRAIT_SEVERAL_PAGES] += compiled->image->nr_lines > SYNFW_PAGE_LINES;
	if (header->fields & 1 << SYNFW_FIELD_DYNAMIC) {
		traits[TRAIT_DYNAMIC]++;
		traits[TRAIT_DYNAMIC_TWO_LEVELS] += header->refs_at != 0;
		traits[TRAIT_DYNAMIC_FULL] +=
			image_dynamic(compiled->image)->nr_pairs == SYNFW_MAX_DYNAMIC_PAIRS;
	}
	for (int i = 0; i < SYNFW_NR_DIRS; i++) {
		bool wide = tables->trie4_root[i] == SYNFW_TRIE4_ROOT_WIDE;

		traits[TRAIT_TRIE4 + i] += tables->trie4[i] && !wide;
		traits[TRAIT_WIDE_ROOT + i] += wide;
		traits[TRAIT_OUTLINE + i] += tables->trie4_outline[i] != 0;
		traits[TRAIT_TRIE6 + i] += tables->trie6[i] != 0;
	}
}

/* Every prefix of one frame: each header is cut at each of its bytes. */
static bool agrees_when_cut(struct trial *trial, const struct frame *frame,
			    const struct policyc_interface *interface)
{
	for (size_t length = DATAPATH_MIN_FRAME; length <= frame->length; length++)
		if (!trial_agrees(trial, frame->byte, length, interface, NULL))
			return false;
	return true;
}

/* Members come and go between packets. */
static bool change_member(struct worker *worker, struct trial *trial, struct rng *rng)
{
	enum member_state state = rng_below(rng, NR_MEMBER_STATES);
	int err;

	if (!trial->text->nr_members)
		return true;
	err = trial_change_member(trial, rng_below(rng, trial->text->nr_members), state);
	if (err)
		fprintf(stderr, "a member cannot be changed: %s\n", strerror(-err));
	worker->traits[TRAIT_MEMBER_LIVE + state]++;
	return !err;
}

static bool agrees_on_packets(struct worker *worker, struct trial *trial, struct rng *rng,
			      unsigned int packets)
{
	const struct policyc_interface *interface = NULL;
	struct frame frame;

	for (unsigned int i = 0; i < packets; i++) {
		/* Each change costs map updates; runs of packets from one interface do not. */
		if (i % 50 == 0)
			interface = random_interface(rng, trial->options);
		if (i % 20 == 0 && !change_member(worker, trial, rng))
			return false;
		random_packet(rng, trial->compiled.policy, trial->options, &frame);
		if (i % 500 == 0 && !agrees_when_cut(trial, &frame, interface))
			return false;
		if (!trial_agrees(trial, frame.byte, frame.length, interface, NULL))
			return false;
	}
	return trial_counters_agree(trial);
}

static bool agrees_on_policy(struct worker *worker, uint64_t seed, uint64_t number)
{
	struct rng rng = {seed * 0x100000001b3ULL + number};
	const struct kind *kind = kind_of(number);
	struct random_policy policy;
	struct trial trial;
	bool agrees = false;

	random_policy(&rng, rng_between(&rng, kind->min_rules, kind->max_rules), &policy);
	if (trial_begin(&trial, worker->datapath, &worker->totals, &policy.text, &policy.options,
			stderr) == 0) {
		note_image(worker, &trial.compiled);
		agrees = agrees_on_packets(worker, &trial, &rng, kind->packets);
		trial_end(&trial);
	}
	if (!agrees)
		fprintf(stderr, "again with: SYNFW_SEED=%" PRIu64 " SYNFW_POLICY=%" PRIu64 "\n",
			seed, number);
	random_policy_done(&policy);
	return agrees;
}

static bool open_datapath(struct worker *worker)
{
	int err = datapath_open(&worker->datapath);

	if (err)
		fprintf(stderr, "the BPF program cannot be loaded: %s\n", strerror(-err));
	return !err;
}

/* The body of a worker's process. */
static void work(struct worker *worker, uint64_t seed, uint64_t first, uint64_t wanted_checks)
{
	bool agrees = open_datapath(worker);

	for (uint64_t i = first; agrees && worker->totals.checks < wanted_checks; i += nr_workers())
		agrees = agrees_on_policy(worker, seed, i);
	datapath_close(worker->datapath);
	worker->agrees = agrees;
}

static uint64_t packets_of_reason(const struct trial_totals *totals, int reason)
{
	uint64_t packets = 0;

	for (int slot = 0; slot <= SYNFW_MAX_INTERFACES; slot++)
		packets += totals->reasons[slot][reason].packets;
	return packets;
}

static bool covered(const char *what, uint64_t count)
{
	printf("    %-34s %10" PRIu64 "%s\n", what, count, count ? "" : "  NOT COVERED");
	return count != 0;
}

/* Reasons that a packet can have without packets before it, and with a policy. */
static bool reason_needs_no_past(int reason)
{
	return reason != SYNFW_REASON_NO_POLICY && reason != SYNFW_REASON_BLOCKED &&
	       reason != SYNFW_REASON_SCORE && reason != SYNFW_REASON_ESTABLISHED;
}

static bool everything_covered(const struct worker *workers)
{
	bool all = true;

	printf("  policies\n");
	for (int trait = 0; trait < NR_TRAITS; trait++) {
		uint64_t count = 0;

		for (uint32_t i = 0; i < nr_workers(); i++)
			count += workers[i].traits[trait];
		all &= covered(trait_names[trait], count);
	}
	printf("  packets by reason\n");
	for (int reason = 0; reason < SYNFW_NR_REASONS; reason++) {
		uint64_t count = 0;

		if (!reason_needs_no_past(reason))
			continue;
		for (uint32_t i = 0; i < nr_workers(); i++)
			count += packets_of_reason(&workers[i].totals, reason);
		all &= covered(reason_word(reason), count);
	}
	return all;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static bool run_seed(uint64_t seed, uint64_t wanted_checks)
{
	struct worker *workers = mmap(NULL, nr_workers() * sizeof(*workers), PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double begin = seconds();
	uint64_t checks = 0;
	bool agrees = true, all_covered;

	MUST(workers != MAP_FAILED);
	printf("seed %" PRIu64 "\n", seed);
	fflush(stdout);
	for (uint32_t i = 0; i < nr_workers(); i++) {
		pid_t child = fork();

		MUST(child >= 0);
		if (child == 0) {
			work(&workers[i], seed, i, wanted_checks / nr_workers());
			_exit(EXIT_SUCCESS);
		}
	}
	for (uint32_t i = 0; i < nr_workers(); i++) {
		int status;

		MUST(wait(&status) > 0);
		if (status)
			fprintf(stderr, "a worker ended with status %#x\n", status);
	}
	for (uint32_t i = 0; i < nr_workers(); i++) {
		agrees &= workers[i].agrees;
		checks += workers[i].totals.checks;
	}
	/* Only the fixed seed's: what a fresh one happens not to hit is no failure. */
	all_covered = everything_covered(workers);
	if (seed == FIXED_SEED && wanted_checks >= CHECKS_FIXED)
		agrees = agrees && all_covered;
	printf("  %" PRIu64 " checks, %.1f s: %s\n", checks, seconds() - begin,
	       agrees ? "reference = image = BPF" : "FAILED");
	munmap(workers, nr_workers() * sizeof(*workers));
	return agrees;
}

/* For a disagreement that an earlier run has found. */
static bool run_policy(uint64_t seed, uint64_t number)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	bool agrees;

	MUST(worker);
	agrees = open_datapath(worker) && agrees_on_policy(worker, seed, number);
	printf("%" PRIu64 " checks: %s\n", worker->totals.checks,
	       agrees ? "reference = image = BPF" : "FAILED");
	datapath_close(worker->datapath);
	free(worker);
	return agrees;
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

int main(void)
{
	uint64_t checks = number_from("SYNFW_CHECKS", 0);
	uint64_t seed = number_from("SYNFW_SEED", FIXED_SEED);
	uint64_t fresh;
	bool agrees;

	if (getenv("SYNFW_POLICY"))
		return !run_policy(seed, number_from("SYNFW_POLICY", 0));
	agrees = run_seed(seed, checks ? checks : CHECKS_FIXED);
	if (getenv("SYNFW_SEED"))
		return !agrees;
	MUST(getrandom(&fresh, sizeof(fresh), 0) == sizeof(fresh));
	agrees &= run_seed(fresh, checks ? checks : CHECKS_FRESH);
	return !agrees;
}
