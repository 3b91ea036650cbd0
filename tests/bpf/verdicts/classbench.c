/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ClassBench rule sets: each header is judged by a linear scan of the rule file, and by the BPF
 * program that runs the policy made from it (which is compared with the reference model, too).
 * `data` takes the three sets of the data directory with their traces, `generated` makes its own.
 */
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "harness/classbench.h"
#include "base/must.h"
#include "base/random.h"
#include "base/scale.h"
#include "harness/test_data.h"
#include "harness/trial.h"
#include "verdicts/verdicts.h"

#define PROTO_ICMP 1
#define PROTO_TCP  6

static const struct policyc_interface eth0 = {"eth0", 1};
static const struct policyc_options options = {.interfaces = &eth0, .nr_interfaces = 1};

/* One set at work. */
struct bench {
	const struct classbench *set;
	const uint32_t *origin;
	struct trial trial;
	uint64_t checks, unmatched;
	bool *decided; /* rules of the set that decided something */
};

static bool header_agrees(struct bench *bench, const struct classbench_header *header)
{
	size_t expected = classbench_scan(bench->set, header);
	uint32_t found = REFERENCE_NO_RULE;
	enum synfw_verdict verdict = SYNFW_DROP;
	struct answers answers;
	struct frame frame;

	classbench_frame(header, &frame);
	if (!trial_agrees(&bench->trial, frame.byte, frame.length, &eth0, &answers))
		return false;
	bench->checks++;
	if (answers.bpf.rule != REFERENCE_NO_RULE)
		found = bench->origin[answers.bpf.rule];
	if (expected == CLASSBENCH_NO_RULE) {
		bench->unmatched++;
		expected = REFERENCE_NO_RULE;
	} else {
		bench->decided[expected] = true;
		verdict = classbench_rule_drops(expected) ? SYNFW_DROP : SYNFW_ALLOW;
	}
	if (found == expected && answers.bpf.verdict == verdict)
		return true;
	fprintf(stderr,
		"src %08x dst %08x sport %u dport %u proto %u flags/type %#x: BPF says rule %d, "
		"a linear scan %d\n",
		header->src, header->dst, header->sport, header->dport, header->proto,
		header->extra, (int)found, (int)expected);
	return false;
}

/* A trace says nothing of flags and types: each header is judged with all that the rules mention.
 */
static bool header_agrees_with_extras(struct bench *bench, struct classbench_header header)
{
	static const uint8_t flags[] = {0x02, 0x12, 0x10, 0x18, 0x11, 0x01, 0x04, 0x14, 0x00, 0x20};
	static const uint8_t types[] = {0, 4, 5, 8, 13, 15, 17, 3};
	bool tcp = header.proto == PROTO_TCP, icmp = header.proto == PROTO_ICMP;
	size_t count = tcp ? sizeof(flags) : icmp ? sizeof(types) : 1;

	for (size_t i = 0; i < count; i++) {
		header.extra = tcp ? flags[i] : icmp ? types[i] : 0;
		if (!header_agrees(bench, &header))
			return false;
	}
	return true;
}

static bool set_agrees(struct datapath *datapath, struct trial_totals *totals, const char *name,
		       const struct classbench *set)
{
	struct bench bench = {.set = set};
	CLEANUP(cleanup_free) uint32_t *origin = NULL;
	struct policy_text text = {};
	size_t deciding = 0;
	bool agrees;

	MUST(classbench_policy(set, &text, &origin) == 0);
	bench.origin = origin;
	bench.decided = calloc(set->nr_rules + 1, sizeof(*bench.decided));
	MUST(bench.decided);
	agrees = trial_begin(&bench.trial, datapath, totals, &text, &options, stderr) == 0;
	for (size_t i = 0; i < set->nr_headers && agrees; i++)
		agrees = header_agrees_with_extras(&bench, set->headers[i]);
	if (agrees)
		agrees = trial_counters_agree(&bench.trial);
	for (size_t i = 0; i < set->nr_rules; i++)
		deciding += bench.decided[i];
	printf("%-10s %5zu rules, %5zu of them in the policy; %6zu headers, %7llu checks, %4zu "
	       "rules "
	       "decided, %llu headers had no rule: %s\n",
	       name, set->nr_rules, text.nr_rules, set->nr_headers,
	       (unsigned long long)bench.checks, deciding, (unsigned long long)bench.unmatched,
	       agrees ? "agree" : "FAILED");
	if (deciding < set->nr_rules / 4) {
		fprintf(stderr, "%s: too few rules decided a header for this to prove anything\n",
			name);
		agrees = false;
	}
	if (bench.trial.datapath)
		trial_end(&bench.trial);
	free(bench.decided);
	policy_text_done(&text);
	return agrees;
}

static char *read_member(const char *format, const char *name, size_t *ret_length)
{
	char path[128];

	snprintf(path, sizeof(path), format, name);
	return test_data_read(path, ret_length);
}

int test_classbench_data(struct datapath *datapath)
{
	CLEANUP(cleanup_free) struct trial_totals *totals = calloc(1, sizeof(*totals));
	static const char *const names[] = {"acl1_1k", "fw1_1k", "ipc1_1k"};
	bool agree = true;

	MUST(totals);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t length;
		CLEANUP(cleanup_free) char *rules = read_member("classbench/%s", names[i], &length);
		CLEANUP(cleanup_free)
		char *trace = read_member("classbench/%s_trace", names[i], &length);
		struct classbench set = {};

		if (!rules || !trace)
			return test_data_report_absent("classbench");
		agree &= classbench_read_rules(&set, rules) == 0 &&
			 classbench_read_trace(&set, trace) == 0 &&
			 set_agrees(datapath, totals, names[i], &set);
		classbench_done(&set);
	}
	return agree ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Rules in the shape of the benchmark's: few prefixes in many combinations, the specific ones
 * first. */
static char *generated_rules(struct rng *rng, unsigned int count)
{
	static const char *const protos[] = {
		"0x06/0xFF\t0x0000/0x0000", "0x06/0xFF\t0x0200/0x1200", "0x06/0xFF\t0x1000/0x1000",
		"0x06/0xFF\t0x0000/0x0200", "0x11/0xFF\t0x0000/0x0000", "0x06/0xFF\t0x0400/0x0400"};
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	MUST(out);
	for (unsigned int i = 0; i < count; i++) {
		unsigned int port = rng_below(rng, 40) * 100;
		unsigned int source_length = 32 - i * 32 / count, length_of[] = {32, 24, 16, 0};

		fprintf(out, "@10.%u.%u.%u/%u\t192.%u.%u.0/%u\t0 : 65535\t%u : %u\t%s\n",
			rng_below(rng, 4), rng_below(rng, 8), rng_below(rng, 32), source_length,
			rng_below(rng, 2), rng_below(rng, 4), length_of[rng_below(rng, 4)], port,
			port + rng_below(rng, 2) * 1000,
			protos[rng_below(rng, sizeof(protos) / sizeof(protos[0]))]);
	}
	fprintf(out, "@0.0.0.0/0\t192.0.0.0/12\t0 : 65535\t0 : 65535\t0x01/0xFF\t0x0800/0xff00\n");
	fprintf(out, "@0.0.0.0/0\t0.0.0.0/0\t0 : 65535\t0 : 65535\t0x2f/0xFF\t0x0000/0x0000\n");
	fprintf(out, "@10.0.0.0/8\t0.0.0.0/0\t0 : 65535\t0 : 65535\t0x00/0x00\t0x0000/0x0000\n");
	MUST(fclose(out) == 0);
	return text;
}

static char *generated_trace(struct rng *rng, const struct classbench *set)
{
	/* each rule is looked for at least once */
	const uint32_t headers_per_rule = scaled(10, 1);
	static const uint8_t others[] = {1, 6, 17, 47, 50};
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	MUST(out);
	for (size_t i = 0; i < set->nr_rules * headers_per_rule; i++) {
		const struct classbench_rule *rule = &set->rules[i % set->nr_rules];
		uint32_t src_rest = rule->src_length ? (1ULL << (32 - rule->src_length)) - 1 : ~0U;
		uint32_t dst_rest = rule->dst_length ? (1ULL << (32 - rule->dst_length)) - 1 : ~0U;

		fprintf(out, "%u\t%u\t%u\t%u\t%u\n",
			rule->src | (uint32_t)(rng_next(rng) & src_rest),
			rule->dst | (uint32_t)(rng_next(rng) & dst_rest), rng_below(rng, 65536),
			rng_between(rng, rule->dport_first, rule->dport_last),
			rule->any_proto ? others[rng_below(rng, sizeof(others))] : rule->proto);
	}
	MUST(fclose(out) == 0);
	return text;
}

int test_classbench_generated(struct datapath *datapath)
{
	CLEANUP(cleanup_free) struct trial_totals *totals = calloc(1, sizeof(*totals));
	struct rng rng = {20071};
	CLEANUP(cleanup_free) char *rules = generated_rules(&rng, 400);
	CLEANUP(cleanup_free) char *trace = NULL;
	struct classbench set = {};
	bool agree = classbench_read_rules(&set, rules) == 0;

	MUST(totals);
	if (agree) {
		trace = generated_trace(&rng, &set);
		agree = classbench_read_trace(&set, trace) == 0 &&
			set_agrees(datapath, totals, "generated", &set);
	}
	classbench_done(&set);
	return agree ? EXIT_SUCCESS : EXIT_FAILURE;
}
