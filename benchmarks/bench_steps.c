/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What each step costs a packet: the live program by BPF_PROG_TEST_RUN with policies of which each
 * differs from another in one step, one packet repeated and another source each time, in turns
 * within one run. Prints Markdown. Needs root.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/in.h>

#include <synfw/cleanup.h>

#include "enforced.h"
#include "replay.h"
#include "rivals.h"

#define ROUNDS	   9
#define MEMBERS	   1000000
#define ONE_LEVEL  500 /* rules; with the others of a policy at most 512 bits */
#define TWO_LEVELS 600
#define PORT	   443

/* A policy is its rules and `rest`, which matches every packet. */
static const struct step {
	const char *name;
	int less;	   /* place of the step that it is compared with; -1: the bare program */
	const char *rules; /* before `rest`; none of them matches. NULL: nor is there `rest` */
	const char *sets, *mode;
	bool no_policy;
	uint32_t nr_ports; /* rules for so many other ports */
	uint32_t nr_members;
	uint32_t nr_listed;  /* prefixes of a list; few of the sources are on it */
	const char *lookups; /* of maps, and where in the image it looks; by reading the program */
} steps[] = {
#define RULE(match) "  - {name: step, " match ", action: drop}\n"
#define DYNAMIC	    "sets: {step: {dynamic: true, size: 1000000}}\n"
#define LIST	    "sets: {step: {file: step.netset}}\n"
	{"no policy in force: parse, find that out, one counter", -1, NULL, .no_policy = true,
	 .lookups = "the walk, interface, control, generation, reason counter"},
	{"a policy without rules", 0, NULL,
	 .lookups = "page 0; of the attributes 1 id and 1 record; defaults"},
	{"a rule without fields, which decides", 1, "", .lookups = "rule counter; 1 rule"},
	{"monitor mode", 2, "", .mode = "monitor", .lookups = "-"},
	{"destination port", 2, RULE("to: 22/tcp"), .lookups = "1 id, 1 record"},
	{"source port", 2, RULE("from-port: 22/tcp"), .lookups = "1 id, 1 record"},
	{"TCP flags", 2, RULE("flags: [rst]"),
	 .lookups = "the attribute table by the flags, not by the shape"},
	{"interface", 2, RULE("interface: eth1"), .lookups = "1 id, 1 record"},
	{"interface and VLAN", 2, RULE("vlan: 10"), .lookups = "1 id, 1 record"},
	{"IPv4 source, known at the root", 2, RULE("from: 240.0.0.0/8"),
	 .lookups = "1 id, 1 record"},
	{"IPv4 source, one more step of the trie", 9, RULE("from: 203.0.113.128/25"),
	 .lookups = "1 list; few sources come so far when they change"},
	{"IPv4 destination as well as source", 9,
	 RULE("from: 240.0.0.0/8, to-address: 240.0.0.0/8"), .lookups = "1 id, 1 record"},
	{"dynamic set, empty", 2, RULE("from: step"), DYNAMIC,
	 .lookups = "1 word of the filter; 1 id, 1 record"},
	{"dynamic set, a million others", 12, RULE("from: step"), DYNAMIC, .nr_members = MEMBERS,
	 .lookups = "1 more word of the filter; for one in ten the members"},
	{"500 rules for ports, vectors of one level", 4, "", .nr_ports = ONE_LEVEL,
	 .lookups = "8 words of a record, not 1"},
	{"600 rules for ports, of two levels", 14, "", .nr_ports = TWO_LEVELS,
	 .lookups = "aggregates, then 1 chunk a field"},
	{"IPv4 list of 2,000: a root of 18 bits", 9, RULE("from: step"), LIST, .nr_listed = 2000,
	 .lookups = "1 word of the outline; where that is set 1 id, mostly 1 list"},
	{"IPv4 list of 100,000: a root of lines", 16, RULE("from: step"), LIST, .nr_listed = 100000,
	 .lookups = "1 word of the outline, where that is set 1 of the bitmap, 1 line"},
};
#define NR_STEPS    (sizeof(steps) / sizeof(steps[0]))
#define BARE	    NR_STEPS
#define PARSE	    (NR_STEPS + 1)
#define NR_SUBJECTS (NR_STEPS + 2)

enum traffic {
	TRAFFIC_REPEATED,
	TRAFFIC_SOURCES,
	NR_TRAFFIC,
};

struct bench {
	struct replay *replay;
	struct rivals *rivals;
	struct enforced synfw[NR_STEPS];
	double ns[NR_TRAFFIC][NR_SUBJECTS];
};

/* ---- the policies ---------------------------------------------------------------------------- */

static char *write_policy(const struct step *step)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	fprintf(out, "version: 1\nname: step\nmode: %s\n", step->mode ? step->mode : "block");
	fputs("interfaces:\n  - name: eth0\n  - name: eth1\ndefaults: {incoming: drop, icmp: "
	      "rules}\n",
	      out);
	fputs(step->sets ? step->sets : "", out);
	if (step->rules) {
		fprintf(out, "rules:\n%s", step->rules);
		for (uint32_t i = 0; i < step->nr_ports; i++)
			fprintf(out, "  - {name: port-%u, to: %u/tcp, action: drop}\n", i,
				1000 + i);
		fputs("  - {name: rest, from: any, action: drop}\n", out);
	}
	return fclose(out) ? NULL : text;
}

static char *write_list(uint32_t count)
{
	struct address_set set;
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out || address_set_draw(4, count, &set))
		return NULL;
	address_set_write(&set, out);
	address_set_done(&set);
	return fclose(out) ? NULL : text;
}

static int open_step(const struct step *step, struct enforced *ret_enforced)
{
	char path[] = "step.netset";
	struct policy_file file = {.path = path};
	struct policy_text text = {.files = &file, .nr_files = step->nr_listed > 0};
	int err;

	if (step->no_policy)
		return datapath_open(&ret_enforced->datapath);
	text.head = write_policy(step);
	file.text = step->nr_listed ? write_list(step->nr_listed) : NULL;
	err = text.head && !step->nr_listed == !file.text ? enforced_open(&text, ret_enforced)
							  : -ENOMEM;
	free(text.head);
	free(file.text);
	if (!err && step->nr_members)
		err = enforced_add_members(ret_enforced, step->nr_members);
	return err;
}

/* ---- the measurement ------------------------------------------------------------------------- */

static int set_flows(struct replay *replay)
{
	CLEANUP(cleanup_free) struct flow *flows = calloc(FLOW_COUNT, sizeof(*flows));
	struct rng rng = {FLOW_COUNT};

	if (!flows)
		return -ENOMEM;
	for (size_t i = 0; i < FLOW_COUNT; i++) {
		flows[i].v4.saddr_be = htonl(rng_between(&rng, 0x01000000, 0xdfffffff));
		flows[i].v4.daddr_be = htonl(0xc6336401); /* 198.51.100.1 */
		flows[i].v4.sport_be = htons(49152);
		flows[i].v4.dport_be = htons(PORT);
		flows[i].v4.proto = IPPROTO_TCP;
		flows[i].v4.tcp_flags = 2;
	}
	return replay_set_flows(replay, 4, flows);
}

static int open_rivals(const char *object, struct rivals **ret_rivals)
{
	struct address_set set;
	int err = address_set_draw(4, 1, &set);

	if (!err)
		err = rivals_open(object, &set, ret_rivals);
	address_set_done(&set);
	return err;
}

static int program(const struct bench *bench, size_t subject)
{
	if (subject < NR_STEPS)
		return enforced_fd(&bench->synfw[subject]);
	return rivals_fd(bench->rivals, subject == BARE ? RIVAL_BARE : RIVAL_PARSE);
}

/* Not the median: what disturbs a round is more than a step costs. */
static double smallest(const double times[ROUNDS])
{
	double least = times[0];

	for (int round = 1; round < ROUNDS; round++)
		if (times[round] < least)
			least = times[round];
	return least;
}

static int measure(struct bench *bench, enum traffic traffic)
{
	double times[NR_SUBJECTS][ROUNDS];

	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < NR_SUBJECTS; i++) {
			int fd = program(bench, i);
			int err = traffic == TRAFFIC_REPEATED
					  ? replay_repeat(fd, PORT, &times[i][round])
					  : replay_run(bench->replay, fd, &times[i][round]);

			if (err)
				return err;
		}
	for (size_t i = 0; i < NR_SUBJECTS; i++)
		bench->ns[traffic][i] = smallest(times[i]);
	return 0;
}

static void print_step(const struct bench *bench, const char *name, size_t subject, size_t less,
		       const char *compared, const char *lookups)
{
	const double *repeated = bench->ns[TRAFFIC_REPEATED];
	const double *sources = bench->ns[TRAFFIC_SOURCES];

	printf("| %s | %s | %.0f | %.0f | %.0f | %.0f | %s |\n", name, compared,
	       repeated[subject] - repeated[less], repeated[subject],
	       sources[subject] - sources[less], sources[subject], lookups);
}

static void print_steps(const struct bench *bench)
{
	char name[96], compared[16];

	printf("\nNanoseconds that a step adds, and all that the packet then takes. A step is what "
	       "one "
	       "policy has over another, whose number is given.\n\n"
	       "| step | over | repeated, adds | in all | another source, adds | in all | looks up "
	       "|\n"
	       "|---|---|---|---|---|---|---|\n");
	printf("| A. test run, XDP_DROP | - | - | %.0f | - | %.0f | - |\n",
	       bench->ns[TRAFFIC_REPEATED][BARE], bench->ns[TRAFFIC_SOURCES][BARE]);
	print_step(bench, "B. parse of Ethernet, IPv4 and TCP alone", PARSE, BARE, "A", "-");
	for (size_t i = 0; i < NR_STEPS; i++) {
		const struct step *step = &steps[i];

		snprintf(name, sizeof(name), "%zu. %s", i + 1, step->name);
		snprintf(compared, sizeof(compared), "%d", step->less + 1);
		print_step(bench, name, i, step->less < 0 ? BARE : (size_t)step->less,
			   step->less < 0 ? "A" : compared, step->lookups);
	}
}

int main(int argc, char **argv)
{
	struct bench bench = {};
	int err;

	if (argc != 3) {
		fprintf(stderr, "usage: bench-steps replay.bpf.o rivals.bpf.o\n");
		return 2;
	}
	err = replay_open(argv[1], &bench.replay);
	if (!err)
		err = set_flows(bench.replay);
	if (!err)
		err = open_rivals(argv[2], &bench.rivals);
	for (size_t i = 0; i < NR_STEPS && !err; i++)
		err = open_step(&steps[i], &bench.synfw[i]);
	for (int traffic = 0; traffic < NR_TRAFFIC && !err; traffic++)
		err = measure(&bench, traffic);
	if (err)
		fprintf(stderr, "the measurement failed: %s\n", strerror(-err));
	else
		print_steps(&bench);
	for (size_t i = 0; i < NR_STEPS; i++)
		enforced_close(&bench.synfw[i]);
	rivals_close(bench.rivals);
	replay_close(bench.replay);
	return err ? 1 : 0;
}
