/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Events: what they say, which are left out by sampling, limit and a full ring buffer, and that
 * what was left out is counted. test_exact_model.c compares their content with a model.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "base/claims.h"
#include "model/frame.h"
#include "base/must.h"
#include "random/over_time_policy.h"
#include "base/policy_text.h"
#include "base/scale.h"
#include "harness/state.h"

#define NS_PER_S    UINT64_C(1000000000)
#define TENTH_NS    (NS_PER_S / 10)
#define PROTO_TCP   6
#define HOSTILE	    0x01020304
#define DROP_PORT   1000
#define LOG_PORT    1001
#define SCORE_PORT  1002
#define ALLOW_PORT  1003
#define SAMPLE	    100
#define MANY	    100000
#define RING_EVENTS (SYNFW_EVENT_BYTES / (sizeof(struct synfw_event) + 8))

static const struct policyc_interface eth0 = {"eth0", 1};
static const struct policyc_options options = {.interfaces = &eth0, .nr_interfaces = 1};
static struct datapath *datapath;
static struct state *state;
static struct compiled compiled;
static uint64_t now_ns = 1000 * NS_PER_S;

static const struct model_policy model = {
	.decay = 3600,
	.flag_at = 10,
	.drop_at = 20,
	.block_for_ns = {600 * NS_PER_S, 600 * NS_PER_S, 600 * NS_PER_S},
	.nr_rules = 4,
	.rules =
		{
			{.proto = PROTO_TCP,
			 .first_port = DROP_PORT,
			 .last_port = DROP_PORT,
			 .action = SYNFW_ACTION_DROP},
			{.proto = PROTO_TCP,
			 .first_port = LOG_PORT,
			 .last_port = LOG_PORT,
			 .action = SYNFW_ACTION_ALLOW,
			 .log = true},
			{.proto = PROTO_TCP,
			 .first_port = SCORE_PORT,
			 .last_port = SCORE_PORT,
			 .score = 12},
			{.proto = PROTO_TCP,
			 .first_port = ALLOW_PORT,
			 .last_port = ALLOW_PORT,
			 .action = SYNFW_ACTION_ALLOW},
		},
};

/* Time goes on, so that no claim finds the limit taken by another. */
static void apply(uint32_t sample, const char *limit)
{
	const struct policy_frame frame = {.ipv6_prefixlen = 64, .sample = sample, .limit = limit};
	struct policy_text text = {.head = policy_write(&model, &frame)};

	compiled_done(&compiled);
	MUST(policy_text_compile(&text, &options, stderr, &compiled) == 0);
	MUST(datapath_apply(datapath, compiled.image) == 0);
	policy_text_done(&text);
	now_ns += 10000 * NS_PER_S;
	state_set_time(state, now_ns);
}

static void send_many(uint32_t from, uint16_t port, uint32_t repeat)
{
	struct frame_spec spec = FRAME_SPEC_DEFAULT;
	struct frame frame;
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame.byte, .repeat = repeat);

	for (int i = 0; i < 4; i++)
		spec.saddr[i] = from >> (24 - 8 * i);
	memcpy(spec.daddr, "\xc6\x33\x64\x01", 4);
	spec.sport = 4321;
	spec.dport = port;
	spec.tags[0] = (struct frame_tag){0x8100, 77};
	spec.nr_tags = 1;
	frame_build(&spec, &frame);
	run.data_size_in = frame.length;
	MUST(bpf_prog_test_run_opts(datapath_live_fd(datapath), &run) == 0);
}

static bool says_what_the_packet_was(void)
{
	const struct synfw_addr6 from = addr6_of_v4(HOSTILE), to = addr6_of_v4(0xc6336401);
	struct synfw_event event;

	apply(1, "1000/s");
	send_many(HOSTILE, DROP_PORT, 1);
	EXPECT(state_events(state, &event, 1) == 1);
	EXPECT(event.kind == SYNFW_EVENT_DROP && event.reason == SYNFW_REASON_RULE_DROP);
	EXPECT(event.verdict == SYNFW_DROP && event.counter == 1 && event.sample == 1);
	EXPECT(event.flags == SYNFW_EVENT_FIRST && event.time_boot_ns == now_ns);
	EXPECT(addr6_equal(&event.src, &from) && addr6_equal(&event.dst, &to));
	EXPECT(event.family == 4 && event.protocol == PROTO_TCP && event.tcp_flags == 2);
	EXPECT(event.sport == 4321 && event.dport == DROP_PORT && event.vlan == 77);
	EXPECT(event.bytes == 14 + 4 + 20 + 20 && event.ifindex == 1);
	EXPECT(!event.score_before && !event.score_after && !event.part[0].counter);
	send_many(HOSTILE, DROP_PORT, 1);
	EXPECT(state_events(state, &event, 1) == 1 && !event.flags);
	send_many(HOSTILE, ALLOW_PORT, 10);
	EXPECT(state_events(state, &event, 1) == 0);
	return true;
}

static bool tells_flag_and_block_with_the_score(void)
{
	struct synfw_event events[4];

	apply(1, "1000/s");
	send_many(HOSTILE + 1, SCORE_PORT, 1);
	EXPECT(state_events(state, events, 4) == 1 && events[0].kind == SYNFW_EVENT_FLAG);
	EXPECT(events[0].score_before == 0 && events[0].score_after == 12);
	EXPECT(events[0].part[0].counter == 3 && events[0].part[0].points == 12);
	send_many(HOSTILE + 1, SCORE_PORT, 1);
	EXPECT(state_events(state, events, 4) == 2);
	EXPECT(events[0].kind == SYNFW_EVENT_BLOCK && events[0].score_after == 24);
	EXPECT(events[0].block_expires_boot_ns == now_ns + 600 * NS_PER_S);
	EXPECT(events[1].kind == SYNFW_EVENT_DROP && events[1].reason == SYNFW_REASON_SCORE);
	send_many(HOSTILE + 1, ALLOW_PORT, 1);
	EXPECT(state_events(state, events, 4) == 1 && events[0].reason == SYNFW_REASON_BLOCKED);
	EXPECT(events[0].counter == 3);
	return true;
}

/* Of the first of each source and rule all, of the others one of so many. */
static bool samples_drops_but_not_the_first(void)
{
	uint64_t sampled = state_tally(state, SYNFW_TALLY_EVENTS_SAMPLED);
	struct synfw_event event;
	const uint32_t many = scaled(MANY, MANY / 5);
	uint64_t stands_for = 1, told = 0;
	uint32_t deviation = 1;
	size_t count;

	apply(SAMPLE, "1000000/s");
	send_many(HOSTILE + 2, DROP_PORT, 1);
	EXPECT(state_events(state, &event, 1) == 1);
	EXPECT(event.flags == SYNFW_EVENT_FIRST && event.sample == 1);
	for (uint32_t i = 0; i < many / 1000; i++) {
		send_many(HOSTILE + 2, DROP_PORT, 1000);
		count = state_events(state, &event, 1);
		EXPECT(!count || (event.sample == SAMPLE && !event.flags));
		told += count;
		stands_for += count * SAMPLE;
	}
	/* n are expected, with a deviation of their root: five of them */
	while (deviation * deviation < many / SAMPLE)
		deviation++;
	EXPECT(stands_for > many - 5 * deviation * SAMPLE &&
	       stands_for < many + 5 * deviation * SAMPLE);
	EXPECT(state_tally(state, SYNFW_TALLY_EVENTS_SAMPLED) == sampled + many - told);
	send_many(HOSTILE + 3, DROP_PORT, 1);
	send_many(HOSTILE + 2, LOG_PORT, 1);
	EXPECT(state_events(state, &event, 1) == 2);
	return true;
}

/* 100 at once, then 50 in each half second; blocks and flags have a limit of their own. */
static bool limits_and_counts_what_it_leaves_out(void)
{
	uint64_t limited = state_tally(state, SYNFW_TALLY_EVENTS_LIMITED);
	struct synfw_event event;

	apply(1, "100/s");
	send_many(HOSTILE + 4, DROP_PORT, 1000);
	EXPECT(state_events(state, &event, 1) == 100);
	for (int i = 0; i < 10; i++) {
		now_ns += NS_PER_S / 2;
		state_set_time(state, now_ns);
		send_many(HOSTILE + 4, DROP_PORT, 1000);
		EXPECT(state_events(state, &event, 1) == 50);
	}
	EXPECT(state_tally(state, SYNFW_TALLY_EVENTS_LIMITED) == limited + 11000 - 600);
	send_many(HOSTILE + 5, SCORE_PORT, 1);
	EXPECT(state_events(state, &event, 1) == 1 && event.kind == SYNFW_EVENT_FLAG);
	return true;
}

static bool counts_what_the_ring_has_no_room_for(void)
{
	uint64_t lost = state_tally(state, SYNFW_TALLY_EVENTS_LOST);
	const uint32_t many = scaled(MANY, 2 * RING_EVENTS);
	struct synfw_event event;
	size_t count;

	apply(1, "1000000/s");
	send_many(HOSTILE + 6, LOG_PORT, many);
	count = state_events(state, &event, 1);
	EXPECT(count >= RING_EVENTS - 1 && count <= RING_EVENTS);
	EXPECT(state_tally(state, SYNFW_TALLY_EVENTS_LOST) == lost + many - count);
	send_many(HOSTILE + 6, LOG_PORT, 1);
	EXPECT(state_events(state, &event, 1) == 1 && event.kind == SYNFW_EVENT_RULE);
	EXPECT(event.verdict == SYNFW_ALLOW && event.reason == SYNFW_REASON_RULE_ALLOW);
	return true;
}

static uint64_t boot_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* What sampling would leave out counts as limited, too, and whose first event was not told still
 * has it to come. */
static bool asks_the_limit_before_all_else(void)
{
	uint64_t limited, sampled = state_tally(state, SYNFW_TALLY_EVENTS_SAMPLED);
	struct synfw_event event;

	apply(SAMPLE, "100/s");
	for (uint32_t i = 0; i < 100; i++)
		send_many(HOSTILE + 1000 + i, DROP_PORT, 1);
	EXPECT(state_events(state, &event, 1) == 100);
	limited = state_tally(state, SYNFW_TALLY_EVENTS_LIMITED);
	send_many(HOSTILE + 1000, DROP_PORT, 500);
	send_many(HOSTILE + 2000, DROP_PORT, 500);
	EXPECT(state_events(state, &event, 1) == 0);
	EXPECT(state_tally(state, SYNFW_TALLY_EVENTS_LIMITED) == limited + 1000);
	EXPECT(state_tally(state, SYNFW_TALLY_EVENTS_SAMPLED) == sampled);
	now_ns += NS_PER_S;
	state_set_time(state, now_ns);
	send_many(HOSTILE + 2000, DROP_PORT, 1);
	EXPECT(state_events(state, &event, 1) == 1 && event.flags == SYNFW_EVENT_FIRST);
	return true;
}

/* The time that it goes by is up to a jiffy old: that moves an event, and loses none. */
static bool keeps_its_limit_by_the_kernels_clock(void)
{
	uint64_t sent = 0, begin_ns, limited = state_tally(state, SYNFW_TALLY_EVENTS_LIMITED);
	struct synfw_event event;
	size_t count = 0;
	double want;

	apply(1, "50/s");
	begin_ns = boot_ns();
	while (boot_ns() < begin_ns + scaled(20, 8) * TENTH_NS) {
		send_many(HOSTILE + 7, DROP_PORT, 1000);
		sent += 1000;
		count += state_events(state, &event, 1);
	}
	want = 50 + 50.0 * (boot_ns() - begin_ns) / NS_PER_S;
	printf("# %zu events in %" PRIu64 " packets, expected %.0f\n", count, sent, want);
	EXPECT(count >= want * 0.9 && count <= want + 1);
	EXPECT(state_tally(state, SYNFW_TALLY_EVENTS_LIMITED) == limited + sent - count);
	return true;
}

int main(void)
{
	MUST(datapath_open_test_clock(&datapath) == 0 && datapath_attach_aside(datapath) == 0);
	state = state_open(datapath, 13);
	CHECK(says_what_the_packet_was);
	CHECK(tells_flag_and_block_with_the_score);
	CHECK(samples_drops_but_not_the_first);
	CHECK(limits_and_counts_what_it_leaves_out);
	CHECK(asks_the_limit_before_all_else);
	CHECK(counts_what_the_ring_has_no_room_for);
	compiled_done(&compiled);
	state_close(state);
	datapath_close(datapath);

	MUST(datapath_open(&datapath) == 0 && datapath_attach_aside(datapath) == 0);
	state = state_open(datapath, 13);
	CHECK(keeps_its_limit_by_the_kernels_clock);
	compiled_done(&compiled);
	state_close(state);
	datapath_close(datapath);
	return claims_end();
}
