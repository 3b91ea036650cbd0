/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Blocks: when they begin and end, whom they cannot concern, what a full map does, and what a
 * policy that only monitors makes of them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "base/claims.h"
#include "harness/filter_bits.h"
#include "model/frame.h"
#include "base/must.h"
#include "random/over_time_policy.h"
#include "base/policy_text.h"
#include "base/scale.h"
#include "harness/state.h"

#define NS_PER_S   UINT64_C(1000000000)
#define START_NS   (1000 * NS_PER_S)
#define BLOCK_NS   (600 * NS_PER_S)
#define PROTO_TCP  6
#define SCORE_PORT 1000
#define QUIET_PORT 5
#define HOSTILE	   0x01020304

static const struct policyc_interface eth0 = {"eth0", 1};
static const struct policyc_options options = {.interfaces = &eth0, .nr_interfaces = 1};
static struct datapath *datapath;
static struct state *state;

/* A packet to SCORE_PORT blocks its source: the score reaches drop-at at once. */
static const struct model_policy strict = {
	.decay = 3600,
	.flag_at = 1,
	.drop_at = 10,
	.block_for_ns = {BLOCK_NS, 2 * BLOCK_NS, 3 * BLOCK_NS},
	.nr_rules = 1,
	.rules = {{.proto = PROTO_TCP,
		   .first_port = SCORE_PORT,
		   .last_port = SCORE_PORT,
		   .score = 10}},
};
static const struct policy_frame plain = {.ipv6_prefixlen = 64, .protect = "10.9.0.0/16"};

static void apply(const struct model_policy *policy, struct compiled *ret_compiled)
{
	struct policy_text text = {.head = policy_write(policy, &plain)};

	MUST(policy_text_compile(&text, &options, stderr, ret_compiled) == 0);
	MUST(datapath_apply(datapath, ret_compiled->image) == 0);
	policy_text_done(&text);
}

static void build4(uint32_t from, uint16_t port, struct frame *ret_frame)
{
	struct frame_spec spec = FRAME_SPEC_DEFAULT;

	for (int i = 0; i < 4; i++)
		spec.saddr[i] = from >> (24 - 8 * i);
	memcpy(spec.daddr, "\xc6\x33\x64\x01", 4);
	spec.dport = port;
	frame_build(&spec, ret_frame);
}

static void build6(const struct synfw_addr6 *from, uint16_t port, struct frame *ret_frame)
{
	struct frame_spec spec = FRAME_SPEC_DEFAULT;

	spec.family = 6;
	memcpy(spec.saddr, from, 16);
	memcpy(spec.daddr, "\x20\x01\x0d\xb8", 4);
	spec.dport = port;
	frame_build(&spec, ret_frame);
}

static bool passes(const struct frame *frame)
{
	uint32_t action;

	MUST(datapath_run(datapath, frame->byte, frame->length, 1, &action) == 0);
	return action == XDP_PASS;
}

static bool passes4(uint32_t from, uint16_t port)
{
	struct frame frame;

	build4(from, port, &frame);
	return passes(&frame);
}

static uint64_t reason_packets(enum synfw_reason reason)
{
	struct synfw_reason_counter counter;

	MUST(datapath_reason_counter(datapath, 1, reason, &counter) == 0);
	return counter.packets;
}

static bool ends_on_time_and_remembers_offences(void)
{
	const struct synfw_addr6 hostile = addr6_of_v4(HOSTILE);
	uint64_t now_ns = START_NS, blocked = reason_packets(SYNFW_REASON_BLOCKED);
	struct synfw_block block;

	for (uint32_t offence = 1; offence <= 4; offence++) {
		uint64_t for_ns = (offence < 3 ? offence : 3) * BLOCK_NS;

		state_set_time(state, now_ns);
		EXPECT(passes4(HOSTILE, QUIET_PORT));
		EXPECT(!passes4(HOSTILE, SCORE_PORT));
		EXPECT(state_block(state, &hostile, &block));
		EXPECT(block.offences == offence && block.expires_boot_ns == now_ns + for_ns);
		state_set_time(state, now_ns + for_ns - 1);
		EXPECT(!passes4(HOSTILE, QUIET_PORT));
		EXPECT(passes4(HOSTILE + 1, QUIET_PORT));
		now_ns += for_ns;
	}
	state_set_time(state, now_ns);
	EXPECT(passes4(HOSTILE, QUIET_PORT));
	EXPECT(reason_packets(SYNFW_REASON_BLOCKED) == blocked + 4);
	return true;
}

static bool operator_blocks_and_unblocks(void)
{
	const struct synfw_addr6 source = addr6_of_v4(HOSTILE + 2);
	struct synfw_block block = {.cause = SYNFW_BLOCK_OPERATOR};

	EXPECT(passes4(HOSTILE + 2, QUIET_PORT));
	MUST(state_put_block(state, &source, &block) == 0);
	EXPECT(!passes4(HOSTILE + 2, QUIET_PORT));
	EXPECT(passes4(HOSTILE + 3, QUIET_PORT));
	state_remove_block(state, &source);
	EXPECT(passes4(HOSTILE + 2, QUIET_PORT));
	return true;
}

/* Which is what makes the filter cheap: nothing is looked for behind a bit that is clear. */
static bool is_not_looked_for_behind_a_clear_bit(void)
{
	static const struct filter_bits cases[] = {
		{.own = false, .summary = true, .any = true},
		{.own = true, .summary = false, .any = true},
		{.own = true, .summary = true, .any = false},
	};
	static const struct filter_bits all = {true, true, true};
	const struct synfw_block block = {.cause = SYNFW_BLOCK_OPERATOR};
	const struct synfw_addr6 source = addr6_of_v4(HOSTILE + 7);
	int filter_fd = datapath_map_fd(datapath, "synfw_block_filter");
	int runtime_fd = datapath_map_fd(datapath, "synfw_runtime");

	MUST(state_put_block(state, &source, &block) == 0);
	EXPECT(!passes4(HOSTILE + 7, QUIET_PORT));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		filter_bits_put(filter_fd, runtime_fd, SYNFW_BLOCK_FILTER_WORDS, &source,
				&cases[i]);
		EXPECT(passes4(HOSTILE + 7, QUIET_PORT));
	}
	filter_bits_put(filter_fd, runtime_fd, SYNFW_BLOCK_FILTER_WORDS, &source, &all);
	EXPECT(!passes4(HOSTILE + 7, QUIET_PORT));
	state_remove_block(state, &source);
	return true;
}

/* The last of them is a host of a blocked /64. */
static bool never_concerns_protected_and_exempt(void)
{
	const struct synfw_addr6 network = {.byte = {0x20, 1, 0xd, 0xb8, 7}};
	struct synfw_addr6 host = network, exempt_host = network, sources[3];
	struct synfw_block block = {.cause = SYNFW_BLOCK_OPERATOR};
	const struct synfw_addr6 exempt = addr6_of_v4(0xc0000202);
	uint64_t spared = state_tally(state, SYNFW_TALLY_BLOCKS_EXEMPT);
	struct frame frame;

	host.byte[15] = 1;
	exempt_host.byte[15] = 2;
	state_put_exempt(state, &exempt);
	state_put_exempt(state, &exempt_host);
	sources[0] = addr6_of_v4(0x0a090101);
	sources[1] = exempt;
	sources[2] = network;
	for (int i = 0; i < 3; i++)
		MUST(state_put_block(state, &sources[i], &block) == 0);
	EXPECT(passes4(0x0a090101, QUIET_PORT));
	EXPECT(passes4(0xc0000202, QUIET_PORT));
	/* neither blocked nor scored, and one packet */
	EXPECT(passes4(0xc0000202, SCORE_PORT));
	EXPECT(state_tally(state, SYNFW_TALLY_BLOCKS_EXEMPT) == spared + 3);
	build6(&exempt_host, QUIET_PORT, &frame);
	EXPECT(passes(&frame));
	build6(&host, QUIET_PORT, &frame);
	EXPECT(!passes(&frame));
	for (int i = 0; i < 3; i++)
		state_remove_block(state, &sources[i]);
	return true;
}

static bool monitor_mode_blocks_nothing(void)
{
	const struct synfw_addr6 source = addr6_of_v4(HOSTILE + 4);
	struct model_policy monitoring = strict;
	struct compiled compiled;
	struct synfw_block block;
	uint64_t blocked = reason_packets(SYNFW_REASON_BLOCKED);

	monitoring.monitor = true;
	apply(&monitoring, &compiled);
	EXPECT(passes4(HOSTILE + 4, SCORE_PORT));
	EXPECT(state_block(state, &source, &block) && block.flags == SYNFW_BLOCK_MONITOR);
	EXPECT(passes4(HOSTILE + 4, QUIET_PORT));
	EXPECT(reason_packets(SYNFW_REASON_BLOCKED) == blocked + 1);
	compiled_done(&compiled);

	apply(&strict, &compiled);
	EXPECT(passes4(HOSTILE + 4, QUIET_PORT));
	EXPECT(!passes4(HOSTILE + 4, SCORE_PORT));
	EXPECT(state_block(state, &source, &block) && !block.flags && block.offences == 1);
	EXPECT(!passes4(HOSTILE + 4, QUIET_PORT));
	compiled_done(&compiled);
	return true;
}

static void block_many(uint32_t first, uint32_t count, uint32_t *ret_passed)
{
	*ret_passed = 0;
	for (uint32_t i = 0; i < count; i++)
		*ret_passed += passes4(first + i, SCORE_PORT);
}

/*
 * Some of the room is the operator's, who takes no place in the ring. Where the processor is
 * emulated it is most of it, and so many packets find the map full that the cursor of the ring
 * comes round to the places that the others took.
 */
static bool full_map_makes_no_block_and_drops_all_the_same(void)
{
	const struct synfw_block forever = {.cause = SYNFW_BLOCK_OPERATOR};
	const uint32_t operators = scaled(100, 60000);
	uint64_t now_ns = 100000 * NS_PER_S;
	uint32_t before, passed, room, late;
	uint64_t full = state_tally(state, SYNFW_TALLY_BLOCKS_FULL);

	state_set_time(state, now_ns);
	state_put_blocks4(state, 0x02000000, operators, &forever);
	before = state_count_blocks(state);
	room = SYNFW_MAX_BLOCKS - before;
	late = scaled(1000, (SYNFW_MAX_BLOCKS - room + room / 4) / SYNFW_BLOCK_PROBES);
	block_many(0x03000000, room, &passed);
	EXPECT(passed == 0 && state_count_blocks(state) == SYNFW_MAX_BLOCKS);
	EXPECT(state_tally(state, SYNFW_TALLY_BLOCKS_FULL) == full);
	/* what is left are entries that expired before, which have places and are taken now */
	block_many(0x04000000, late, &passed);
	EXPECT(passed == 0 && state_count_blocks(state) == SYNFW_MAX_BLOCKS);
	EXPECT(state_tally(state, SYNFW_TALLY_BLOCKS_FULL) >= full + late - (before - operators));
	/* not blocked, as the scores did not find room */
	EXPECT(passes4(0x04000000 + late - 1, QUIET_PORT));
	EXPECT(!passes4(0x03000000 + room - 1, QUIET_PORT));
	EXPECT(!passes4(0x02000000, QUIET_PORT));
	EXPECT(!passes4(0x02000000 + operators - 1, QUIET_PORT));

	/* all of them expire, but the operator's: places are taken again */
	state_set_time(state, now_ns + BLOCK_NS);
	full = state_tally(state, SYNFW_TALLY_BLOCKS_FULL);
	block_many(0x05000000, room / 2, &passed);
	EXPECT(passed == 0 && state_count_blocks(state) == SYNFW_MAX_BLOCKS);
	EXPECT(state_tally(state, SYNFW_TALLY_BLOCKS_FULL) == full);
	EXPECT(!passes4(0x05000000, QUIET_PORT));
	EXPECT(passes4(0x03000000, QUIET_PORT));
	EXPECT(!passes4(0x02000000, QUIET_PORT));
	EXPECT(!passes4(0x02000000 + operators - 1, QUIET_PORT));
	return true;
}

static const struct model_policy every_effect = {
	.decay = 1,
	.flag_at = 1,
	.drop_at = 2,
	.block_for_ns = {BLOCK_NS, BLOCK_NS, BLOCK_NS},
	.nr_rules = 5,
	.rules =
		{
			{.proto = PROTO_TCP, .first_port = 1, .last_port = 9999, .score = 100},
			{.proto = PROTO_TCP,
			 .first_port = 1,
			 .last_port = 9999,
			 .score = 1,
			 .limit = SYNFW_LIMIT_SOURCE_RATE,
			 .per_second = 1,
			 .burst = 1},
			{.proto = PROTO_TCP,
			 .first_port = 1,
			 .last_port = 9999,
			 .score = 1,
			 .limit = SYNFW_LIMIT_RATE,
			 .per_second = 1,
			 .burst = 1},
			{.proto = PROTO_TCP,
			 .first_port = 1,
			 .last_port = 9999,
			 .score = 1,
			 .limit = SYNFW_LIMIT_PORTS,
			 .over = 1,
			 .within_ns = 10 * NS_PER_S},
			{.proto = PROTO_TCP,
			 .first_port = 1,
			 .last_port = 9999,
			 .score = 1,
			 .block_ns = BLOCK_NS,
			 .adds = true,
			 .log = true},
		},
};

/* One source after the other, many ports each, repeated in the kernel. Each rule is asked by the
 * first hundred, and its limits are exceeded by them. */
static bool million_spoofed_packets_block_nobody(void)
{
	static const uint32_t addresses[] = {0x0a090001, 0x0a09ffff, 0xc0000202, 0x0a090203};
	const uint32_t spoofed = scaled(1000000, 10000);
	const uint32_t ports = 25, repeat = spoofed / (4 * ports);
	uint64_t spared = state_tally(state, SYNFW_TALLY_BLOCKS_EXEMPT), dropped = 0;
	uint32_t blocks = state_count_blocks(state);
	struct state_score score;
	struct synfw_member member;
	struct compiled compiled;

	apply(&every_effect, &compiled);
	for (uint32_t i = 0; i < 4 * ports; i++) {
		struct frame frame;
		LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame.byte, .repeat = repeat);

		build4(addresses[i % 4], 10 + i, &frame);
		run.data_size_in = frame.length;
		MUST(bpf_prog_test_run_opts(datapath_live_fd(datapath), &run) == 0);
		dropped += run.retval != XDP_PASS;
	}
	EXPECT(dropped == 0 && state_count_blocks(state) == blocks);
	for (int i = 0; i < 4; i++) {
		const struct synfw_addr6 source = addr6_of_v4(addresses[i]);

		EXPECT(!state_score(state, &source, &score));
		EXPECT(!state_member(state, 0, &source, &member));
	}
	EXPECT(state_tally(state, SYNFW_TALLY_BLOCKS_EXEMPT) == spared + spoofed);
	/* and anybody else is */
	EXPECT(!passes4(0x06000001, 1));
	compiled_done(&compiled);
	return true;
}

int main(void)
{
	struct compiled compiled;

	MUST(datapath_open_test_clock(&datapath) == 0 && datapath_attach_aside(datapath) == 0);
	state = state_open(datapath, 11);
	apply(&strict, &compiled);
	state_set_time(state, START_NS);
	CHECK(ends_on_time_and_remembers_offences);
	CHECK(operator_blocks_and_unblocks);
	CHECK(is_not_looked_for_behind_a_clear_bit);
	CHECK(never_concerns_protected_and_exempt);
	CHECK(monitor_mode_blocks_nothing);
	compiled_done(&compiled);
	apply(&strict, &compiled);
	CHECK(full_map_makes_no_block_and_drops_all_the_same);
	CHECK(million_spoofed_packets_block_nobody);
	compiled_done(&compiled);
	state_close(state);
	datapath_close(datapath);
	return claims_end();
}
