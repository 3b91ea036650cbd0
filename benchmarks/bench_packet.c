/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Cost of a packet for policies of several sizes, by BPF_PROG_TEST_RUN: one packet repeated, and
 * another source each time. Bare programs and xdp-filter take turns with them within one run.
 * Then the time to compile them and the size of their tables. Prints Markdown. Needs root.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/in.h>

#include <synfw/cleanup.h>

#include "bench_policy.h"
#include "enforced.h"
#include "replay.h"
#include "rivals.h"

#define ROUNDS		 7
#define XDP_FILTER_HOSTS 10
#define MIB		 (1024.0 * 1024)

static const struct {
	const char *name;
	enum bench_shape shape;
	uint32_t rules;
} policies[] = {
	{"edge", BENCH_EDGE, 1},
	{"edge", BENCH_EDGE, 8},
	{"edge", BENCH_EDGE, 10},
	{"edge", BENCH_EDGE, 32},
	{"edge", BENCH_EDGE, 50},
	{"edge", BENCH_EDGE, 128},
	{"edge", BENCH_EDGE, 512},
	{"edge", BENCH_EDGE, 2048},
	{"edge", BENCH_EDGE, 10000},
	{"random", BENCH_RANDOM, 10},
	{"random", BENCH_RANDOM, 10000},
	{"ClassBench-like", BENCH_CLASSBENCH, 10},
	{"ClassBench-like", BENCH_CLASSBENCH, 10000},
};
#define NR_POLICIES (sizeof(policies) / sizeof(policies[0]))

static const enum rival rivals_shown[] = {RIVAL_BARE, RIVAL_PARSE, RIVAL_XDP_FILTER};
#define NR_SHOWN    (sizeof(rivals_shown) / sizeof(rivals_shown[0]))
#define NR_SUBJECTS (NR_POLICIES + NR_SHOWN)
#define BARE	    NR_POLICIES

enum traffic {
	TRAFFIC_LAST_RULE, /* 443/tcp, which the last rule allows */
	TRAFFIC_NO_RULE,   /* 9/tcp */
	TRAFFIC_SOURCES,   /* 443/tcp from anywhere */
	NR_TRAFFIC,
};
static const uint16_t repeated_port[] = {[TRAFFIC_LAST_RULE] = 443, [TRAFFIC_NO_RULE] = 9};

struct bench {
	struct replay *replay;
	struct rivals *rivals;
	struct enforced synfw[NR_POLICIES];
	double ns[NR_TRAFFIC][NR_SUBJECTS]; /* in all; negative: absent */
};

static int set_random_flows(struct replay *replay)
{
	CLEANUP(cleanup_free) struct flow *flows = calloc(FLOW_COUNT, sizeof(*flows));
	struct rng rng = {FLOW_COUNT};

	if (!flows)
		return -ENOMEM;
	for (size_t i = 0; i < FLOW_COUNT; i++) {
		flows[i].v4.saddr_be = htonl(rng_between(&rng, 0x01000000, 0xdfffffff));
		flows[i].v4.daddr_be = htonl(0xc6336401); /* 198.51.100.1 */
		flows[i].v4.sport_be = htons(49152);
		flows[i].v4.dport_be = htons(443);
		flows[i].v4.proto = IPPROTO_TCP;
		flows[i].v4.tcp_flags = 2;
	}
	return replay_set_flows(replay, 4, flows);
}

static int open_rivals(const char *object, struct rivals **ret_rivals)
{
	struct address_set set;
	int err = address_set_draw(4, XDP_FILTER_HOSTS, &set);

	if (!err)
		err = rivals_open(object, &set, ret_rivals);
	address_set_done(&set);
	return err;
}

static int open_policies(struct bench *bench)
{
	int err = 0;

	for (size_t i = 0; i < NR_POLICIES && !err; i++) {
		struct policy_text text = {
			.head = bench_policy(policies[i].shape, policies[i].rules)};

		err = text.head ? enforced_open(&text, &bench->synfw[i]) : -ENOMEM;
		free(text.head);
	}
	return err;
}

static int program(const struct bench *bench, size_t subject)
{
	if (subject < NR_POLICIES)
		return enforced_fd(&bench->synfw[subject]);
	return rivals_fd(bench->rivals, rivals_shown[subject - NR_POLICIES]);
}

static int run(struct bench *bench, enum traffic traffic, int fd, double *ret_ns)
{
	if (traffic == TRAFFIC_SOURCES)
		return replay_run(bench->replay, fd, ret_ns);
	return replay_repeat(fd, repeated_port[traffic], ret_ns);
}

static int measure(struct bench *bench, enum traffic traffic)
{
	double times[NR_SUBJECTS][ROUNDS];

	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < NR_SUBJECTS; i++) {
			int fd = program(bench, i);
			int err = fd < 0 ? 0 : run(bench, traffic, fd, &times[i][round]);

			if (err)
				return err;
		}
	for (size_t i = 0; i < NR_SUBJECTS; i++)
		bench->ns[traffic][i] =
			program(bench, i) < 0 ? -1 : replay_median(times[i], ROUNDS);
	return 0;
}

static void print_row(const struct bench *bench, const char *name, uint32_t rules, size_t subject,
		      size_t ten)
{
	printf("| %s | ", name);
	if (rules)
		printf("%u |", rules);
	else
		printf("- |");
	for (int traffic = 0; traffic < NR_TRAFFIC; traffic++) {
		const double *ns = bench->ns[traffic];

		if (ns[subject] < 0)
			printf(" - | - |");
		else if (rules)
			printf(" %.0f | %.2f |", ns[subject] - ns[BARE], ns[subject] / ns[ten]);
		else
			printf(" %.0f | - |", ns[subject] - ns[BARE]);
	}
	printf("\n");
}

static void print_packets(const struct bench *bench)
{
	size_t ten = 0;

	printf("\nBare XDP_DROP takes %.0f ns with a repeated packet, %.0f ns with the change of "
	       "the "
	       "source. Over it, and in all against the same kind of policy with 10 rules:\n\n"
	       "| policy | rules | 443/tcp, the last rule, ns | of 10 | 9/tcp, no rule, ns | of 10 "
	       "| "
	       "any source, ns | of 10 |\n|---|---|---|---|---|---|---|---|\n",
	       bench->ns[TRAFFIC_LAST_RULE][BARE], bench->ns[TRAFFIC_SOURCES][BARE]);
	for (size_t i = 0; i < NR_POLICIES; i++) {
		for (size_t j = 0; j < NR_POLICIES; j++)
			if (policies[j].shape == policies[i].shape && policies[j].rules == 10)
				ten = j;
		print_row(bench, policies[i].name, policies[i].rules, i, ten);
	}
	for (size_t i = 1; i < NR_SHOWN; i++)
		print_row(bench, rival_names[rivals_shown[i]], 0, BARE + i, ten);
}

/* What the plot shows, alone: one kind of policy. */
static void print_growth(const struct bench *bench)
{
	printf("\n<!-- plot: performance-rules.svg, linear, rules, ns over the bare program -->\n"
	       "![cost for each number of rules](performance-rules.svg)\n\n"
	       "| rules | the last rule | no rule | any source |\n|---|---|---|---|\n");
	for (size_t i = 0; i < NR_POLICIES; i++)
		if (policies[i].shape == BENCH_EDGE)
			printf("| %u | %.0f | %.0f | %.0f |\n", policies[i].rules,
			       bench->ns[TRAFFIC_LAST_RULE][i] - bench->ns[TRAFFIC_LAST_RULE][BARE],
			       bench->ns[TRAFFIC_NO_RULE][i] - bench->ns[TRAFFIC_NO_RULE][BARE],
			       bench->ns[TRAFFIC_SOURCES][i] - bench->ns[TRAFFIC_SOURCES][BARE]);
}

static void print_compilation(const struct bench *bench)
{
	printf("\n| policy | rules | from text to tables, ms | tables, MiB | kernel memory, MiB |\n"
	       "|---|---|---|---|---|\n");
	for (size_t i = 0; i < NR_POLICIES; i++) {
		const struct image *image = bench->synfw[i].compiled.image;

		printf("| %s | %u | %.1f | %.2f | %.2f |\n", policies[i].name, policies[i].rules,
		       bench->synfw[i].compile_ms, image->nr_lines * SYNFW_LINE_BYTES / MIB,
		       image->kernel_bytes / MIB);
	}
}

int main(int argc, char **argv)
{
	struct bench bench = {};
	int err;

	if (argc != 3) {
		fprintf(stderr, "usage: bench-packet replay.bpf.o rivals.bpf.o\n");
		return 2;
	}
	err = replay_open(argv[1], &bench.replay);
	if (!err)
		err = set_random_flows(bench.replay);
	if (!err)
		err = open_rivals(argv[2], &bench.rivals);
	if (!err)
		err = open_policies(&bench);
	for (int traffic = 0; traffic < NR_TRAFFIC && !err; traffic++)
		err = measure(&bench, traffic);
	if (err) {
		fprintf(stderr, "the measurement failed: %s\n", strerror(-err));
	} else {
		print_packets(&bench);
		print_growth(&bench);
		print_compilation(&bench);
	}
	for (size_t i = 0; i < NR_POLICIES; i++)
		enforced_close(&bench.synfw[i]);
	rivals_close(bench.rivals);
	replay_close(bench.replay);
	return err ? 1 : 0;
}
