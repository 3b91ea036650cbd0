/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rates let through what they say at 100 and at 100,000 packets a second: exactly over 10 seconds
 * of a test clock, and within 2 % with two CPUs at once by the kernel's own. Ports tried are
 * counted exactly, up to as many as a policy may ask for.
 */
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "model/frame.h"
#include "base/must.h"
#include "random/over_time_policy.h"
#include "base/policy_text.h"
#include "base/scale.h"
#include "harness/state.h"

#define NS_PER_S	 UINT64_C(1000000000)
#define NS_PER_MS	 UINT64_C(1000000)
#define STEP_NS		 (NS_PER_S / 10)
#define START_NS	 (1000 * NS_PER_S)
#define NR_CPUS		 2
#define RUN_REPEAT	 20000
#define PROTO_TCP	 6

#define EXACT_PER_SECOND 1000

static const struct policyc_interface eth0 = {"eth0", 1};
static const struct policyc_options options = {.interfaces = &eth0, .nr_interfaces = 1};
static int test_number, failed;

/* Tenths of a second. */
static uint32_t tenths(void)
{
	return scaled(100, 5);
}

/* By a real clock. An emulated processor stands still at times, and what would have come meanwhile
 * is lost when that is longer than what is saved. */
static bool is_about(double passed, double least, double want)
{
	return passed > least * scaled(98, 50) / 100 && passed < want * scaled(102, 105) / 100;
}

/* Packets a second, less than half of what can be sent. */
static uint32_t fast_rate(void)
{
	return scaled(100000, 10000);
}

/* Some hundred times as many as may pass. */
static uint32_t exact_repeat(void)
{
	return scaled(5000000, 100000);
}

static void report(bool passed, const char *what, double have, double want)
{
	printf("%s %d - %s: %.0f, expected %.0f\n", passed ? "ok" : "not ok", ++test_number, what,
	       have, want);
	failed += !passed;
}

static void apply(struct datapath *datapath, const struct model_policy *policy,
		  struct compiled *ret_compiled)
{
	static const struct policy_frame frame = {.ipv6_prefixlen = 64};
	struct policy_text text = {.head = policy_write(policy, &frame)};

	MUST(policy_text_compile(&text, &options, stderr, ret_compiled) == 0);
	MUST(datapath_apply(datapath, ret_compiled->image) == 0);
	policy_text_done(&text);
}

/* What is saved in a tenth of a second: the machine may be busy with others for a while, and what
 * comes in this time must not be lost. */
static uint32_t burst_of(uint32_t per_second)
{
	return per_second / 10;
}

static struct model_policy rate_policy(enum synfw_limit_kind limit, uint32_t per_second)
{
	return (struct model_policy){
		.nr_rules = 1,
		.rules = {{.proto = PROTO_TCP,
			   .first_port = 80,
			   .last_port = 80,
			   .action = SYNFW_ACTION_DROP,
			   .limit = limit,
			   .per_second = per_second,
			   .burst = burst_of(per_second)}},
	};
}

static void build(uint16_t port, struct frame *ret_frame)
{
	struct frame_spec spec = FRAME_SPEC_DEFAULT;

	spec.dport = port;
	memcpy(spec.saddr, "\xc0\x00\x02\x07", 4);
	memcpy(spec.daddr, "\xc6\x33\x64\x01", 4);
	frame_build(&spec, ret_frame);
}

static void run_many(int fd, const struct frame *frame, uint32_t repeat)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame->byte, .data_size_in = frame->length,
		    .repeat = repeat);

	MUST(bpf_prog_test_run_opts(fd, &run) == 0);
}

static uint64_t matched(struct datapath *datapath)
{
	struct synfw_rule_counter counter;

	MUST(datapath_rule_counter(datapath, 0, &counter) == 0);
	return counter.packets;
}

/* Twice the rate is offered, in a batch each tenth of a second. The first meets what is saved in a
 * tenth, so each passes half. */
static void check_test_clock(struct datapath *datapath, struct state *state,
			     enum synfw_limit_kind limit, uint32_t per_second, const char *what)
{
	struct model_policy policy = rate_policy(limit, per_second);
	uint32_t batch = 2 * burst_of(per_second);
	static uint64_t now_ns = START_NS;
	uint64_t offered = 0, passed;
	struct compiled compiled;
	struct frame frame;
	uint64_t want = (uint64_t)per_second * tenths() / 10;

	apply(datapath, &policy, &compiled);
	build(80, &frame);
	for (uint32_t i = 0; i < tenths(); i++, now_ns += STEP_NS) {
		state_set_time(state, now_ns);
		run_many(datapath_live_fd(datapath), &frame, batch);
		offered += batch;
	}
	passed = offered - matched(datapath);
	report(passed == want, what, passed, want);
	compiled_done(&compiled);
	now_ns += 100 * NS_PER_S;
}

struct sender {
	pthread_t thread;
	int cpu, fd;
	uint64_t end_ns, sent;
};

static uint64_t boot_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void *send_until(void *argument)
{
	struct sender *sender = argument;
	struct frame frame;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sender->cpu, &cpus);
	MUST(sched_setaffinity(0, sizeof(cpus), &cpus) == 0);
	build(80, &frame);
	while (boot_ns() < sender->end_ns) {
		run_many(sender->fd, &frame, RUN_REPEAT);
		sender->sent += RUN_REPEAT;
	}
	return NULL;
}

/* Both CPUs send as fast as they can, from one source. */
static void check_cpus(struct datapath *datapath, enum synfw_limit_kind limit, uint32_t per_second,
		       const char *what)
{
	struct model_policy policy = rate_policy(limit, per_second);
	struct sender senders[NR_CPUS] = {};
	uint64_t sent = 0, begin_ns, passed;
	struct compiled compiled;
	double want;

	apply(datapath, &policy, &compiled);
	usleep(200000); /* the burst of the check before */
	begin_ns = boot_ns();
	for (int i = 0; i < NR_CPUS; i++) {
		senders[i] = (struct sender){
			.cpu = i % sysconf(_SC_NPROCESSORS_ONLN),
			.fd = datapath_live_fd(datapath),
			.end_ns = begin_ns + tenths() * STEP_NS,
		};
		MUST(pthread_create(&senders[i].thread, NULL, send_until, &senders[i]) == 0);
	}
	for (int i = 0; i < NR_CPUS; i++) {
		MUST(pthread_join(senders[i].thread, NULL) == 0);
		sent += senders[i].sent;
	}
	want = (double)per_second * (boot_ns() - begin_ns) / NS_PER_S + burst_of(per_second);
	passed = sent - matched(datapath);
	MUST(sent > 2 * want); /* or the rate was not what held them back */
	report(is_about(passed, want, want), what, passed, want);
	compiled_done(&compiled);
}

/* Without a burst each packet has to come at its own time, and a clock that is a jiffy late would
 * let through a quarter or less. The kernel's measure leaves out most of the time in which others
 * had the CPU, the time around the call has its waiting in it: what passes lies between the two. */
static void check_exact_time(struct datapath *datapath, enum synfw_limit_kind limit,
			     const char *what)
{
	struct model_policy policy = rate_policy(limit, EXACT_PER_SECOND);
	LIBBPF_OPTS(bpf_test_run_opts, run, .repeat = exact_repeat());
	struct compiled compiled;
	struct frame frame;
	uint64_t begin_ns;
	double least, most, passed;

	policy.rules[0].burst = 1;
	apply(datapath, &policy, &compiled);
	build(80, &frame);
	run.data_in = frame.byte;
	run.data_size_in = frame.length;
	begin_ns = boot_ns();
	MUST(bpf_prog_test_run_opts(datapath_live_fd(datapath), &run) == 0);
	most = (double)(boot_ns() - begin_ns) / NS_PER_S * EXACT_PER_SECOND;
	least = (double)run.duration * run.repeat / NS_PER_S * EXACT_PER_SECOND;
	passed = run.repeat - (double)matched(datapath);
	report(is_about(passed, least / 2, most), what, passed, least);
	compiled_done(&compiled);
}

/* `over` ports do not exceed, one more does, all of them again do, and none when the window is
 * past. */
static void check_ports(struct datapath *datapath, struct state *state, uint32_t over)
{
	struct model_policy policy = {
		.nr_rules = 1,
		.rules = {{.proto = PROTO_TCP,
			   .first_port = 1,
			   .last_port = 60000,
			   .action = SYNFW_ACTION_DROP,
			   .limit = SYNFW_LIMIT_PORTS,
			   .over = over,
			   .within_ns = 10 * NS_PER_S}},
	};
	static uint64_t now_ns = 500000 * NS_PER_S;
	struct compiled compiled;
	struct frame frame;
	char what[64];
	uint64_t want;

	apply(datapath, &policy, &compiled);
	for (int round = 0; round < 3; round++) {
		/* rounds 0 and 1 within one window, round 2 after it */
		now_ns += round < 2 ? NS_PER_S : 10 * NS_PER_S;
		for (uint32_t i = 0; i <= over; i++) {
			state_set_time(state, now_ns);
			build(1000 + i, &frame);
			run_many(datapath_live_fd(datapath), &frame, 1);
		}
		want = (round == 0) ? 1 : (round == 1) ? over + 2 : over + 3;
		snprintf(what, sizeof(what), "over %u ports, round %d", over, round);
		report(matched(datapath) == want, what, matched(datapath), want);
	}
	compiled_done(&compiled);
	now_ns += 100 * NS_PER_S;
}

/* A packet that another CPU timed a moment ago comes after one with the next port: neither is
 * forgotten. */
static void check_ports_out_of_order(struct datapath *datapath, struct state *state)
{
	struct model_policy policy = {
		.nr_rules = 1,
		.rules = {{.proto = PROTO_TCP,
			   .first_port = 1,
			   .last_port = 60000,
			   .action = SYNFW_ACTION_DROP,
			   .limit = SYNFW_LIMIT_PORTS,
			   .over = 20,
			   .within_ns = 10 * NS_PER_S}},
	};
	uint64_t now_ns = 900000 * NS_PER_S;
	struct compiled compiled;
	struct frame frame;

	apply(datapath, &policy, &compiled);
	for (uint32_t i = 0; i <= 20; i++) {
		state_set_time(state, now_ns - (i % 2 ? 2 * NS_PER_MS : 0));
		build(1000 + i, &frame);
		run_many(datapath_live_fd(datapath), &frame, 1);
	}
	report(matched(datapath) == 1, "over 20 ports, timed by two CPUs", matched(datapath), 1);
	compiled_done(&compiled);
}

/* What a slow rate has left behind does not hold back the one that takes its place. */
static void check_changed_rate(struct datapath *datapath, struct state *state,
			       enum synfw_limit_kind limit, const char *what)
{
	struct model_policy slow = rate_policy(limit, 1), fast = rate_policy(limit, 100);
	static uint64_t now_ns = 800000 * NS_PER_S;
	struct compiled compiled;
	struct frame frame;

	slow.rules[0].burst = 1000;
	build(80, &frame);
	state_set_time(state, now_ns);
	apply(datapath, &slow, &compiled);
	run_many(datapath_live_fd(datapath), &frame, 1000);
	report(matched(datapath) == 0, what, matched(datapath), 0);
	compiled_done(&compiled);
	apply(datapath, &fast, &compiled);
	run_many(datapath_live_fd(datapath), &frame, 20);
	report(matched(datapath) == 10, what, matched(datapath), 10);
	compiled_done(&compiled);
	now_ns += 10000 * NS_PER_S;
}

int main(void)
{
	struct datapath *datapath;
	struct state *state;

	MUST(datapath_open_test_clock(&datapath) == 0 && datapath_attach_aside(datapath) == 0);
	state = state_open(datapath, 7);
	check_test_clock(datapath, state, SYNFW_LIMIT_SOURCE_RATE, 100, "100/s of a source");
	check_test_clock(datapath, state, SYNFW_LIMIT_RATE, 100, "100/s of a rule");
	check_test_clock(datapath, state, SYNFW_LIMIT_SOURCE_RATE, 100000, "100,000/s of a source");
	check_test_clock(datapath, state, SYNFW_LIMIT_RATE, 100000, "100,000/s of a rule");
	check_ports(datapath, state, 1);
	check_ports(datapath, state, 20);
	check_ports(datapath, state, SYNFW_MAX_DISTINCT_PORTS);
	check_changed_rate(datapath, state, SYNFW_LIMIT_SOURCE_RATE,
			   "a source's slow rate, made fast");
	check_changed_rate(datapath, state, SYNFW_LIMIT_RATE, "a rule's slow rate, made fast");
	check_ports_out_of_order(datapath, state);
	state_close(state);
	datapath_close(datapath);

	MUST(datapath_open(&datapath) == 0 && datapath_attach_aside(datapath) == 0);
	state = state_open(datapath, 7);
	check_exact_time(datapath, SYNFW_LIMIT_SOURCE_RATE, "1,000/s of a source, without a burst");
	check_exact_time(datapath, SYNFW_LIMIT_RATE, "1,000/s of a rule, without a burst");
	check_cpus(datapath, SYNFW_LIMIT_SOURCE_RATE, 100, "100/s of a source, two CPUs");
	check_cpus(datapath, SYNFW_LIMIT_SOURCE_RATE, fast_rate(),
		   "a fast rate of a source, two CPUs");
	check_cpus(datapath, SYNFW_LIMIT_RATE, fast_rate(), "a fast rate of a rule, two CPUs");
	state_close(state);
	datapath_close(datapath);
	printf("1..%d\n", test_number);
	return failed != 0;
}
