/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What becomes of scores, rates and ports tried when their place is taken: sources are sought whose
 * hash leads to the same one, as a flood would find them by chance.
 */
#include <string.h>

#include <linux/bpf.h>

#include "base/claims.h"
#include "model/frame.h"
#include "base/must.h"
#include "random/over_time_policy.h"
#include "base/policy_text.h"
#include "harness/state.h"

#define SEED	  11
#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define PROTO_TCP 6
#define COUNTER	  1 /* that datapath_apply() gives to the first rule */
#define MANY	  5
#define LONG_NS	  (1000 * 3600 * NS_PER_S) /* nothing is left of what was before */

static const struct policyc_interface eth0 = {"eth0", 1};
static const struct policyc_options options = {.interfaces = &eth0, .nr_interfaces = 1};
static const struct policy_frame plain = {.ipv6_prefixlen = 64};
static struct datapath *datapath;
static struct state *state;
static uint64_t now_ns = 1000 * NS_PER_S;

static void apply(const struct model_rule *rules, uint32_t nr_rules, struct compiled *ret_compiled)
{
	struct model_policy policy = {.nr_rules = nr_rules};
	struct policy_text text = {};

	for (uint32_t i = 0; i < nr_rules; i++) {
		policy.rules[i] = rules[i];
		policy.decay |= rules[i].score != 0;
	}
	policy.flag_at = policy.decay ? 1000 : 0;
	text.head = policy_write(&policy, &plain);
	MUST(policy_text_compile(&text, &options, stderr, ret_compiled) == 0);
	MUST(datapath_apply(datapath, ret_compiled->image) == 0);
	policy_text_done(&text);
}

/* Each packet comes a millisecond after the one before. */
static bool passes(uint32_t from, uint16_t port)
{
	struct frame_spec spec = FRAME_SPEC_DEFAULT;
	struct frame frame;
	uint32_t action;

	now_ns += NS_PER_MS;
	state_set_time(state, now_ns);
	for (int i = 0; i < 4; i++)
		spec.saddr[i] = from >> (24 - 8 * i);
	spec.dport = port;
	frame_build(&spec, &frame);
	MUST(datapath_run(datapath, frame.byte, frame.length, 1, &action) == 0);
	return action == XDP_PASS;
}

/* Sources whose hash, modulo `places`, is the same. */
static void sources_of_one_place(uint64_t seed, uint32_t places, uint32_t sources[MANY])
{
	uint32_t found = 0, place = 0;

	for (uint32_t addr = 0x01000001; found < MANY; addr++) {
		const struct synfw_addr6 key = addr6_of_v4(addr);
		uint32_t word[4];

		memcpy(word, &key, sizeof(word));
		if (!found)
			place = synfw_source_hash(word, seed) % places;
		if (synfw_source_hash(word, seed) % places == place)
			sources[found++] = addr;
	}
}

static bool has_points(uint32_t from, uint64_t points)
{
	const struct synfw_addr6 source = addr6_of_v4(from);
	struct state_score score;

	if (!state_score(state, &source, &score))
		return points == 0;
	return (score.level + SYNFW_SCORE_UNIT - 1) / SYNFW_SCORE_UNIT == points;
}

static bool lowest_score_of_a_full_set_gives_way(void)
{
	const struct model_rule rule = {
		.proto = PROTO_TCP, .first_port = 80, .last_port = 80, .score = 10};
	uint64_t lost = state_tally(state, SYNFW_TALLY_SCORES_LOST);
	uint32_t source[MANY];
	struct compiled compiled;

	apply(&rule, 1, &compiled);
	sources_of_one_place(SEED, SYNFW_SOURCE_SETS, source);
	for (uint32_t i = 0; i < SYNFW_SOURCE_WAYS; i++)
		for (uint32_t packet = 0; packet < 3 - i; packet++)
			passes(source[i], 80);
	EXPECT(state_tally(state, SYNFW_TALLY_SCORES_LOST) == lost);
	EXPECT(has_points(source[0], 30) && has_points(source[1], 20));
	passes(source[2], 80);
	EXPECT(state_tally(state, SYNFW_TALLY_SCORES_LOST) == lost + 1);
	EXPECT(has_points(source[0], 30) && has_points(source[1], 0));
	EXPECT(has_points(source[2], 10));
	compiled_done(&compiled);
	return true;
}

/* However many points its single packet gave. */
static bool who_came_once_gives_way_to_who_came_again(void)
{
	static const struct model_rule rules[] = {
		{.proto = PROTO_TCP, .first_port = 80, .last_port = 80, .score = 10},
		{.proto = PROTO_TCP, .first_port = 81, .last_port = 81, .score = 90},
	};
	uint64_t lost = state_tally(state, SYNFW_TALLY_SCORES_LOST);
	uint32_t source[MANY];
	struct compiled compiled;

	now_ns += LONG_NS;
	apply(rules, 2, &compiled);
	sources_of_one_place(SEED, SYNFW_SOURCE_SETS, source);
	passes(source[0], 80);
	passes(source[0], 80);
	for (uint32_t i = 1; i < MANY; i++)
		passes(source[i], 81);
	EXPECT(has_points(source[0], 20) && has_points(source[MANY - 1], 90));
	for (uint32_t i = 1; i < MANY - 1; i++)
		EXPECT(has_points(source[i], 0));
	EXPECT(state_tally(state, SYNFW_TALLY_SCORES_LOST) == lost + MANY - 2);
	compiled_done(&compiled);
	return true;
}

static const struct model_rule once_a_second = {.proto = PROTO_TCP,
						.first_port = 80,
						.last_port = 80,
						.action = SYNFW_ACTION_DROP,
						.limit = SYNFW_LIMIT_SOURCE_RATE,
						.per_second = 1,
						.burst = 1};

static bool first_rate_to_pass_gives_way(void)
{
	uint64_t lost = state_tally(state, SYNFW_TALLY_RATES_LOST);
	uint32_t source[MANY];
	struct compiled compiled;

	now_ns += LONG_NS;
	apply(&once_a_second, 1, &compiled);
	sources_of_one_place(SEED, SYNFW_SOURCE_SETS, source);
	for (uint32_t i = 0; i < SYNFW_SOURCE_WAYS; i++)
		EXPECT(passes(source[i], 80));
	for (uint32_t i = 0; i < SYNFW_SOURCE_WAYS; i++)
		EXPECT(!passes(source[i], 80));
	EXPECT(state_tally(state, SYNFW_TALLY_RATES_LOST) == lost);
	/* it is forgotten, and may send as if it never had */
	EXPECT(passes(source[2], 80));
	EXPECT(state_tally(state, SYNFW_TALLY_RATES_LOST) == lost + 1);
	EXPECT(!passes(source[1], 80) && !passes(source[2], 80));
	EXPECT(passes(source[0], 80));
	/* those whose time has passed say nothing that could be lost */
	now_ns += 10 * NS_PER_S;
	lost = state_tally(state, SYNFW_TALLY_RATES_LOST);
	EXPECT(passes(source[3], 80) && !passes(source[3], 80));
	EXPECT(state_tally(state, SYNFW_TALLY_RATES_LOST) == lost);
	compiled_done(&compiled);
	return true;
}

/* Those of a second rule are beside the entries, in sets of their own. */
static bool first_rate_of_a_second_rule_to_pass_gives_way(void)
{
	struct model_rule rules[] = {once_a_second, once_a_second};
	uint64_t lost;
	uint32_t source[MANY];
	struct compiled compiled;

	rules[1].first_port = rules[1].last_port = 81;
	now_ns += LONG_NS;
	apply(rules, 2, &compiled);
	sources_of_one_place(SEED ^ (COUNTER + 1), SYNFW_RATE_SETS, source);
	lost = state_tally(state, SYNFW_TALLY_RATES_LOST);
	for (uint32_t i = 0; i < SYNFW_RATE_WAYS; i++)
		EXPECT(passes(source[i], 80) && passes(source[i], 81));
	for (uint32_t i = 0; i < SYNFW_RATE_WAYS; i++)
		EXPECT(!passes(source[i], 80) && !passes(source[i], 81));
	EXPECT(state_tally(state, SYNFW_TALLY_RATES_LOST) == lost);
	EXPECT(passes(source[3], 80) && passes(source[3], 81));
	EXPECT(state_tally(state, SYNFW_TALLY_RATES_LOST) == lost + 1);
	for (uint32_t i = 1; i <= SYNFW_RATE_WAYS; i++)
		EXPECT(!passes(source[i], 81));
	EXPECT(!passes(source[0], 80) && passes(source[0], 81));
	compiled_done(&compiled);
	return true;
}

/* The rate of the rule that came first has passed, and that of the other has not: asked for
 * again it must not begin anew in the source's entry. */
static bool rate_is_in_one_place(void)
{
	struct model_rule rules[] = {once_a_second, once_a_second};
	const uint32_t source = 0x02000001;
	struct compiled compiled;

	rules[0].per_second = 10;
	rules[1].first_port = rules[1].last_port = 81;
	now_ns += LONG_NS;
	apply(rules, 2, &compiled);
	EXPECT(passes(source, 80) && passes(source, 81));
	now_ns += NS_PER_S / 2;
	EXPECT(!passes(source, 81));
	EXPECT(passes(source, 80) && !passes(source, 80));
	now_ns += NS_PER_S / 2;
	EXPECT(passes(source, 81) && !passes(source, 81));
	compiled_done(&compiled);
	return true;
}

static const struct model_rule ports_of_10_s = {.proto = PROTO_TCP,
						.first_port = 1,
						.last_port = 9999,
						.action = SYNFW_ACTION_DROP,
						.limit = SYNFW_LIMIT_PORTS,
						.over = 2,
						.within_ns = 10 * NS_PER_S};

static bool who_comes_while_ports_of_another_are_counted_is_not(void)
{
	uint64_t lost = state_tally(state, SYNFW_TALLY_SCANS_LOST);
	uint32_t source[MANY];
	struct compiled compiled;

	now_ns += LONG_NS;
	apply(&ports_of_10_s, 1, &compiled);
	sources_of_one_place(SEED ^ COUNTER, SYNFW_PORT_SCANS, source);
	EXPECT(passes(source[0], 1) && passes(source[0], 2) && !passes(source[0], 3));
	EXPECT(state_tally(state, SYNFW_TALLY_SCANS_LOST) == lost);
	/* its first port is in its entry, and in nobody's way */
	for (uint16_t port = 1; port <= 4; port++)
		EXPECT(passes(source[1], port));
	EXPECT(state_tally(state, SYNFW_TALLY_SCANS_LOST) == lost + 3);
	EXPECT(!passes(source[0], 4));
	now_ns += 11 * NS_PER_S;
	EXPECT(passes(source[1], 1) && passes(source[1], 2) && !passes(source[1], 3));
	EXPECT(state_tally(state, SYNFW_TALLY_SCANS_LOST) == lost + 3);
	compiled_done(&compiled);
	return true;
}

/* A second rule counts the ports of a source for itself; what the entry had of the first one is
 * not lost. */
static bool ports_are_counted_for_each_rule(void)
{
	struct model_rule rules[] = {
		{.proto = PROTO_TCP,
		 .first_port = 1,
		 .last_port = 99,
		 .action = SYNFW_ACTION_DROP,
		 .limit = SYNFW_LIMIT_PORTS,
		 .over = 2,
		 .within_ns = 10 * NS_PER_S},
		{.proto = PROTO_TCP,
		 .first_port = 100,
		 .last_port = 199,
		 .action = SYNFW_ACTION_DROP,
		 .limit = SYNFW_LIMIT_PORTS,
		 .over = 1,
		 .within_ns = 10 * NS_PER_S},
	};
	const uint32_t source = 0x02000002;
	struct compiled compiled;

	now_ns += LONG_NS;
	apply(rules, 2, &compiled);
	EXPECT(passes(source, 1) && passes(source, 1));
	EXPECT(passes(source, 100) && passes(source, 2));
	EXPECT(!passes(source, 3) && !passes(source, 101) && !passes(source, 1));
	now_ns += 11 * NS_PER_S;
	EXPECT(passes(source, 5) && passes(source, 102) && passes(source, 6) && !passes(source, 7));
	compiled_done(&compiled);
	return true;
}

/* Others of its set, each of which comes once, do not push it out: it came again. */
static bool a_scan_is_found_among_others_of_its_set(void)
{
	uint64_t lost = state_tally(state, SYNFW_TALLY_SCANS_LOST);
	uint32_t source[MANY];
	struct compiled compiled;

	now_ns += LONG_NS;
	apply(&ports_of_10_s, 1, &compiled);
	sources_of_one_place(SEED, SYNFW_SOURCE_SETS, source);
	EXPECT(passes(source[0], 1) && passes(source[0], 2));
	for (uint32_t i = 1; i < MANY; i++) {
		EXPECT(passes(source[i], 443));
		EXPECT(!passes(source[0], 2 + i));
	}
	/* all but the last of the others, who had a port each */
	EXPECT(state_tally(state, SYNFW_TALLY_SCANS_LOST) == lost + MANY - 2);
	/* nothing is lost of what has left the window */
	now_ns += 60 * NS_PER_S;
	for (uint32_t i = 1; i < SYNFW_SOURCE_WAYS + 1; i++)
		EXPECT(passes(source[i], 443));
	EXPECT(state_tally(state, SYNFW_TALLY_SCANS_LOST) == lost + MANY - 2);
	compiled_done(&compiled);
	return true;
}

/* The time of a port has 32 bits of milliseconds. */
static bool a_port_of_a_month_ago_does_not_count(void)
{
	struct model_rule rule = ports_of_10_s;
	const uint32_t source = 0x03000001;
	struct compiled compiled;

	rule.over = 1;
	now_ns += LONG_NS;
	apply(&rule, 1, &compiled);
	EXPECT(passes(source, 80));
	now_ns += 30 * 24 * 3600 * NS_PER_S;
	EXPECT(passes(source, 443) && passes(source, 443) && !passes(source, 80));
	compiled_done(&compiled);
	return true;
}

/* The rate in its entry has passed, and that of another rule, elsewhere, has not. */
static bool an_entry_stays_while_a_rate_elsewhere_counts(void)
{
	struct model_rule rules[] = {once_a_second, once_a_second};
	uint32_t source[MANY];
	struct compiled compiled;

	rules[0].per_second = 100;
	rules[1].first_port = rules[1].last_port = 81;
	now_ns += LONG_NS;
	apply(rules, 2, &compiled);
	sources_of_one_place(SEED + 1, SYNFW_SOURCE_SETS, source);
	state_close(state);
	state = state_open(datapath, SEED + 1);
	EXPECT(passes(source[0], 80) && passes(source[0], 81) && !passes(source[0], 81));
	now_ns += NS_PER_S / 10;
	for (uint32_t i = 1; i < MANY; i++)
		EXPECT(passes(source[i], 80));
	EXPECT(!passes(source[0], 81));
	state_close(state);
	state = state_open(datapath, SEED);
	compiled_done(&compiled);
	return true;
}

int main(void)
{
	MUST(datapath_open_test_clock(&datapath) == 0);
	state = state_open(datapath, SEED);
	CHECK(lowest_score_of_a_full_set_gives_way);
	CHECK(who_came_once_gives_way_to_who_came_again);
	CHECK(first_rate_to_pass_gives_way);
	CHECK(first_rate_of_a_second_rule_to_pass_gives_way);
	CHECK(rate_is_in_one_place);
	CHECK(who_comes_while_ports_of_another_are_counted_is_not);
	CHECK(ports_are_counted_for_each_rule);
	CHECK(a_scan_is_found_among_others_of_its_set);
	CHECK(a_port_of_a_month_ago_does_not_count);
	CHECK(an_entry_stays_while_a_rate_elsewhere_counts);
	state_close(state);
	datapath_close(datapath);
	return claims_end();
}
