/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A spoofed flood of ten times what every map of <synfw/state.h> has room for, four packets a
 * source, through rules that score, limit, scan and block: what a packet costs against the same
 * packets from few sources and empty maps, what the maps take, and whether blocks and a connection
 * survive. Prints Markdown; fails when one does not. Needs root.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/in.h>

#include <synfw/cleanup.h>

#include "connection.h"
#include "enforced.h"
#include "harness/state.h"
#include "replay.h"
#include "rivals.h"

#define ROUNDS		9
#define SEED		20260101
#define PER_SOURCE	4
#define TIMES		10
#define LARGEST		SYNFW_MAX_SOURCES
#define FEW_SOURCES	1024 /* and so many others are between two packets of a source */
#define PIECE_SOURCES	(FLOW_COUNT / PER_SOURCE)
#define NR_PIECES	((TIMES * LARGEST + PIECE_SOURCES - 1) / PIECE_SOURCES)
#define BAR		2.0
#define FIRST_SOURCE	0x0b000000 /* 11.0.0.0 */
#define OPERATOR_SOURCE 0x01010101
#define RULE_SOURCE	0x01010102
#define TRAP_PORT	7
#define ONE_OF		8 /* sources begin at the trap */

_Static_assert(LARGEST >= SYNFW_MAX_BLOCKS && LARGEST >= SYNFW_MAX_FLOWS &&
		       LARGEST >= SYNFW_RATE_SETS * SYNFW_RATE_WAYS && LARGEST >= SYNFW_PORT_SCANS,
	       "no table has more room");

static const char policy[] =
	"version: 1\nname: flood\ninterfaces: [{name: eth0}]\n"
	"protect: [{from: 10.9.0.0/16, to: 22/tcp}]\n"
	"defaults: {incoming: drop, icmp: rules, established: allow}\n"
	"scoring: {flag-at: 50, drop-at: 100, decay: 10/min, block-for: 24h}\n"
	"rules:\n"
	"  - {name: trap, to: 7/tcp, action: drop, block: 24h}\n"
	"  - {name: score, proto: tcp, score: 35}\n"
	"  - {name: rate, proto: tcp, rate: {over: 1/s, burst: 2, per: source}, score: 10}\n"
	"  - {name: ports, proto: tcp, distinct-ports: {over: 2, within: 60s}, score: 50}\n";

/* Arrays of what is remembered of sources; blocks are in a map of another kind. */
static const char *const arrays[] = {"synfw_sources",	 "synfw_more_parts", "synfw_source_rates",
				     "synfw_port_scans", "synfw_block_ring", "synfw_event_firsts"};
/* All that may grow. */
static const char *const maps[] = {"synfw_sources",    "synfw_more_parts",   "synfw_source_rates",
				   "synfw_port_scans", "synfw_block_ring",   "synfw_event_firsts",
				   "synfw_blocks",     "synfw_block_filter", "synfw_flows",
				   "synfw_udp_flows",  "synfw_rule_rates",   "synfw_events"};

static const struct connection connections[] = {
	{.family = 4, .protocol = IPPROTO_TCP},
	{.family = 6, .protocol = IPPROTO_TCP},
	{.family = 4, .protocol = IPPROTO_UDP, .connected = true, .number = 1},
};
#define NR_CONNECTIONS (sizeof(connections) / sizeof(connections[0]))

struct bench {
	struct replay *replay;
	struct rivals *rivals;
	struct enforced synfw;
	struct state *state;
	struct flow *flows;
	double bare[2], over[2], worst; /* few sources, the flood */
};

/* ---- packets --------------------------------------------------------------------------------- */

/* A thousand sources send their first packets, then their second ones, and so on. */
static struct flow packet(uint32_t first_source, uint32_t n)
{
	uint32_t turn = n / FEW_SOURCES % PER_SOURCE;
	uint32_t source = n / (FEW_SOURCES * PER_SOURCE) * FEW_SOURCES + n % FEW_SOURCES;
	bool trapped = source % ONE_OF == 0 && turn == 0;
	struct flow flow = {.v4 = {.proto = IPPROTO_TCP, .tcp_flags = SYNFW_TCP_SYN}};

	flow.v4.saddr_be = htonl(FIRST_SOURCE + first_source + source);
	flow.v4.daddr_be = htonl(0xc6336401); /* 198.51.100.1 */
	flow.v4.sport_be = htons(49152);
	flow.v4.dport_be = htons(trapped ? TRAP_PORT : 1000 + turn);
	return flow;
}

static int set_flows(struct bench *bench, uint32_t first_source)
{
	for (uint32_t i = 0; i < FLOW_COUNT; i++)
		bench->flows[i] = packet(first_source, i);
	return replay_set_flows(bench->replay, 4, bench->flows);
}

static bool blocked(struct bench *bench, uint32_t source)
{
	const struct synfw_addr6 address = addr6_of_v4(source);
	struct frame_spec spec = FRAME_SPEC_DEFAULT;
	struct synfw_reason_counter before, after;
	uint32_t source_be = htonl(source), action;
	struct synfw_block block;
	struct frame frame;

	memcpy(spec.saddr, &source_be, sizeof(source_be));
	spec.dport = 9;
	frame_build(&spec, &frame);
	return state_block(bench->state, &address, &block) &&
	       !datapath_reason_counter(bench->synfw.datapath, 1, SYNFW_REASON_BLOCKED, &before) &&
	       !datapath_run(bench->synfw.datapath, frame.byte, frame.length, 1, &action) &&
	       !datapath_reason_counter(bench->synfw.datapath, 1, SYNFW_REASON_BLOCKED, &after) &&
	       action == XDP_DROP && after.packets == before.packets + 1;
}

static bool passes(struct bench *bench, const struct connection *connection)
{
	struct frame frame;
	uint32_t action;

	connection_frame(connection, &frame);
	return !datapath_run(bench->synfw.datapath, frame.byte, frame.length, 1, &action) &&
	       action == XDP_PASS;
}

static int check_survivors(struct bench *bench)
{
	bool survive = blocked(bench, OPERATOR_SOURCE) && blocked(bench, RULE_SOURCE);

	for (size_t i = 0; i < NR_CONNECTIONS; i++)
		survive = survive && passes(bench, &connections[i]);
	if (survive)
		return 0;
	fprintf(stderr, "a block or a connection did not survive\n");
	return -EBADMSG;
}

/* ---- maps ------------------------------------------------------------------------------------ */

static uint64_t map_bytes(const struct bench *bench, const char *name)
{
	unsigned long long bytes = 0;
	char line[128], path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d",
		 datapath_map_fd(bench->synfw.datapath, name));
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "memlock: %llu", &bytes);
	if (file)
		fclose(file);
	return bytes;
}

static uint64_t all_map_bytes(const struct bench *bench)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		bytes += map_bytes(bench, maps[i]);
	return bytes;
}

/* Of the whole kernel, in KiB: what maps are made of. */
static uint64_t kernel_kib(void)
{
	static const char *const words[] = {"SUnreclaim:", "VmallocUsed:", "Percpu:"};
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kib, sum = 0;
	char line[128], word[64];

	while (file && fgets(line, sizeof(line), file))
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (sscanf(line, "%63s %llu", word, &kib) == 2 && !strcmp(word, words[i]))
				sum += kib;
	if (file)
		fclose(file);
	return sum;
}

static int clear_array(int fd)
{
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);
	CLEANUP(cleanup_free) uint8_t *values = NULL;
	CLEANUP(cleanup_free) uint32_t *keys = NULL;

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	values = calloc(info.max_entries, info.value_size);
	keys = calloc(info.max_entries, sizeof(*keys));
	if (!values || !keys)
		return -ENOMEM;
	for (uint32_t i = 0; i < info.max_entries; i++)
		keys[i] = i;
	size = info.max_entries;
	return bpf_map_update_batch(fd, keys, values, &size, NULL) ? -errno : 0;
}

static int forget(struct bench *bench)
{
	int fd = datapath_map_fd(bench->synfw.datapath, "synfw_blocks"), err = 0;
	struct synfw_addr6 source;

	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]) && !err; i++)
		err = clear_array(datapath_map_fd(bench->synfw.datapath, arrays[i]));
	while (!err && !bpf_map_get_next_key(fd, NULL, &source))
		err = bpf_map_delete_elem(fd, &source) ? -errno : 0;
	return err;
}

/* ---- the measurement ------------------------------------------------------------------------- */

static int measure_few(struct bench *bench)
{
	uint32_t count = FEW_SOURCES * PER_SOURCE;
	double bare[ROUNDS], over[ROUNDS];
	int err = set_flows(bench, 0);

	for (int round = 0; round < ROUNDS && !err; round++) {
		err = forget(bench);
		if (!err)
			err = replay_run_first(bench->replay, rivals_fd(bench->rivals, RIVAL_BARE),
					       count, &bare[round]);
		if (!err)
			err = replay_run_first(bench->replay, enforced_fd(&bench->synfw), count,
					       &over[round]);
		over[round] -= bare[round];
	}
	if (err)
		return err;
	bench->bare[0] = replay_median(bare, ROUNDS);
	bench->over[0] = replay_median(over, ROUNDS);
	return forget(bench);
}

/* Who is there before the flood. */
static int put_survivors(struct bench *bench)
{
	const struct synfw_addr6 source = addr6_of_v4(OPERATOR_SOURCE);
	const struct synfw_block block = {.cause = SYNFW_BLOCK_OPERATOR};
	struct frame_spec spec = FRAME_SPEC_DEFAULT;
	uint32_t source_be = htonl(RULE_SOURCE), action;
	struct frame frame;
	int err = state_put_block(bench->state, &source, &block);

	memcpy(spec.saddr, &source_be, sizeof(source_be));
	spec.dport = TRAP_PORT;
	frame_build(&spec, &frame);
	if (!err)
		err = datapath_run(bench->synfw.datapath, frame.byte, frame.length, 1, &action);
	for (size_t i = 0; i < NR_CONNECTIONS && !err; i++)
		err = connection_put(bench->synfw.datapath, &connections[i]);
	return err ? err : check_survivors(bench);
}

/* What the answers of a UDP server to forged sources make of the map of connections. */
static int flood_connections(struct bench *bench)
{
	struct connection answer = {.family = 4, .protocol = IPPROTO_UDP};
	int err = 0;

	for (uint32_t i = 0; i < TIMES * SYNFW_MAX_FLOWS && !err; i++) {
		answer.number = 0x100000 + i;
		err = connection_put(bench->synfw.datapath, &answer);
	}
	return err;
}

static int measure_flood(struct bench *bench)
{
	double bare[NR_PIECES], over[NR_PIECES];
	int err = 0;

	for (uint32_t i = 0; i < NR_PIECES && !err; i++) {
		err = set_flows(bench, i * PIECE_SOURCES);
		if (!err)
			err = replay_run(bench->replay, rivals_fd(bench->rivals, RIVAL_BARE),
					 &bare[i]);
		if (!err)
			err = replay_run(bench->replay, enforced_fd(&bench->synfw), &over[i]);
		if (!err)
			err = check_survivors(bench);
		over[i] -= bare[i];
		if (over[i] > bench->worst)
			bench->worst = over[i];
	}
	if (err)
		return err;
	bench->bare[1] = replay_median(bare, NR_PIECES);
	bench->over[1] = replay_median(over, NR_PIECES);
	return 0;
}

static void print_ratio(const char *name, double few, double many, bool has_bar)
{
	printf("| %s | %.0f | %.0f | %.2f", name, few, many, many / few);
	if (has_bar)
		printf(" (at most %.0f: %s)", BAR, many <= BAR * few ? "holds" : "**missed**");
	printf(" |\n");
}

static void print_result(const struct bench *bench, uint64_t before, uint64_t after,
			 int64_t kernel_grown_kib)
{
	printf("\n%d sources, %d packets each, %d other sources between two of them: each scores, "
	       "one "
	       "of %d begins with a rule that blocks it, the third packet exceeds a rate and "
	       "distinct "
	       "ports and reaches `drop-at`. Few are %d sources, after all was forgotten.\n\n"
	       "| ns a packet | few sources, empty maps | the flood | of it |\n|---|---|---|---|\n",
	       NR_PIECES * PIECE_SOURCES, PER_SOURCE, FEW_SOURCES - 1, ONE_OF, FEW_SOURCES);
	print_ratio("bare program", bench->bare[0], bench->bare[1], false);
	print_ratio("synfw, in all", bench->over[0] + bench->bare[0],
		    bench->over[1] + bench->bare[1], false);
	print_ratio("synfw, over the bare program", bench->over[0], bench->over[1], true);
	print_ratio("the slowest million packets", bench->over[0], bench->worst, false);
	printf("\n| | |\n|---|---|\n| block by the operator, block by a rule, %zu connections, all "
	       "made "
	       "before | survived (asserted after each million packets: holds) |\n"
	       "| memory of the maps before and after, bytes | %llu, %llu (does not grow: %s) |\n"
	       "| kernel memory of the machine, grown by, KiB | %lld |\n"
	       "| blocks in the end, of %d | %u |\n",
	       NR_CONNECTIONS, (unsigned long long)before, (unsigned long long)after,
	       before == after ? "holds" : "**missed**", (long long)kernel_grown_kib,
	       SYNFW_MAX_BLOCKS, state_count_blocks(bench->state));
	printf("| blocks, scores, rates, scans that found no room | %llu, %llu, %llu, %llu |\n",
	       (unsigned long long)state_tally(bench->state, SYNFW_TALLY_BLOCKS_FULL),
	       (unsigned long long)state_tally(bench->state, SYNFW_TALLY_SCORES_LOST),
	       (unsigned long long)state_tally(bench->state, SYNFW_TALLY_RATES_LOST),
	       (unsigned long long)state_tally(bench->state, SYNFW_TALLY_SCANS_LOST));
}

static int measure(struct bench *bench)
{
	uint64_t before, kernel_before;
	int err = measure_few(bench);

	if (!err)
		err = put_survivors(bench);
	if (err)
		return err;
	before = all_map_bytes(bench);
	kernel_before = kernel_kib();
	err = flood_connections(bench);
	if (!err)
		err = measure_flood(bench);
	if (!err && all_map_bytes(bench) > before)
		err = -EBADMSG;
	if (!err)
		print_result(bench, before, all_map_bytes(bench),
			     (int64_t)kernel_kib() - (int64_t)kernel_before);
	return err;
}

static int open_all(struct bench *bench, char **objects)
{
	char head[sizeof(policy)];
	struct policy_text text = {.head = head};
	struct address_set set = {};
	int err = replay_open(objects[0], &bench->replay);

	memcpy(head, policy, sizeof(policy));
	bench->flows = calloc(FLOW_COUNT, sizeof(*bench->flows));
	if (!err && !bench->flows)
		err = -ENOMEM;
	if (!err)
		err = address_set_draw(4, 1, &set);
	if (!err)
		err = rivals_open(objects[1], &set, &bench->rivals);
	if (!err)
		err = enforced_open(&text, &bench->synfw);
	if (!err)
		bench->state = state_open(bench->synfw.datapath, SEED);
	address_set_done(&set);
	return err;
}

int main(int argc, char **argv)
{
	struct bench bench = {};
	int err;

	if (argc != 3) {
		fprintf(stderr, "usage: bench-flood replay.bpf.o rivals.bpf.o\n");
		return 2;
	}
	err = open_all(&bench, argv + 1);
	if (!err)
		err = measure(&bench);
	if (err)
		fprintf(stderr, "the measurement failed: %s\n", strerror(-err));
	state_close(bench.state);
	enforced_close(&bench.synfw);
	rivals_close(bench.rivals);
	replay_close(bench.replay);
	free(bench.flows);
	return err ? 1 : 0;
}
