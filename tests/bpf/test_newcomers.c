/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the first packet of a source leaves behind, which is written at its end: the rates and ports
 * of all rules that asked, and both of two first packets that are judged at the same moment.
 * Needs root.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "claims.h"
#include "frame.h"
#include "meet.skel.h"
#include "must.h"
#include "policy_text.h"
#include "scale.h"
#include "test_state.h"

#define NS_PER_S   UINT64_C(1000000000)
#define NOW_NS	   (1000 * NS_PER_S)
#define ROUND_NS   (3600 * NS_PER_S)
#define SEED	   20261130
#define SOURCE	   0x01020304
#define NR_SENDERS 2
#define SPINS	   100000

static const struct policyc_interface eth0 = {"eth0", 1};
static const struct policyc_options options = {.interfaces = &eth0, .nr_interfaces = 1};
static const char head[] = "version: 1\nname: newcomers\ninterfaces: [{name: eth0}]\n"
			   "defaults: {incoming: allow}\n"
			   "scoring: {flag-at: 5000, drop-at: 10000, decay: 1/h, block-for: 10m}\n";
static struct datapath *datapath;
static struct state *state;

static void apply(const char *rules)
{
	static struct compiled compiled;
	struct policy_text text = {};

	/* the one of before is borrowed until now */
	if (compiled.image)
		compiled_done(&compiled);
	MUST(asprintf(&text.head, "%srules:\n%s", head, rules) > 0);
	MUST(policy_text_compile(&text, &options, stderr, &compiled) == 0);
	MUST(datapath_apply(datapath, compiled.image) == 0);
	policy_text_done(&text);
}

static void build(uint16_t port, struct frame *ret_frame)
{
	struct frame_spec spec = FRAME_SPEC_DEFAULT;

	spec.dport = port;
	for (int i = 0; i < 4; i++)
		spec.saddr[i] = SOURCE >> (24 - 8 * i);
	memcpy(spec.daddr, "\xc6\x33\x64\x01", 4);
	frame_build(&spec, ret_frame);
}

static void send_frame(const struct frame *frame)
{
	uint32_t action;

	MUST(datapath_run(datapath, frame->byte, frame->length, 1, &action) == 0);
	MUST(action == XDP_PASS);
}

static void send_to(uint16_t port)
{
	struct frame frame;

	build(port, &frame);
	send_frame(&frame);
}

/* ---- the set of the source ------------------------------------------------------------------- */

static uint32_t entry_key(uint32_t way)
{
	const struct synfw_addr6 source = addr6_of_v4(SOURCE);
	uint32_t word[4];

	memcpy(word, &source, sizeof(word));
	return synfw_source_hash(word, SEED) % SYNFW_SOURCE_SETS * SYNFW_SOURCE_WAYS + way;
}

static struct synfw_source entry_at(uint32_t way)
{
	uint32_t key = entry_key(way);
	struct synfw_source entry;

	MUST(bpf_map_lookup_elem(datapath_map_fd(datapath, "synfw_sources"), &key, &entry) == 0);
	return entry;
}

static void forget_all(void)
{
	const struct synfw_source none = {};

	for (uint32_t way = 0; way < SYNFW_SOURCE_WAYS; way++) {
		uint32_t key = entry_key(way);

		MUST(bpf_map_update_elem(datapath_map_fd(datapath, "synfw_sources"), &key, &none,
					 BPF_F_LOCK) == 0);
	}
}

/* ---- one packet ------------------------------------------------------------------------------ */

/* The second rule of each kind finds that the entry has no room for it, as it would for any packet.
 */
static bool all_limits_of_a_first_packet_are_kept(void)
{
	const struct synfw_addr6 source = addr6_of_v4(SOURCE);
	struct state_score score;

	apply("  - {name: a, proto: tcp, rate: {over: 1/s, burst: 1, per: source}, score: 1}\n"
	      "  - {name: b, proto: tcp, rate: {over: 1/s, burst: 1, per: source}, score: 10}\n"
	      "  - {name: c, proto: tcp, distinct-ports: {over: 1, within: 10s}, score: 100}\n"
	      "  - {name: d, proto: tcp, distinct-ports: {over: 1, within: 10s}, score: 1000}\n");
	forget_all();
	send_to(1);
	EXPECT(!state_score(state, &source, &score));
	send_to(2);
	EXPECT(state_score(state, &source, &score));
	EXPECT(score.level == 1111 * SYNFW_SCORE_UNIT);
	return true;
}

/* A rule that only limits, and lets the packet go on: nobody writes a score at its end. */
static bool a_first_packet_without_points_is_kept(void)
{
	struct synfw_source entry;

	apply("  - {name: a, proto: tcp, rate: {over: 1/s, burst: 9, per: source}, action: drop}\n"
	      "  - {name: b, proto: tcp, distinct-ports: {over: 1, within: 10s}, score: 1}\n");
	forget_all();
	send_to(7);
	entry = entry_at(0);
	EXPECT(entry.flags == SYNFW_ENTRY_USED);
	EXPECT(entry.rate_counter == 1 && entry.tat_boot_ns == NOW_NS + NS_PER_S);
	EXPECT(entry.port_counter == 2 && entry.port == 7);
	EXPECT(entry.port_at_boot_ms == NOW_NS / 1000000);
	EXPECT((uint16_t)entry.times == ((NOW_NS + 10 * NS_PER_S) >> SYNFW_ENTRY_HELD_SHIFT) + 1);
	return true;
}

/* ---- two at once ----------------------------------------------------------------------------- */

static struct meet_bpf *meet; /* runs the live program */
static atomic_uint arrived;

static void meet_open(void)
{
	int live_fd = datapath_live_fd(datapath);
	uint32_t zero = 0;

	meet = meet_bpf__open_and_load();
	MUST(meet);
	MUST(bpf_map_update_elem(bpf_map__fd(meet->maps.met), &zero, &live_fd, BPF_ANY) == 0);
}

static void send_together(const struct frame *frame)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame->byte, .data_size_in = frame->length,
		    .repeat = 1);

	MUST(bpf_prog_test_run_opts(bpf_program__fd(meet->progs.meet), &run) == 0 &&
	     run.retval == XDP_PASS);
}

/* Until both threads are here, for the `number`th time. */
static void wait_for_both(uint32_t number)
{
	uint32_t spins = 0;

	atomic_fetch_add(&arrived, 1);
	while (atomic_load(&arrived) < number * NR_SENDERS)
		if (++spins % SPINS == 0)
			sched_yield();
}

static uint32_t rounds(void)
{
	return scaled(1000, 100);
}

static void *send_each_round(void *context)
{
	for (uint32_t i = 0; i < rounds(); i++) {
		wait_for_both(2 * i + 1);
		send_together(context);
		wait_for_both(2 * i + 2);
	}
	return NULL;
}

struct outcome {
	uint32_t merged, apart, one_after_the_other;
};

/* Whatever the order was, both packets are in the rate and in the score, and both ports are known,
 * or the lost one is counted. */
static bool round_is_complete(uint64_t now_ns, uint64_t scans_lost, struct outcome *outcome)
{
	const struct synfw_addr6 source = addr6_of_v4(SOURCE);
	uint64_t rated = 0, level = 0;
	uint32_t entries = 0;
	bool elsewhere = false;

	for (uint32_t way = 0; way < SYNFW_SOURCE_WAYS; way++) {
		struct synfw_source entry = entry_at(way);

		if (!(entry.flags & SYNFW_ENTRY_USED))
			continue;
		EXPECT(addr6_equal(&entry.source, &source));
		EXPECT(entry.rate_counter && entry.tat_boot_ns > now_ns);
		EXPECT(entry.part.points * SYNFW_SCORE_UNIT == entry.level);
		rated += (entry.tat_boot_ns - now_ns) / NS_PER_S;
		level += entry.level / SYNFW_SCORE_UNIT;
		elsewhere |= entry.flags & SYNFW_ENTRY_PORTS_ELSEWHERE;
		entries++;
	}
	EXPECT(rated == 2 && level == 2);
	EXPECT(scans_lost == (entries == 1 && !elsewhere));
	outcome->merged += scans_lost;
	outcome->apart += entries == 2;
	outcome->one_after_the_other += elsewhere;
	return true;
}

/* One of the threads is this one; between two rounds the other waits. */
static bool run_rounds(const struct frame *frame, struct outcome *outcome)
{
	bool complete = true;

	for (uint32_t i = 0; i < rounds(); i++) {
		uint64_t now_ns = NOW_NS + (i + 1) * ROUND_NS;
		uint64_t lost = state_tally(state, SYNFW_TALLY_SCANS_LOST);

		forget_all();
		state_set_time(state, now_ns);
		wait_for_both(2 * i + 1);
		send_together(frame);
		wait_for_both(2 * i + 2);
		lost = state_tally(state, SYNFW_TALLY_SCANS_LOST) - lost;
		/* goes on all the same, as the other does */
		complete = complete && round_is_complete(now_ns, lost, outcome);
	}
	return complete;
}

static bool two_first_packets_at_once_both_count(void)
{
	struct outcome outcome = {};
	struct frame frame, other;
	pthread_t thread;
	bool complete;

	apply("  - {name: a, proto: tcp, rate: {over: 1/s, burst: 9, per: source}, action: drop}\n"
	      "  - {name: b, proto: tcp, distinct-ports: {over: 9, within: 10s}, action: drop}\n"
	      "  - {name: c, proto: tcp, score: 1}\n");
	build(1, &frame);
	build(2, &other);
	MUST(pthread_create(&thread, NULL, send_each_round, &other) == 0);
	complete = run_rounds(&frame, &outcome);
	MUST(pthread_join(thread, NULL) == 0);
	state_set_time(state, NOW_NS);
	printf("# one after the other %u, merged %u, an entry each %u\n",
	       outcome.one_after_the_other, outcome.merged, outcome.apart);
	EXPECT(complete);
	EXPECT(outcome.merged || sysconf(_SC_NPROCESSORS_ONLN) == 1 || scaled(0, 1));
	return true;
}

int main(void)
{
	MUST(datapath_open_test_clock(&datapath) == 0);
	state = state_open(datapath, SEED);
	state_set_time(state, NOW_NS);
	meet_open();
	CHECK(all_limits_of_a_first_packet_are_kept);
	CHECK(a_first_packet_without_points_is_kept);
	CHECK(two_first_packets_at_once_both_count);
	meet_bpf__destroy(meet);
	state_close(state);
	datapath_close(datapath);
	return claims_end();
}
