/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the first packet of a source leaves behind, which is written at its end: the rates and ports
 * of all rules that asked, and both of two first packets that are judged at the same moment.
 * Needs root.
 */
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "base/claims.h"
#include "model/frame.h"
#include "meet.skel.h"
#include "base/must.h"
#include "base/policy_text.h"
#include "base/scale.h"
#include "harness/state.h"

#define NS_PER_S   UINT64_C(1000000000)
#define NOW_NS	   (1000 * NS_PER_S)
#define ROUND_NS   (3600 * NS_PER_S)
#define SEED	   20261130
#define SOURCE	   0x01020304
#define NR_SENDERS 2
#define SPINS	   100000
#define MAX_TRIES  20

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

static void write_entry(uint32_t way, const struct synfw_source *entry)
{
	uint32_t key = entry_key(way);

	MUST(bpf_map_update_elem(datapath_map_fd(datapath, "synfw_sources"), &key, entry,
				 BPF_F_LOCK) == 0);
}

static void forget_all(void)
{
	const struct synfw_source none = {};

	for (uint32_t way = 0; way < SYNFW_SOURCE_WAYS; way++)
		write_entry(way, &none);
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

/* Both places are the source's, as after two first packets that saw no entry: the first one counts,
 * for user space as well. */
static bool of_two_entries_the_first_counts(void)
{
	struct synfw_source entry;

	apply("  - {name: a, proto: tcp, score: 1}\n");
	forget_all();
	send_to(1);
	entry = entry_at(0);
	write_entry(1, &entry);
	send_to(1);
	EXPECT(entry_at(0).level == 2 * SYNFW_SCORE_UNIT);
	EXPECT(entry_at(1).level == SYNFW_SCORE_UNIT);
	return true;
}

/* ---- two at once ----------------------------------------------------------------------------- */

static struct meet_bpf *meet; /* runs the live program */
static int cpus[NR_SENDERS];  /* the same one twice, where there is no other */
static atomic_uint arrived;

static void meet_open(void)
{
	int live_fd = datapath_live_fd(datapath), nr_cpus = 0;
	uint32_t zero = 0;
	cpu_set_t allowed;

	meet = meet_bpf__open_and_load();
	MUST(meet);
	MUST(bpf_map_update_elem(bpf_map__fd(meet->maps.met), &zero, &live_fd, BPF_ANY) == 0);
	MUST(sched_getaffinity(0, sizeof(allowed), &allowed) == 0);
	for (int cpu = 0; cpu < CPU_SETSIZE && nr_cpus < NR_SENDERS; cpu++)
		if (CPU_ISSET(cpu, &allowed))
			cpus[nr_cpus++] = cpu;
	if (nr_cpus == 1)
		cpus[1] = cpus[0];
}

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	MUST(sched_setaffinity(0, sizeof(set), &set) == 0);
}

static void send_together(const struct frame *frame)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame->byte, .data_size_in = frame->length,
		    .repeat = 1);

	MUST(bpf_prog_test_run_opts(bpf_program__fd(meet->progs.meet), &run) == 0);
	MUST(run.retval == XDP_PASS || run.retval == XDP_DROP);
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
	/* two that never meet, where one CPU runs, need no more */
	return scaled(1000, 4);
}

static void *send_each_round(void *context)
{
	stay_on(cpus[1]);
	for (uint32_t i = 0; i < rounds(); i++) {
		wait_for_both(2 * i + 1);
		send_together(context);
		wait_for_both(2 * i + 2);
	}
	return NULL;
}

/* What a round left in the entries of the source. */
struct left {
	uint64_t now_ns, scans_lost, rates_lost;
	uint64_t rated, level; /* intervals that the rate is ahead, points */
	uint32_t entries;
	bool elsewhere; /* ports */
};

static bool look_at_entries(struct left *left)
{
	const struct synfw_addr6 source = addr6_of_v4(SOURCE);

	for (uint32_t way = 0; way < SYNFW_SOURCE_WAYS; way++) {
		struct synfw_source entry = entry_at(way);

		if (!(entry.flags & SYNFW_ENTRY_USED))
			continue;
		EXPECT(addr6_equal(&entry.source, &source));
		EXPECT(entry.rate_counter == 1 && entry.tat_boot_ns > left->now_ns);
		EXPECT(entry.part.points * SYNFW_SCORE_UNIT == entry.level);
		left->rated += (entry.tat_boot_ns - left->now_ns) / NS_PER_S;
		left->level += entry.level / SYNFW_SCORE_UNIT;
		left->elsewhere |= entry.flags & SYNFW_ENTRY_PORTS_ELSEWHERE;
		left->entries++;
	}
	return true;
}

/* Whatever the order was, both packets are in the rate and in the score, and both ports are known,
 * or the lost one is counted. */
static bool both_count(const struct left *left)
{
	EXPECT(left->rated == 2 && left->level == 2);
	EXPECT(left->scans_lost == (left->entries == 1 && !left->elsewhere));
	EXPECT(!left->rates_lost);
	return true;
}

/* The second rule's rate is not in the entry; the first one's is, of both packets. */
static bool both_are_rated(const struct left *left)
{
	EXPECT(left->rated == 2 && !left->rates_lost);
	return true;
}

/* Two have passed at most: none does after them. */
static bool the_next_exceeds(const struct left *left)
{
	struct frame frame;
	uint32_t action;

	build(1, &frame);
	EXPECT(left->rated == 60 * left->entries);
	MUST(datapath_run(datapath, frame.byte, frame.length, 1, &action) == 0);
	EXPECT(action == XDP_DROP);
	return true;
}

/* One of the threads is this one; between two rounds the other waits. */
static bool run_rounds(const struct frame *frame, bool (*holds)(const struct left *left),
		       uint64_t *nr_merged)
{
	bool held = true;

	for (uint32_t i = 0; i < rounds(); i++) {
		struct left left = {.now_ns = NOW_NS + (i + 1) * ROUND_NS};
		uint64_t scans = state_tally(state, SYNFW_TALLY_SCANS_LOST);
		uint64_t rates = state_tally(state, SYNFW_TALLY_RATES_LOST);

		forget_all();
		state_set_time(state, left.now_ns);
		wait_for_both(2 * i + 1);
		send_together(frame);
		wait_for_both(2 * i + 2);
		left.scans_lost = state_tally(state, SYNFW_TALLY_SCANS_LOST) - scans;
		left.rates_lost = state_tally(state, SYNFW_TALLY_RATES_LOST) - rates;
		*nr_merged += left.scans_lost;
		/* goes on all the same, as the other does */
		held = held && look_at_entries(&left) && holds(&left);
	}
	return held;
}

/* Ports tell whether the packets met: to two ports, of which one is lost. On a busy machine they
 * may have to try again. */
static bool race(const char *rules, bool (*holds)(const struct left *left), bool ports)
{
	bool meets = ports && cpus[0] != cpus[1] && scaled(1, 0), held = true;
	uint64_t nr_merged = 0;
	struct frame frame, other;

	apply(rules);
	build(1, &frame);
	build(2, &other);
	for (int i = 0; i < MAX_TRIES && held && (!i || (meets && !nr_merged)); i++) {
		pthread_t thread;

		atomic_store(&arrived, 0);
		MUST(pthread_create(&thread, NULL, send_each_round, &other) == 0);
		held = run_rounds(&frame, holds, &nr_merged);
		MUST(pthread_join(thread, NULL) == 0);
	}
	state_set_time(state, NOW_NS);
	printf("# of %u rounds %" PRIu64 " merged\n", rounds(), nr_merged);
	EXPECT(held);
	EXPECT(nr_merged || !meets);
	return true;
}

static bool two_first_packets_at_once_both_count(void)
{
	return race(
		"  - {name: a, proto: tcp, rate: {over: 1/s, burst: 9, per: source}, action: "
		"drop}\n"
		"  - {name: b, proto: tcp, distinct-ports: {over: 9, within: 10s}, action: drop}\n"
		"  - {name: c, proto: tcp, score: 1}\n",
		both_count, true);
}

static bool two_first_packets_do_not_cancel_a_rate(void)
{
	return race(
		"  - {name: a, proto: tcp, rate: {over: 1/min, burst: 1, per: source}, action: "
		"drop}\n"
		"  - {name: b, proto: tcp, distinct-ports: {over: 9, within: 10s}, action: drop}\n"
		"  - {name: c, proto: tcp, score: 1}\n",
		the_next_exceeds, true);
}

static bool two_first_packets_of_two_rates_both_count(void)
{
	return race("  - {name: a, proto: tcp, rate: {over: 1/s, burst: 9, per: source}, action: "
		    "drop}\n"
		    "  - {name: b, proto: tcp, rate: {over: 1/s, burst: 9, per: source}, action: "
		    "drop}\n"
		    "  - {name: c, proto: tcp, score: 1}\n",
		    both_are_rated, false);
}

int main(void)
{
	MUST(datapath_open_test_clock(&datapath) == 0);
	state = state_open(datapath, SEED);
	state_set_time(state, NOW_NS);
	meet_open();
	stay_on(cpus[0]);
	CHECK(all_limits_of_a_first_packet_are_kept);
	CHECK(a_first_packet_without_points_is_kept);
	CHECK(of_two_entries_the_first_counts);
	CHECK(two_first_packets_at_once_both_count);
	CHECK(two_first_packets_do_not_cancel_a_rate);
	CHECK(two_first_packets_of_two_rates_both_count);
	meet_bpf__destroy(meet);
	state_close(state);
	datapath_close(datapath);
	return claims_end();
}
