/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What deciding over time costs a packet: one of an established connection, repeated, and a flood
 * in which each packet has a source of its own, by BPF_PROG_TEST_RUN in turns with the bare program
 * within one run. Prints Markdown. Needs root.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/in.h>

#include <synfw/cleanup.h>

#include "connection.h"
#include "enforced.h"
#include "harness/state.h"
#include "replay.h"
#include "rivals.h"

#define ROUNDS		5
#define MANY		999000 /* of each family: a policy has room for two million */
#define FEW		10000
#define NR_MEMBERS	10000
#define NR_BLOCKS	1000
#define ESTABLISHED_BAR 80.0
#define FLOOD_BAR	300.0
#define SEED		20260101

/* What a policy has besides its list. */
enum part {
	PART_CONNECTIONS = 1 << 0,
	PART_BLOCKS = 1 << 1,
	PART_DYNAMIC = 1 << 2,
	PART_RATE = 1 << 3,
	PART_PORTS = 1 << 4,
	PART_SCORES = 1 << 5, /* of the packets: a rule that scores is always there */
	PART_LOG = 1 << 6,
	PART_LIST = 1 << 7,
	ALL_PARTS = (1 << 8) - 1,
};

static const struct variant {
	const char *name;
	size_t listed;
	unsigned int parts;
	double bar; /* 0: none */
} variants[] = {
	{"everything", MANY, ALL_PARTS, FLOOD_BAR},
	{"everything, but no packet scores", MANY, ALL_PARTS & ~PART_SCORES, FLOOD_BAR},
	{"everything", FEW, ALL_PARTS, FLOOD_BAR},
	{"everything, but no packet scores", FEW, ALL_PARTS & ~PART_SCORES, FLOOD_BAR},
	{"without the rate", FEW, ALL_PARTS & ~PART_RATE, 0},
	{"without the distinct ports", FEW, ALL_PARTS & ~PART_PORTS, 0},
	{"without the dynamic set", FEW, ALL_PARTS & ~PART_DYNAMIC, 0},
	{"without the look for a connection", FEW, ALL_PARTS & ~PART_CONNECTIONS, 0},
	{"without blocked sources", FEW, ALL_PARTS & ~PART_BLOCKS, 0},
	{"without events", FEW, ALL_PARTS & ~PART_LOG, 0},
	{"without the list", FEW, ALL_PARTS & ~PART_LIST, 0},
	{"connections, blocks and events alone", FEW, PART_CONNECTIONS | PART_BLOCKS | PART_LOG, 0},
};
#define NR_VARIANTS (sizeof(variants) / sizeof(variants[0]))

static const struct {
	const char *name;
	struct connection connection;
} packets[] = {
	{"TCP over IPv4", {.family = 4, .protocol = IPPROTO_TCP}},
	{"TCP over IPv6", {.family = 6, .protocol = IPPROTO_TCP}},
	{"UDP over IPv4, connected socket", {4, IPPROTO_UDP, .connected = true, .number = 1}},
	{"UDP over IPv6, connected socket", {6, IPPROTO_UDP, .connected = true, .number = 1}},
	{"UDP over IPv4", {.family = 4, .protocol = IPPROTO_UDP, .number = 2}},
	{"UDP over IPv6", {.family = 6, .protocol = IPPROTO_UDP, .number = 2}},
};
#define NR_PACKETS (sizeof(packets) / sizeof(packets[0]))

struct bench {
	struct replay *replay;
	struct rivals *rivals;
	struct address_set set[2][2]; /* MANY, FEW; IPv4, IPv6 */
	struct enforced synfw[NR_VARIANTS];
	struct state *state[NR_VARIANTS];
};

/* ---- policies -------------------------------------------------------------------------------- */

static const char *when(unsigned int parts, enum part part, const char *text, const char *otherwise)
{
	return parts & part ? text : otherwise;
}

static char *write_policy(unsigned int parts)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	fprintf(out,
		"version: 1\nname: flood\ninterfaces: [{name: eth0}]\n"
		"protect: [{from: 10.9.0.0/16, to: 22/tcp}]\n"
		"sets:\n  added: {dynamic: true, size: 1000000}\n%s"
		"defaults: {incoming: drop, icmp: rules, established: %s}\n"
		"scoring: {flag-at: 50, drop-at: 100, decay: 10/min, block-for: 1h}\n"
		"logging: {events: [%sblock, flag]}\nrules:\n",
		when(parts, PART_LIST, "  listed: {file: listed.netset}\n", ""),
		when(parts, PART_CONNECTIONS, "allow", "rules"),
		when(parts, PART_LOG, "drop, ", ""));
	fputs(when(parts, PART_LIST, "  - {name: listed, from: listed, action: drop}\n", ""), out);
	fputs(when(parts, PART_DYNAMIC, "  - {name: added, from: added, action: drop}\n", ""), out);
	fputs(when(parts, PART_RATE,
		   "  - {name: rate, proto: tcp, rate: {over: 100/s, burst: 100, per: source}, "
		   "action: drop}\n",
		   ""),
	      out);
	fputs(when(parts, PART_PORTS,
		   "  - {name: ports, proto: tcp, distinct-ports: {over: 20, within: 10s}, score: "
		   "40}\n",
		   ""),
	      out);
	fprintf(out,
		"  - {name: score, to: %s, score: 1}\n  - {name: web, to: 80/tcp, action: allow}\n",
		when(parts, PART_SCORES, "1-65535/tcp", "23/tcp"));
	return fclose(out) ? NULL : text;
}

static int compile(struct bench *bench, const struct variant *variant,
		   struct enforced *ret_enforced)
{
	const struct address_set *sets = bench->set[variant->listed == FEW];
	char path[] = "listed.netset";
	struct policy_file file = {.path = path};
	struct policy_text text = {.files = &file, .nr_files = 1};
	size_t length;
	FILE *out = open_memstream(&file.text, &length);
	int err;

	if (!out)
		return -ENOMEM;
	address_set_write(&sets[0], out);
	address_set_write(&sets[1], out);
	err = fclose(out) ? -ENOMEM : 0;
	text.head = write_policy(variant->parts);
	if (!err)
		err = text.head ? enforced_open(&text, ret_enforced) : -ENOMEM;
	free(text.head);
	free(file.text);
	return err;
}

/* Nobody's packets are from class E. */
static int open_variant(struct bench *bench, size_t i)
{
	const struct synfw_block block = {.cause = SYNFW_BLOCK_OPERATOR};
	unsigned int parts = variants[i].parts;
	int err = compile(bench, &variants[i], &bench->synfw[i]);

	if (err)
		return err;
	bench->state[i] = state_open(bench->synfw[i].datapath, SEED);
	for (uint32_t n = 0; n < NR_BLOCKS && parts & PART_BLOCKS && !err; n++) {
		const struct synfw_addr6 source = addr6_of_v4(0xf1000000 + n);

		err = state_put_block(bench->state[i], &source, &block);
	}
	if (!err && parts & PART_DYNAMIC)
		err = enforced_add_members(&bench->synfw[i], NR_MEMBERS);
	for (size_t n = 0; n < NR_PACKETS && !err; n++)
		err = connection_put(bench->synfw[i].datapath, &packets[n].connection);
	return err;
}

/* ---- an established packet ------------------------------------------------------------------- */

static uint64_t passed_established(const struct bench *bench, size_t variant)
{
	struct synfw_reason_counter counter;

	if (datapath_reason_counter(bench->synfw[variant].datapath, 0, SYNFW_REASON_ESTABLISHED,
				    &counter))
		return 0;
	return counter.packets;
}

static int measure_packet(struct bench *bench, size_t i)
{
	uint64_t before = passed_established(bench, 0);
	double bare[ROUNDS], over[ROUNDS], ns;
	struct frame frame;

	connection_frame(&packets[i].connection, &frame);
	for (int round = 0; round < ROUNDS; round++) {
		int err = replay_repeat_frame(rivals_fd(bench->rivals, RIVAL_BARE), frame.byte,
					      frame.length, &bare[round]);

		if (!err)
			err = replay_repeat_frame(enforced_fd(&bench->synfw[0]), frame.byte,
						  frame.length, &over[round]);
		if (err)
			return err;
		over[round] -= bare[round];
	}
	if (passed_established(bench, 0) != before + ROUNDS * REPLAY_REPEAT)
		return -EBADMSG;
	ns = replay_median(over, ROUNDS);
	printf("| %s | %.0f | %.0f (at most %.0f: %s) |\n", packets[i].name,
	       replay_median(bare, ROUNDS), ns, ESTABLISHED_BAR,
	       ns <= ESTABLISHED_BAR ? "holds" : "**missed**");
	return 0;
}

static int measure_established(struct bench *bench)
{
	int err = 0;

	printf("\nA packet of a connection that this host opened, repeated; the policy is the "
	       "first "
	       "of the next table.\n\n"
	       "| packet | bare program, ns | over it, ns |\n|---|---|---|\n");
	for (size_t i = 0; i < NR_PACKETS && !err; i++)
		err = measure_packet(bench, i);
	return err;
}

/* ---- the flood ------------------------------------------------------------------------------- */

static int set_flows(struct bench *bench, uint8_t family)
{
	CLEANUP(cleanup_free) struct flow *flows = calloc(FLOW_COUNT, sizeof(*flows));
	struct rng rng = {family};
	uint8_t addr[16];

	if (!flows)
		return -ENOMEM;
	for (size_t i = 0; i < FLOW_COUNT; i++) {
		address_set_pick(&bench->set[0][family == 6], &rng, false, addr);
		if (family == 6) {
			memcpy(flows[i].saddr6, addr, sizeof(addr));
			continue;
		}
		memcpy(&flows[i].v4.saddr_be, addr, sizeof(flows[i].v4.saddr_be));
		flows[i].v4.daddr_be = htonl(0xc6336401); /* 198.51.100.1 */
		flows[i].v4.sport_be = htons(49152);
		flows[i].v4.dport_be = htons(443);
		flows[i].v4.proto = IPPROTO_TCP;
		flows[i].v4.tcp_flags = SYNFW_TCP_SYN;
	}
	return replay_set_flows(bench->replay, family, flows);
}

/* All variants, and behind them one load: how long the machine waits for memory just then. */
#define NR_MEASURED (NR_VARIANTS + 1)

static int flood_fd(const struct bench *bench, size_t i)
{
	return i < NR_VARIANTS ? enforced_fd(&bench->synfw[i])
			       : rivals_fd(bench->rivals, RIVAL_LOAD);
}

static int run_flood(struct bench *bench, double bare[ROUNDS], double over[][ROUNDS])
{
	for (int round = 0; round < ROUNDS; round++) {
		int err = replay_run(bench->replay, rivals_fd(bench->rivals, RIVAL_BARE),
				     &bare[round]);

		for (size_t i = 0; i < NR_MEASURED && !err; i++) {
			err = replay_run(bench->replay, flood_fd(bench, i), &over[i][round]);
			over[i][round] -= bare[round];
		}
		if (err)
			return err;
	}
	return 0;
}

static int measure_flood(struct bench *bench, double ret_bare[2], double ret_ns[2][NR_MEASURED])
{
	double bare[ROUNDS], over[NR_MEASURED][ROUNDS];

	for (int i = 0; i < 2; i++) {
		int err = set_flows(bench, i ? 6 : 4);

		if (!err)
			err = run_flood(bench, bare, over);
		if (err)
			return err;
		ret_bare[i] = replay_median(bare, ROUNDS);
		for (size_t n = 0; n < NR_MEASURED; n++)
			ret_ns[i][n] = replay_median(over[n], ROUNDS);
	}
	return 0;
}

static void print_against(double ns, double bar)
{
	if (bar)
		printf(" %.0f (at most %.0f: %s) |", ns, bar, ns <= bar ? "holds" : "**missed**");
	else
		printf(" %.0f |", ns);
}

static int print_flood(struct bench *bench)
{
	double bare[2], ns[2][NR_MEASURED];
	int err = measure_flood(bench, bare, ns);

	if (err)
		return err;
	printf("\nA flood, each packet a TCP SYN from another source that no list has, dropped by "
	       "default. Everything: a list of so many IPv4 prefixes and as many of IPv6, a "
	       "dynamic set with %d members, a rate for each source, distinct ports, a rule that "
	       "scores every packet, "
	       "connections, %d blocked sources, an entry of `protect`, and drops as events with "
	       "the default sample and limit, with nobody who reads them. The bare program takes "
	       "%.0f "
	       "ns, %.0f with IPv6.\n\n"
	       "| policy | entries of the list, of each family | over the bare program, ns | IPv6 "
	       "|\n"
	       "|---|---|---|---|\n",
	       NR_MEMBERS, NR_BLOCKS, bare[0], bare[1]);
	for (size_t i = 0; i < NR_VARIANTS; i++) {
		printf("| %s | %zu |", variants[i].name,
		       variants[i].parts & PART_LIST ? variants[i].listed : 0);
		print_against(ns[0][i], variants[i].bar);
		print_against(ns[1][i], variants[i].bar);
		putchar('\n');
	}
	printf("| %s | - | %.0f | %.0f |\n", rival_names[RIVAL_LOAD], ns[0][NR_VARIANTS],
	       ns[1][NR_VARIANTS]);
	return 0;
}

int main(int argc, char **argv)
{
	struct bench bench = {};
	int err;

	if (argc != 3) {
		fprintf(stderr, "usage: bench-over-time replay.bpf.o rivals.bpf.o\n");
		return 2;
	}
	err = replay_open(argv[1], &bench.replay);
	for (int i = 0; i < 4 && !err; i++)
		err = address_set_draw(i % 2 ? 6 : 4, i < 2 ? MANY : FEW, &bench.set[i / 2][i % 2]);
	if (!err)
		err = rivals_open(argv[2], &bench.set[1][0], &bench.rivals);
	for (size_t i = 0; i < NR_VARIANTS && !err; i++)
		err = open_variant(&bench, i);
	if (!err)
		err = measure_established(&bench);
	if (!err)
		err = print_flood(&bench);
	if (err)
		fprintf(stderr, "the measurement failed: %s\n", strerror(-err));
	for (size_t i = 0; i < NR_VARIANTS; i++) {
		state_close(bench.state[i]);
		enforced_close(&bench.synfw[i]);
	}
	rivals_close(bench.rivals);
	replay_close(bench.replay);
	for (int i = 0; i < 4; i++)
		address_set_done(&bench.set[i / 2][i % 2]);
	return err ? 1 : 0;
}
