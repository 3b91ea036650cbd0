/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Mutated policies through policyc_parse() and policyc_compile(), built with the address and
 * undefined-behaviour sanitizers. Whatever compiles is then judged: reference model and image
 * agree.
 *
 * fuzz_policy SECONDS CORPUS...; a child does the work, so that a crash or a hang can be reported
 * with what it takes to see it again: SYNFW_SEED=N SYNFW_ITERATION=N runs one input only, and
 * SYNFW_FUZZ_INPUT=FILE writes that input to a file first.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <policyc.h>
#include <synfw/cleanup.h>

#include "model/image_eval.h"
#include "mutate.h"
#include "base/must.h"
#include "random/random_packet.h"
#include "model/reference.h"

#define FRAMES_PER_POLICY 20
#define HANG_SECONDS	  20
#define FIXED_SEED	  4711
#define NR_RANDOM	  60 /* random policies in the corpus */

/* Shared with the parent, which outlives a crash. */
struct progress {
	volatile uint64_t iteration, parsed, compiled, judged;
};

struct input {
	struct rng *rng;
	const struct corpus *corpus;
	const char *text;
	size_t length;
};

/* The policy asks for the file in JSON: the word stands within two lines behind its name. */
static bool wants_json(const struct input *input, const char *path)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	const char *at = memmem(input->text, input->length, name, strlen(name));
	size_t left = at ? (size_t)(input->text + input->length - at) : 0;

	return at && memmem(at, left < 60 ? left : 60, "json", 4);
}

/* Set files are mutated texts, too, and sometimes cannot be read. */
static int load(void *context, const char *path, char **ret_text, size_t *ret_length,
		uint64_t *ret_mtime_ns)
{
	const struct input *input = context;

	if (rng_percent(input->rng, 2))
		return -ENOENT;
	if (rng_percent(input->rng, 90)) {
		*ret_text = strdup(
			wants_json(input, path)
				? "{\"cidr\":\"192.0.2.0/24\"}\n{\"cidr\":\"2001:db8::/32\"}\n"
				: "192.0.2.0/24\n2001:db8::/32\n");
		MUST(*ret_text);
		*ret_length = strlen(*ret_text);
	} else {
		*ret_text = mutate(input->rng, input->corpus, ret_length);
	}
	*ret_mtime_ns = 1;
	return 0;
}

/* The compiler is done with the policy: what the prefixes of a dynamic set say from here on are its
 * members, for the model, the image and whoever makes packets. */
static void add_members(struct rng *rng, struct policy *policy)
{
	for (size_t i = 0; i < policy->nr_named_sets; i++) {
		unsigned int members = policy->sets[i].dynamic ? rng_below(rng, 5) : 0;

		for (; members; members--)
			MUST(prefix_list_add4(&policy->sets[i].prefixes, rng_next(rng), 32) == 0);
		if (policy->sets[i].dynamic)
			prefix_list_normalise(&policy->sets[i].prefixes);
	}
}

/* Any answer will do that is the same for both. */
static bool exceeds(void *context, uint32_t rule)
{
	struct rng rng = {*(const uint64_t *)context + rule};

	return rng_next(&rng) & 1;
}

static void judge(struct rng *rng, const struct policy *policy,
		  const struct policyc_options *options, const struct image *image)
{
	struct reference reference;
	struct frame frame;

	MUST(reference_init(&reference, policy, options) == 0);
	for (int i = 0; i < FRAMES_PER_POLICY; i++) {
		const struct policyc_interface *interface = random_interface(rng, options);
		uint64_t packet = rng_next(rng);
		struct circumstances now = {rng_percent(rng, 50), exceeds, &packet};
		struct judgement expected, found;
		struct consequences consequences;

		random_packet(rng, policy, options, &frame);
		reference.circumstances = now;
		expected = reference_judge(&reference, frame.byte, frame.length,
					   interface ? interface->name : NULL);
		found = image_judge_when(image, policy, frame.byte, frame.length,
					 interface ? interface->slot : 0, &now, &consequences);
		MUST(found.verdict == expected.verdict && found.reason == expected.reason &&
		     found.rule == expected.rule && found.score == expected.score);
		MUST(consequences.block_ns == reference.consequences.block_ns &&
		     consequences.add_to == reference.consequences.add_to &&
		     consequences.nr_logged == reference.consequences.nr_logged);
	}
	reference_done(&reference);
}

static void same_bytes_again(const struct policy *policy, const struct policyc_options *options,
			     const struct image *image)
{
	struct diags *diags = diags_new();
	struct image *again = NULL;
	char first[65], second[65];

	MUST(diags && policyc_compile(policy, options, diags, &again) == 0);
	image_digest(image, first);
	image_digest(again, second);
	MUST(strcmp(first, second) == 0);
	image_free(again);
	diags_free(diags);
}

/* Diagnostics are printed, too: they quote what the fuzzer wrote. */
static void print_diags(struct diags *diags)
{
	char *printed = NULL;
	size_t length;
	FILE *out = open_memstream(&printed, &length);

	MUST(out);
	diags_print(diags, out, true);
	MUST(fclose(out) == 0);
	free(printed);
}

static void run_text(struct input *input, struct progress *progress)
{
	static const struct policyc_interface interfaces[] = {{"eth0", 1}, {"wan0", 2}};
	const struct policyc_options options = {
		.interfaces = interfaces, .nr_interfaces = 2, .max_table_bytes = 64 << 20};
	struct policyc_loader loader = {.load = load, .context = input, .now_ns = 2000000000};
	struct diags *diags = diags_new();
	struct policy *policy = NULL;
	struct image *image = NULL;
	int err;

	MUST(diags);
	err = policyc_parse("fuzz.yaml", input->text, input->length, &loader, diags, &policy);
	MUST(err == 0 || err == -EINVAL);
	MUST((err == 0) == (diags_errors(diags) == 0) && (err == 0) == (policy != NULL));
	if (policy) {
		progress->parsed++;
		err = policyc_compile(policy, &options, diags, &image);
		MUST(err == 0 || err == -EINVAL);
		MUST((err == 0) == (diags_errors(diags) == 0) && (err == 0) == (image != NULL));
	}
	print_diags(diags);
	if (image) {
		progress->compiled++;
		if (progress->compiled % 16 == 0)
			same_bytes_again(policy, &options, image);
		add_members(input->rng, policy);
		judge(input->rng, policy, &options, image);
		progress->judged += FRAMES_PER_POLICY;
	}
	image_free(image);
	policy_free(policy);
	diags_free(diags);
}

static void run_iteration(const struct corpus *corpus, uint64_t seed, struct progress *progress)
{
	struct rng rng = {seed * 0x100000001b3ULL + progress->iteration};
	const char *name = getenv("SYNFW_FUZZ_INPUT");
	size_t length;
	char *text = mutate(&rng, corpus, &length);
	struct input input = {&rng, corpus, text, length};

	if (name) {
		FILE *out = fopen(name, "w");

		MUST(out && fwrite(text, 1, length, out) == length && fclose(out) == 0);
	}
	run_text(&input, progress);
	free(text);
}

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

static void run_child(const struct corpus *corpus, uint64_t seed, time_t end,
		      struct progress *progress)
{
	for (; now() < end; progress->iteration++) {
		alarm(HANG_SECONDS);
		run_iteration(corpus, seed, progress);
	}
}

static bool run_seed(struct corpus *corpus, uint64_t seed, time_t seconds)
{
	struct progress *progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool good;
	pid_t child;
	int status;

	MUST(progress != MAP_FAILED);
	printf("seed %" PRIu64 "\n", seed);
	fflush(stdout);
	child = fork();
	MUST(child >= 0);
	if (child == 0) {
		run_child(corpus, seed, now() + seconds, progress);
		/* exit(), not _exit(): what leaked is reported then. */
		corpus_done(corpus);
		exit(EXIT_SUCCESS);
	}
	MUST(waitpid(child, &status, 0) == child);
	good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	printf("  %" PRIu64 " inputs, %" PRIu64 " parsed, %" PRIu64 " compiled, %" PRIu64
	       " frames judged\n",
	       progress->iteration, progress->parsed, progress->compiled, progress->judged);
	if (!good)
		fprintf(stderr,
			"%s; again with: SYNFW_SEED=%" PRIu64 " SYNFW_ITERATION=%" PRIu64 "\n",
			WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "hangs" : "crashed",
			seed, progress->iteration);
	/* All rejected or all accepted means that the mutations, or the checks, do nothing. */
	if (good && (!progress->compiled || progress->parsed == progress->iteration)) {
		fprintf(stderr, "the inputs are all alike: nothing was tested\n");
		good = false;
	}
	munmap(progress, sizeof(*progress));
	return good;
}

int main(int argc, char **argv)
{
	const char *seed_text = getenv("SYNFW_SEED"), *iteration = getenv("SYNFW_ITERATION");
	uint64_t seed = seed_text ? strtoull(seed_text, NULL, 0) : FIXED_SEED;
	time_t seconds = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
	struct corpus corpus = {};
	uint64_t fresh;
	bool good;

	for (int i = 2; i < argc; i++)
		corpus_add(&corpus, argv[i]);
	corpus_add_random(&corpus, NR_RANDOM);
	if (seconds <= 0 || corpus.count <= NR_RANDOM) {
		fprintf(stderr, "usage: %s SECONDS CORPUS...; none of it can be empty\n", argv[0]);
		return 2;
	}
	if (iteration) {
		struct progress progress = {.iteration = strtoull(iteration, NULL, 0)};

		run_iteration(&corpus, seed, &progress);
		corpus_done(&corpus);
		return EXIT_SUCCESS;
	}
	MUST(getrandom(&fresh, sizeof(fresh), 0) == sizeof(fresh));
	good = run_seed(&corpus, seed, (seconds + 1) / 2);
	if (!seed_text)
		good &= run_seed(&corpus, fresh, (seconds + 1) / 2);
	corpus_done(&corpus);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
