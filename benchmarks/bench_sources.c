/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Cost of a packet whose source is another one each time, and of one packet repeated, for sets of
 * several sizes: synfw, the kernel's maps and xdp-filter in turns within one run. Prints Markdown.
 * Needs root.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/in.h>

#include <synfw/cleanup.h>

#include "address_set.h"
#include "enforced.h"
#include "replay.h"
#include "rivals.h"

#define ROUNDS	    5
#define NR_CHECKED  2000 /* packets of each program whose verdict is looked at */
#define SYNFW	    NR_RIVALS
#define NR_SUBJECTS (NR_RIVALS + 1)

static const size_t sizes[] = {1000, 10000, 100000, 1000000};
#define NR_SIZES (sizeof(sizes) / sizeof(sizes[0]))

/* Of synfw's cost over the bare program against that of others; 0: none. */
static const struct {
	double lpm, load;
} bars[NR_SIZES] = {[2] = {.lpm = 1.0 / 4}, [3] = {.lpm = 1.0 / 5, .load = 3}};

struct result {
	double ns[NR_SUBJECTS];		 /* the bare program in all, others over it; NAN: absent */
	double repeated_ns[NR_SUBJECTS]; /* the same with one packet repeated */
	double of_lpm, of_load;		 /* synfw's cost over the bare program, of theirs */
	double table_mib;
};

/* One set and what has it. */
struct bench {
	struct replay *replay;
	struct address_set set;
	struct flow *flows;
	bool *listed;
	struct rivals *rivals;
	struct enforced synfw;
};

static int draw_flows(struct bench *bench)
{
	struct rng rng = {bench->set.count};

	for (size_t i = 0; i < FLOW_COUNT; i++) {
		struct flow flow = {};
		uint8_t addr[16];

		bench->listed[i] = rng_percent(&rng, 50);
		address_set_pick(&bench->set, &rng, bench->listed[i], addr);
		if (bench->set.family == 6) {
			memcpy(flow.saddr6, addr, sizeof(flow.saddr6));
		} else {
			memcpy(&flow.v4.saddr_be, addr, sizeof(flow.v4.saddr_be));
			flow.v4.daddr_be = htonl(0xc6336401); /* 198.51.100.1 */
			flow.v4.sport_be = htons(49152);
			flow.v4.dport_be = htons(443);
			flow.v4.proto = IPPROTO_TCP;
			flow.v4.tcp_flags = 2;
		}
		bench->flows[i] = flow;
	}
	return replay_set_flows(bench->replay, bench->set.family, bench->flows);
}

static int load_synfw(struct bench *bench)
{
	char head[] = "version: 1\nname: bench\ninterfaces:\n  - name: lo\n"
		      "defaults: {incoming: allow}\nsets:\n  listed: {file: listed.netset}\n",
	     rule[] = "  - {name: listed, from: listed, action: drop}\n", path[] = "listed.netset";
	char *rules[] = {rule};
	struct policy_file file = {.path = path};
	struct policy_text text = {
		.head = head, .rules = rules, .nr_rules = 1, .files = &file, .nr_files = 1};
	size_t length;
	FILE *out = open_memstream(&file.text, &length);
	int err;

	if (!out)
		return -ENOMEM;
	address_set_write(&bench->set, out);
	err = fclose(out) ? -ENOMEM : enforced_open(&text, &bench->synfw);
	free(file.text);
	return err;
}

static int program(const struct bench *bench, size_t subject)
{
	return subject == SYNFW ? enforced_fd(&bench->synfw) : rivals_fd(bench->rivals, subject);
}

/* A fast program with wrong answers is no rival. */
static int check_answers(struct bench *bench)
{
	uint32_t actions[NR_CHECKED];

	for (size_t subject = 0; subject < NR_SUBJECTS; subject++) {
		bool judges = subject >= RIVAL_LPM;
		int fd = program(bench, subject);
		int err = fd < 0 ? 0 : replay_actions(bench->replay, fd, NR_CHECKED, actions);

		if (err)
			return err;
		for (size_t i = 0; i < NR_CHECKED && fd >= 0; i++)
			if ((actions[i] == XDP_DROP) != (!judges || bench->listed[i])) {
				fprintf(stderr, "%s is wrong about packet %zu\n",
					subject == SYNFW ? "synfw" : rival_names[subject], i);
				return -EBADMSG;
			}
	}
	return 0;
}

typedef double rounds[ROUNDS];

static double median_over_bare(const rounds *times, size_t subject)
{
	rounds over;

	for (int round = 0; round < ROUNDS; round++)
		over[round] = times[subject][round] - times[RIVAL_BARE][round];
	return replay_median(over, ROUNDS);
}

/* Of the rounds' ratios: a neighbour that slows a round down slows both sides. */
static double median_ratio(const rounds *times, enum rival rival)
{
	rounds ratio;

	for (int round = 0; round < ROUNDS; round++) {
		double bare = times[RIVAL_BARE][round];

		ratio[round] = (times[SYNFW][round] - bare) / (times[rival][round] - bare);
	}
	return replay_median(ratio, ROUNDS);
}

static int measure_rounds(struct bench *bench, rounds *times, double ret_ns[NR_SUBJECTS])
{
	for (int round = 0; round < ROUNDS; round++)
		for (size_t subject = 0; subject < NR_SUBJECTS; subject++) {
			int fd = program(bench, subject);
			int err =
				fd < 0 ? 0 : replay_run(bench->replay, fd, &times[subject][round]);

			if (err)
				return err;
		}
	for (size_t subject = RIVAL_BARE + 1; subject < NR_SUBJECTS; subject++)
		ret_ns[subject] =
			program(bench, subject) < 0 ? NAN : median_over_bare(times, subject);
	return 0;
}

/* The first packet that is from the set, again and again: all that it needs is in a cache. */
static int repeat_flow(struct bench *bench)
{
	size_t listed = 0;

	while (!bench->listed[listed])
		listed++;
	for (size_t i = 0; i < FLOW_COUNT; i++)
		if (i != listed)
			bench->flows[i] = bench->flows[listed];
	return replay_set_flows(bench->replay, bench->set.family, bench->flows);
}

static int measure(struct bench *bench, struct result *ret_result)
{
	rounds times[NR_SUBJECTS];
	int err = measure_rounds(bench, times, ret_result->ns);

	if (err)
		return err;
	ret_result->of_lpm = median_ratio(times, RIVAL_LPM);
	ret_result->of_load = median_ratio(times, RIVAL_LOAD);
	ret_result->ns[RIVAL_BARE] = replay_median(times[RIVAL_BARE], ROUNDS);
	err = repeat_flow(bench);
	if (!err)
		err = measure_rounds(bench, times, ret_result->repeated_ns);
	if (err)
		return err;
	ret_result->table_mib = bench->synfw.compiled.image->kernel_bytes / 1048576.0;
	return 0;
}

static int measure_size(struct replay *replay, const char *rivals_object, uint8_t family,
			size_t size, struct result *ret_result)
{
	struct bench bench = {.replay = replay};
	int err = address_set_draw(family, size, &bench.set);

	bench.flows = calloc(FLOW_COUNT, sizeof(*bench.flows));
	bench.listed = calloc(FLOW_COUNT, sizeof(*bench.listed));
	if (!err && (!bench.flows || !bench.listed))
		err = -ENOMEM;
	if (!err)
		err = draw_flows(&bench);
	if (!err)
		err = rivals_open(rivals_object, &bench.set, &bench.rivals);
	if (!err)
		err = load_synfw(&bench);
	if (!err)
		err = check_answers(&bench);
	if (!err)
		err = measure(&bench, ret_result);
	enforced_close(&bench.synfw);
	rivals_close(bench.rivals);
	address_set_done(&bench.set);
	free(bench.flows);
	free(bench.listed);
	return err;
}

static void print_header(void)
{
	printf("\n| entries |");
	for (size_t subject = RIVAL_BARE + 1; subject < NR_RIVALS; subject++)
		printf(" %s |", rival_names[subject]);
	printf(" synfw |\n|---|---|---|---|---|---|---|\n");
}

static void print_row(size_t entries, const double ns[NR_SUBJECTS])
{
	printf("| %zu |", entries);
	for (size_t subject = RIVAL_BARE + 1; subject < NR_SUBJECTS; subject++)
		if (isnan(ns[subject]))
			printf(" - |");
		else
			printf(" %.0f |", ns[subject]);
	printf("\n");
}

static void print_costs(uint8_t family, const struct result *results)
{
	printf("\n<!-- plot: performance-sources-ipv%u.svg, log, entries of the set, ns over the "
	       "bare "
	       "program -->\n![cost for each size of a set](performance-sources-ipv%u.svg)\n",
	       family, family);
	print_header();
	for (size_t i = 0; i < NR_SIZES; i++)
		print_row(sizes[i], results[i].ns);
	printf("\nOne packet from the set, repeated:\n");
	print_header();
	for (size_t i = 0; i < NR_SIZES; i++)
		print_row(sizes[i], results[i].repeated_ns);
}

static void print_ratio(double ratio, double bar)
{
	if (bar)
		printf(" %.2f (at most %.2f: %s) |", ratio, bar,
		       ratio <= bar ? "holds" : "**missed**");
	else
		printf(" %.2f |", ratio);
}

static void print_ratios(const struct result *results)
{
	printf("\n| entries | bare program in all, ns | synfw against the LPM trie | synfw against "
	       "one "
	       "load | tables of synfw, MiB |\n|---|---|---|---|---|\n");
	for (size_t i = 0; i < NR_SIZES; i++) {
		printf("| %zu | %.0f |", sizes[i], results[i].ns[RIVAL_BARE]);
		print_ratio(results[i].of_lpm, bars[i].lpm);
		print_ratio(results[i].of_load, bars[i].load);
		printf(" %.1f |\n", results[i].table_mib);
	}
}

int main(int argc, char **argv)
{
	CLEANUP(replay_closep) struct replay *replay = NULL;
	struct result results[NR_SIZES];
	int err;

	if (argc != 3) {
		fprintf(stderr, "usage: bench-sources replay.bpf.o rivals.bpf.o\n");
		return 2;
	}
	err = replay_open(argv[1], &replay);
	for (uint8_t family = 4; family <= 6 && !err; family += 2) {
		for (size_t i = 0; i < NR_SIZES && !err; i++)
			err = measure_size(replay, argv[2], family, sizes[i], &results[i]);
		if (err)
			break;
		printf("\n### IPv%u\n", family);
		print_costs(family, results);
		print_ratios(results);
		fflush(stdout);
	}
	if (err)
		fprintf(stderr, "the measurement failed: %s\n", strerror(-err));
	return err ? 1 : 0;
}
