/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Cost of a packet with rule sets and lists that are not part of the project: the ClassBench sets
 * with their traces, and blocklists as operators download them, half of the packets from sources
 * on a list. Prints Markdown, or that the data is absent. Needs root.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/in.h>

#include <synfw/cleanup.h>

#include "enforced.h"
#include "harness/classbench.h"
#include "harness/test_data.h"
#include "replay.h"
#include "rivals.h"

#define ROUNDS 7

static const char *const sets[] = {"acl1_1k", "fw1_1k", "ipc1_1k"};
static const char *const lists[] = {"spamhaus_drop.netset", "dshield_top_1000.ipset",
				    "firehol_level1.netset", "firehol_level2.netset"};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What takes turns with the bare program. xdp-filter cannot have the rules, nor prefixes: it knows
 * one address. */
enum subject { BARE, PARSE, XDP_FILTER, SYNFW, NR_SUBJECTS };
static const enum rival rivals[] = {
	[BARE] = RIVAL_BARE, [PARSE] = RIVAL_PARSE, [XDP_FILTER] = RIVAL_XDP_FILTER};

struct bench {
	struct replay *replay;
	struct rivals *rivals;
	struct flow *flows;
};

typedef double rounds[ROUNDS];

static int measure_rounds(const struct bench *bench, int synfw_fd, rounds times[NR_SUBJECTS])
{
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < NR_SUBJECTS; i++) {
			int fd = i == SYNFW ? synfw_fd : rivals_fd(bench->rivals, rivals[i]);
			int err = fd < 0 ? 0 : replay_run(bench->replay, fd, &times[i][round]);

			if (err)
				return err;
		}
	return 0;
}

static void print_over_bare(const struct bench *bench, rounds times[NR_SUBJECTS])
{
	double bare = replay_median(times[BARE], ROUNDS);

	for (int i = PARSE; i < NR_SUBJECTS; i++)
		if (i != SYNFW && rivals_fd(bench->rivals, rivals[i]) < 0)
			printf(" - |");
		else
			printf(" %.0f |", replay_median(times[i], ROUNDS) - bare);
}

static int measure(struct bench *bench, const char *name, size_t entries, const char *unit,
		   const struct policy_text *text)
{
	rounds times[NR_SUBJECTS];
	struct enforced enforced;
	int err = replay_set_flows(bench->replay, 4, bench->flows);

	if (!err)
		err = enforced_open(text, &enforced);
	if (err)
		return err;
	err = measure_rounds(bench, enforced_fd(&enforced), times);
	if (!err) {
		printf("| %s | %zu %s |", name, entries, unit);
		print_over_bare(bench, times);
		printf(" %.2f | %.1f |\n",
		       enforced.compiled.image->nr_lines * SYNFW_LINE_BYTES / 1048576.0,
		       enforced.compile_ms);
	}
	enforced_close(&enforced);
	return err;
}

/* The trace again and again. */
static void trace_flows(const struct classbench *set, struct flow *flows)
{
	for (size_t i = 0; i < FLOW_COUNT; i++) {
		const struct classbench_header *header = &set->headers[i % set->nr_headers];

		flows[i].v4.saddr_be = htonl(header->src);
		flows[i].v4.daddr_be = htonl(header->dst);
		flows[i].v4.sport_be = htons(header->sport);
		flows[i].v4.dport_be = htons(header->dport);
		flows[i].v4.proto = header->proto;
		flows[i].v4.tcp_flags = header->extra;
	}
}

static int measure_set(struct bench *bench, const char *name)
{
	CLEANUP(cleanup_free) char *rules = NULL, *trace = NULL;
	CLEANUP(cleanup_free) uint32_t *origin = NULL;
	struct policy_text text = {};
	struct classbench set = {};
	size_t length;
	char path[64];
	int err;

	snprintf(path, sizeof(path), "classbench/%s", name);
	rules = test_data_read(path, &length);
	snprintf(path, sizeof(path), "classbench/%s_trace", name);
	trace = test_data_read(path, &length);
	if (!rules || !trace)
		return -ENOENT;
	err = classbench_read_rules(&set, rules);
	if (!err)
		err = classbench_read_trace(&set, trace);
	if (!err)
		err = classbench_policy(&set, &text, &origin);
	if (!err) {
		trace_flows(&set, bench->flows);
		err = measure(bench, name, set.nr_rules, "rules", &text);
	}
	policy_text_done(&text);
	classbench_done(&set);
	return err;
}

/* An address of a line of the list, anywhere in the prefix. */
static size_t read_list(const char *text, struct rng *rng, uint32_t *ret_sources)
{
	size_t count = 0;

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		unsigned int a, b, c, d, length = 32;
		uint32_t rest;

		if (sscanf(line, "%u.%u.%u.%u/%u", &a, &b, &c, &d, &length) < 4)
			continue;
		rest = length ? (1ULL << (32 - length)) - 1 : ~0U;
		ret_sources[count++] =
			(a << 24 | b << 16 | c << 8 | d) | ((uint32_t)rng_next(rng) & rest);
	}
	return count;
}

static void list_flows(struct rng *rng, const uint32_t *sources, size_t count, struct flow *flows)
{
	memset(flows, 0, FLOW_COUNT * sizeof(*flows));
	for (size_t i = 0; i < FLOW_COUNT; i++) {
		bool listed = rng_percent(rng, 50);

		flows[i].v4.saddr_be = htonl(listed ? sources[rng_below(rng, count)]
						    : rng_between(rng, 0x01000000, 0xdfffffff));
		flows[i].v4.daddr_be = htonl(0xc6336401); /* 198.51.100.1 */
		flows[i].v4.sport_be = htons(49152);
		flows[i].v4.dport_be = htons(443);
		flows[i].v4.proto = IPPROTO_TCP;
		flows[i].v4.tcp_flags = 2;
	}
}

static int measure_list(struct bench *bench, const char *name)
{
	char written[] = "  - {name: listed, from: listed, action: drop}\n", *rule = written;
	struct policy_text text = {.rules = &rule, .nr_rules = 1};
	CLEANUP(cleanup_free) char *list = NULL, *path = NULL, *head = NULL;
	CLEANUP(cleanup_free) uint32_t *sources = NULL;
	char member[64];
	struct rng rng = {FLOW_COUNT};
	size_t length, count;

	snprintf(member, sizeof(member), "lists/%s", name);
	path = test_data_path(member);
	list = test_data_read(member, &length);
	if (!path || !list)
		return -ENOENT;
	sources = calloc(length, sizeof(*sources));
	if (!sources ||
	    asprintf(&head,
		     "version: 1\nname: bench\ninterfaces:\n  - name: lo\n"
		     "defaults: {incoming: allow}\nsets:\n  listed: {file: %s, format: netset}\n",
		     path) < 0)
		return -ENOMEM;
	text.head = head;
	count = read_list(list, &rng, sources);
	if (!count)
		return -EINVAL;
	list_flows(&rng, sources, count, bench->flows);
	return measure(bench, name, count, "prefixes", &text);
}

static int open_bench(char **objects, struct bench *ret_bench)
{
	struct address_set set;
	int err = replay_open(objects[0], &ret_bench->replay);

	ret_bench->flows = calloc(FLOW_COUNT, sizeof(*ret_bench->flows));
	if (!err && !ret_bench->flows)
		err = -ENOMEM;
	if (!err)
		err = address_set_draw(4, 1, &set);
	if (!err) {
		err = rivals_open(objects[1], &set, &ret_bench->rivals);
		address_set_done(&set);
	}
	return err;
}

int main(int argc, char **argv)
{
	struct bench bench = {};
	size_t length;
	CLEANUP(cleanup_free) char *probe = test_data_read("classbench/acl1_1k", &length);
	int err;

	if (argc != 3) {
		fprintf(stderr, "usage: bench-data replay.bpf.o rivals.bpf.o\n");
		return 2;
	}
	if (!probe) {
		printf("\nNot measured: the ClassBench sets and the blocklists are not part of the "
		       "project, and the directory that SYNFW_TEST_DATA names has none.\n");
		return 0;
	}
	err = open_bench(argv + 1, &bench);
	if (!err)
		printf("\nOver the bare program, ns:\n\n"
		       "| data | size | bare parse | xdp-filter, one address | synfw | tables of "
		       "synfw, MiB | from text to tables, ms |\n|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < COUNT(sets) && !err; i++)
		err = measure_set(&bench, sets[i]);
	for (size_t i = 0; i < COUNT(lists) && !err; i++)
		err = measure_list(&bench, lists[i]);
	if (err)
		fprintf(stderr, "the measurement failed: %s\n", strerror(-err));
	rivals_close(bench.rivals);
	replay_close(bench.replay);
	free(bench.flows);
	return err ? 1 : 0;
}
