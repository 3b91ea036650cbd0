/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Marks that rules on processes leave: what the next packet of a source makes of one, whom it does
 * not concern, who takes it when two could, and what a full map does. The marks are made by hand.
 */
#include <pthread.h>
#include <string.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "base/claims.h"
#include "model/frame.h"
#include "base/must.h"
#include "base/policy_text.h"
#include "base/scale.h"
#include "harness/state.h"

#define NS_PER_S UINT64_C(1000000000)
#define NOW_NS	 (1000 * NS_PER_S)
#define FOR_NS	 (600 * NS_PER_S)
#define COUNTER	 (SYNFW_COUNTER_OF_PROCESSES + 7)
#define PID	 4711
#define HOSTILE	 0x01020304

static const struct policyc_interface eth0 = {"eth0", 1};
static const struct policyc_options options = {.interfaces = &eth0, .nr_interfaces = 1};
static const char policy[] = "version: 1\nname: peers\ninterfaces: [{name: eth0}]\n"
			     "defaults: {incoming: allow}\n"
			     "protect: [{from: 10.9.0.0/16}]\n"
			     "scoring: {flag-at: 30, drop-at: 100, decay: 1/h, block-for: 10m}\n";
static struct datapath *datapath;
static struct state *state;

static void apply(const char *mode)
{
	static struct compiled compiled;
	struct policy_text text = {};

	/* the one of before is borrowed until now */
	if (compiled.image)
		compiled_done(&compiled);
	MUST(asprintf(&text.head, "%s%s", policy, mode) > 0);
	MUST(policy_text_compile(&text, &options, stderr, &compiled) == 0);
	MUST(datapath_apply(datapath, compiled.image) == 0);
	policy_text_done(&text);
}

static void build4(uint32_t from, struct frame *ret_frame)
{
	struct frame_spec spec = FRAME_SPEC_DEFAULT;

	for (int i = 0; i < 4; i++)
		spec.saddr[i] = from >> (24 - 8 * i);
	memcpy(spec.daddr, "\xc6\x33\x64\x01", 4);
	frame_build(&spec, ret_frame);
}

static bool passes(const struct frame *frame)
{
	uint32_t action;

	MUST(datapath_run(datapath, frame->byte, frame->length, 1, &action) == 0);
	return action == XDP_PASS;
}

static bool passes4(uint32_t from)
{
	struct frame frame;

	build4(from, &frame);
	return passes(&frame);
}

static struct synfw_peer peer_of(uint32_t pending, uint8_t flags)
{
	return (struct synfw_peer){
		.until_boot_ns = NOW_NS + FOR_NS,
		.points = 40,
		.pid = PID,
		.pending = pending,
		.counter = COUNTER,
		.flags = flags,
	};
}

static void mark(uint32_t from, uint32_t pending, uint8_t flags)
{
	const struct synfw_addr6 source = addr6_of_v4(from);
	const struct synfw_peer peer = peer_of(pending, flags);

	state_put_peer(state, &source, &peer);
}

static struct synfw_peer mark_of(uint32_t from)
{
	const struct synfw_addr6 source = addr6_of_v4(from);
	struct synfw_peer peer = {};

	bpf_map_lookup_elem(datapath_map_fd(datapath, "synfw_peers"), &source, &peer);
	return peer;
}

static bool is_blocked(uint32_t from, struct synfw_block *ret_block)
{
	const struct synfw_addr6 source = addr6_of_v4(from);

	return state_block(state, &source, ret_block);
}

static bool blocks_from_its_next_packet_on_until_the_end(void)
{
	struct synfw_event events[4];
	struct synfw_block block;

	EXPECT(passes4(HOSTILE));
	mark(HOSTILE, SYNFW_PEER_BLOCK, 0);
	EXPECT(passes4(HOSTILE + 1));
	state_events(state, events, 4);
	state_set_time(state, NOW_NS + 100 * NS_PER_S);
	EXPECT(!passes4(HOSTILE) && !passes4(HOSTILE));
	EXPECT(!mark_of(HOSTILE).pending);
	EXPECT(is_blocked(HOSTILE, &block));
	EXPECT(block.cause == SYNFW_BLOCK_PEER && block.pid == PID && block.counter == COUNTER);
	EXPECT(block.expires_boot_ns == NOW_NS + FOR_NS && !block.flags && !block.offences);
	EXPECT(state_events(state, events, 4) == 1);
	EXPECT(events[0].kind == SYNFW_EVENT_BLOCK && events[0].counter == COUNTER &&
	       events[0].pid == PID && events[0].reason == SYNFW_REASON_BLOCKED);
	state_set_time(state, NOW_NS + FOR_NS);
	EXPECT(passes4(HOSTILE));
	/* and one that nobody came for is over, too */
	mark(HOSTILE + 2, SYNFW_PEER_BLOCK, 0);
	EXPECT(passes4(HOSTILE + 2) && !is_blocked(HOSTILE + 2, &block));
	state_set_time(state, NOW_NS);
	return true;
}

static bool ipv6_is_marked_by_prefix(void)
{
	const struct synfw_addr6 source = {.byte = {0x20, 1, 0xd, 0xb8, 0, 9}};
	const struct synfw_peer peer = {.pending = SYNFW_PEER_BLOCK, .counter = COUNTER};
	struct frame_spec spec = FRAME_SPEC_DEFAULT;
	struct synfw_block block;
	struct frame frame;

	spec.family = 6;
	memcpy(spec.saddr, "\x20\x01\x0d\xb8\x00\x09\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08", 16);
	memcpy(spec.daddr, "\x20\x01\x0d\xb8", 4);
	frame_build(&spec, &frame);
	EXPECT(passes(&frame));
	state_put_peer(state, &source, &peer);
	EXPECT(!passes(&frame));
	EXPECT(state_block(state, &source, &block) && block.expires_boot_ns == 0);
	return true;
}

static bool who_is_spared_leaves_the_mark(void)
{
	const struct synfw_addr6 exempt = addr6_of_v4(0xc0000209);
	uint64_t spared = state_tally(state, SYNFW_TALLY_BLOCKS_EXEMPT);
	struct synfw_block block;

	state_put_exempt(state, &exempt);
	mark(0xc0000209, SYNFW_PEER_BLOCK | SYNFW_PEER_POINTS, 0);
	mark(0x0a090001, SYNFW_PEER_BLOCK | SYNFW_PEER_POINTS, 0);
	EXPECT(passes4(0xc0000209) && passes4(0x0a090001));
	EXPECT(!is_blocked(0xc0000209, &block) && !is_blocked(0x0a090001, &block));
	EXPECT(mark_of(0xc0000209).pending && mark_of(0x0a090001).pending);
	EXPECT(state_tally(state, SYNFW_TALLY_BLOCKS_EXEMPT) == spared + 2);
	return true;
}

static bool points_are_given_once_and_reach_drop_at(void)
{
	const struct synfw_addr6 source = addr6_of_v4(HOSTILE + 3);
	struct state_score score;
	struct synfw_block block;

	mark(HOSTILE + 3, SYNFW_PEER_POINTS, 0);
	EXPECT(passes4(HOSTILE + 3) && passes4(HOSTILE + 3));
	EXPECT(state_score(state, &source, &score));
	EXPECT(score.level == 40 * SYNFW_SCORE_UNIT && score.part[0].counter == COUNTER &&
	       score.part[0].hits == 1 && score.part[0].points == 40);
	mark(HOSTILE + 3, SYNFW_PEER_POINTS, 0);
	EXPECT(passes4(HOSTILE + 3));
	mark(HOSTILE + 3, SYNFW_PEER_POINTS, 0);
	EXPECT(!passes4(HOSTILE + 3));
	EXPECT(is_blocked(HOSTILE + 3, &block) && block.cause == SYNFW_BLOCK_SCORE &&
	       block.offences == 1 && block.score == 120);
	return true;
}

static bool a_policy_that_monitors_blocks_nobody(void)
{
	struct synfw_block block;

	mark(HOSTILE + 4, SYNFW_PEER_BLOCK, SYNFW_PEER_MONITOR);
	EXPECT(passes4(HOSTILE + 4) && !is_blocked(HOSTILE + 4, &block));
	apply("mode: monitor\n");
	EXPECT(passes4(HOSTILE + 4));
	EXPECT(is_blocked(HOSTILE + 4, &block) && block.flags == SYNFW_BLOCK_MONITOR);
	apply("");
	EXPECT(passes4(HOSTILE + 4));
	return true;
}

/* A mark that both of two take is seen within some dozen rounds where two processors run. */
static uint32_t rounds(void)
{
	return scaled(200, 40);
}

struct race {
	pthread_barrier_t *start;
	const struct frame *frame;
};

static void *send_frame(void *context)
{
	const struct race *race = context;
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = race->frame->byte,
		    .data_size_in = race->frame->length, .repeat = 20);

	for (uint32_t i = 0; i < rounds(); i++) {
		pthread_barrier_wait(race->start);
		MUST(bpf_prog_test_run_opts(datapath_live_fd(datapath), &run) == 0);
		pthread_barrier_wait(race->start);
	}
	return NULL;
}

/* Points of a mark that two take would be given twice. */
static bool of_two_who_could_one_takes_it(void)
{
	const uint32_t from = HOSTILE + 5;
	const struct synfw_addr6 source = addr6_of_v4(from);
	struct synfw_peer peer = {.points = 1, .counter = COUNTER, .pending = SYNFW_PEER_POINTS};
	pthread_barrier_t start;
	pthread_t thread[2];
	struct state_score score;
	struct frame frame;
	struct race race = {&start, &frame};

	build4(from, &frame);
	apply("rules: []\n");
	MUST(pthread_barrier_init(&start, NULL, 3) == 0);
	for (int i = 0; i < 2; i++)
		MUST(pthread_create(&thread[i], NULL, send_frame, &race) == 0);
	for (uint32_t i = 0; i < rounds(); i++) {
		/* below drop-at: 99 at the most, then anew */
		if (i % 90 == 0)
			state_set_time(state, NOW_NS + (uint64_t)i * 3600 * NS_PER_S);
		state_put_peer(state, &source, &peer);
		pthread_barrier_wait(&start);
		pthread_barrier_wait(&start);
		EXPECT(state_score(state, &source, &score));
		EXPECT(score.level == (i % 90 + 1) * SYNFW_SCORE_UNIT);
	}
	for (int i = 0; i < 2; i++)
		MUST(pthread_join(thread[i], NULL) == 0);
	pthread_barrier_destroy(&start);
	state_set_time(state, NOW_NS);
	apply("");
	return true;
}

/* In one call, and without bits in the filter: one at a time they take long where the processor is
 * emulated. */
static void mark_many(uint32_t first, uint32_t count)
{
	struct synfw_addr6 *sources = calloc(count, sizeof(*sources));
	struct synfw_peer *peers = calloc(count, sizeof(*peers));
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	uint32_t done = count;

	MUST(sources && peers);
	for (uint32_t i = 0; i < count; i++) {
		sources[i] = addr6_of_v4(first + i);
		peers[i] = peer_of(SYNFW_PEER_BLOCK, 0);
	}
	MUST(bpf_map_update_batch(datapath_map_fd(datapath, "synfw_peers"), sources, peers, &done,
				  &opts) == 0);
	MUST(done == count);
	free(sources);
	free(peers);
}

static bool a_full_map_forgets_the_oldest(void)
{
	/* where the processor is emulated some of them stand for all */
	const uint32_t step = scaled(1, 16);
	uint32_t gone = 0, first = 0x20000000;

	mark(first, SYNFW_PEER_BLOCK, 0);
	mark_many(first + 1, 2 * SYNFW_MAX_PEERS - 2);
	mark(first + 2 * SYNFW_MAX_PEERS - 1, SYNFW_PEER_BLOCK, 0);
	/* free places are handed out to CPUs by the dozen, so it is not the one oldest of all */
	EXPECT(mark_of(first + 2 * SYNFW_MAX_PEERS - 1).pending);
	for (uint32_t i = 0; i < SYNFW_MAX_PEERS / 2; i += step)
		gone += !mark_of(first + i).pending;
	EXPECT(gone == SYNFW_MAX_PEERS / 2 / step);
	EXPECT(passes4(first) && !passes4(first + 2 * SYNFW_MAX_PEERS - 1));
	return true;
}

int main(void)
{
	MUST(datapath_open_test_clock(&datapath) == 0 && datapath_attach_aside(datapath) == 0);
	state = state_open(datapath, 11);
	apply("");
	state_set_time(state, NOW_NS);
	CHECK(blocks_from_its_next_packet_on_until_the_end);
	CHECK(ipv6_is_marked_by_prefix);
	CHECK(who_is_spared_leaves_the_mark);
	CHECK(points_are_given_once_and_reach_drop_at);
	CHECK(a_policy_that_monitors_blocks_nobody);
	CHECK(of_two_who_could_one_takes_it);
	CHECK(a_full_map_forgets_the_oldest);
	state_close(state);
	datapath_close(datapath);
	return claims_end();
}
