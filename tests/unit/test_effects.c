/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the image says of scoring, logging, limits and effects. */
#include <stdio.h>
#include <string.h>

#include "unit.h"

#include <duration.h>
#include <policyc.h>
#include <synfw/cleanup.h>

#define NS_PER_S 1000000000ULL
#define HEAD	 "version: 1\nname: p\ninterfaces: [{name: eth0}]\n"

static int load_nothing(void *context, const char *path, char **ret_text, size_t *ret_length,
			uint64_t *ret_mtime_ns)
{
	return -2; /* ENOENT */
}

static struct image *compile(const char *text)
{
	static const struct policyc_interface interfaces[] = {{"eth0", 1}};
	const struct policyc_options options = {.interfaces = interfaces, .nr_interfaces = 1};
	const struct policyc_loader loader = {.load = load_nothing};
	CLEANUP(diags_freep) struct diags *diags = diags_new();
	CLEANUP(policy_freep) struct policy *policy = NULL;
	struct image *image = NULL;

	if (policyc_parse("p", text, strlen(text), &loader, diags, &policy) ||
	    policyc_compile(policy, &options, diags, &image)) {
		diags_print(diags, stderr, false);
		fail();
	}
	return image;
}

/* Of the rule at that place in the policy. */
static const struct synfw_effect *effect_of(const struct image *image, uint32_t index)
{
	for (uint32_t bit = 0; bit < image_header_const(image)->nr_bits; bit++)
		if (image_rule_const(image, bit)->index == index)
			return image_effect_const(image, image_rule_const(image, bit));
	fail_msg("rule %u has no bit", index);
	return NULL;
}

static void a_policy_without_effects_has_defaults_and_nothing_more(void **state)
{
	CLEANUP(image_freep)
	struct image *image = compile(HEAD "rules: [{name: a, to: 80/tcp, action: allow}]\n");
	const struct synfw_header *header = image_header_const(image);
	const struct synfw_scoring *scoring = image_scoring(image);
	const struct synfw_logging *logging = image_logging(image);

	assert_int_equal(header->effect_base, 0);
	assert_int_equal(header->source_flags, 0);
	assert_int_equal(scoring->decay, 0);
	assert_int_equal(scoring->flag_at, 0);
	assert_int_equal(scoring->drop_at, 0);
	assert_int_equal(scoring->ipv6_prefixlen, 64);
	assert_int_equal(logging->sample, 100);
	assert_int_equal(logging->limit_interval_ns, NS_PER_S / 50);
	assert_int_equal(logging->limit_tolerance_ns, 49 * (NS_PER_S / 50));
	assert_int_equal(logging->events,
			 1 << SYNFW_EVENT_BLOCK | 1 << SYNFW_EVENT_FLAG | 1 << SYNFW_EVENT_RULE);
}

static void scoring_is_written_in_points_an_hour(void **state)
{
	CLEANUP(image_freep)
	struct image *image = compile(
		HEAD "scoring: {flag-at: 50, drop-at: 100, decay: 10/min, block-for: [10m, 1h], "
		     "ipv6-prefix: 48}\n"
		     "rules: [{name: a, score: 5}]\n");
	const struct synfw_scoring *scoring = image_scoring(image);

	assert_int_equal(scoring->decay, 600);
	assert_int_equal(scoring->flag_at, 50);
	assert_int_equal(scoring->drop_at, 100);
	assert_int_equal(scoring->block_for_ns[0], 600 * NS_PER_S);
	assert_int_equal(scoring->block_for_ns[1], 3600 * NS_PER_S);
	assert_int_equal(scoring->block_for_ns[2], 3600 * NS_PER_S);
	assert_int_equal(scoring->ipv6_prefixlen, 48);
}

static void the_fastest_and_the_slowest_decay_fit(void **state)
{
	CLEANUP(image_freep)
	struct image *fast = compile(HEAD "scoring: {flag-at: 1, decay: 1000000/s}\n");
	CLEANUP(image_freep)
	struct image *slow = compile(HEAD "scoring: {flag-at: 1, decay: 1/h}\n");

	assert_int_equal(image_scoring(fast)->decay, 3600000000ULL);
	assert_int_equal(image_scoring(slow)->decay, 1);
}

static void logging_keeps_rule_events_whatever_it_names(void **state)
{
	CLEANUP(image_freep)
	struct image *image = compile(HEAD "logging: {events: flag, sample: 1/1, limit: 30/min}\n");
	const struct synfw_logging *logging = image_logging(image);

	assert_int_equal(logging->events, 1 << SYNFW_EVENT_FLAG | 1 << SYNFW_EVENT_RULE);
	assert_int_equal(logging->sample, 1);
	assert_int_equal(logging->limit_interval_ns, 2 * NS_PER_S);
	assert_int_equal(logging->limit_tolerance_ns, 29 * 2 * NS_PER_S);
}

/* With one level a bit is a rule: of those that any source can match, which look at what is
 * remembered of it. */
static void rules_that_remember_any_source_are_marked(void **state)
{
	CLEANUP(image_freep)
	struct image *image = compile(
		HEAD "sets: {some: [192.0.2.0/24], added: {dynamic: true}}\n"
		     "rules:\n"
		     "  - {name: scores, proto: udp, score: 5}\n"
		     "  - {name: known, from: some, score: 5}\n"
		     "  - {name: added, from: added, score: 5}\n"
		     "  - {name: rate, to: 80/tcp, rate: {over: 5/s, per: source}, action: drop}\n"
		     "  - {name: whole, to: 81/tcp, rate: {over: 5/s, per: rule}, action: drop}\n"
		     "  - {name: ports, proto: tcp, distinct-ports: {over: 5, within: 5s}, action: "
		     "drop}\n"
		     "  - {name: plain, to: 82/tcp, action: allow}\n"
		     "scoring: {flag-at: 1, decay: 1/h}\n");
	const struct synfw_line *remembers = &image->lines[SYNFW_LINE_REMEMBERS];

	for (uint32_t bit = 0; bit < image_header_const(image)->nr_bits; bit++) {
		uint16_t index = image_rule_const(image, bit)->index;
		bool marked = index == 0 || index == 3 || index == 5;

		assert_int_equal(remembers->word[0] >> bit & 1, marked);
	}
}

static void limits_and_effects_stand_in_the_line_of_their_rule(void **state)
{
	CLEANUP(image_freep)
	struct image *image = compile(
		HEAD "sets: {a: {dynamic: true}, b: {dynamic: true}}\n"
		     "rules:\n"
		     "- {name: plain, to: 1/tcp, action: drop}\n"
		     "- {name: source, to: 2/tcp, rate: {over: 200/s}, action: drop}\n"
		     "- {name: rule, to: 3/tcp, rate: {over: 6/min, burst: 3, per: rule}, "
		     "except: {from: 192.0.2.1, vlan: 5}, action: drop}\n"
		     "- {name: ports, distinct-ports: {over: 20, within: 10s}, action: drop}\n"
		     "- {name: acts, to: 4/tcp, action: drop, block: 10m, add-to: b, log: true}\n");
	const struct synfw_effect *source = effect_of(image, 1), *rule = effect_of(image, 2);
	const struct synfw_effect *ports = effect_of(image, 3), *acts = effect_of(image, 4);

	assert_null(effect_of(image, 0));
	assert_int_equal(source->limit, SYNFW_LIMIT_SOURCE_RATE);
	assert_int_equal(source->interval_ns, 5000000);
	assert_int_equal(source->tolerance_ns, 199 * 5000000ULL);
	assert_int_equal(rule->limit, SYNFW_LIMIT_RATE);
	assert_int_equal(rule->interval_ns, 10 * NS_PER_S);
	assert_int_equal(rule->tolerance_ns, 20 * NS_PER_S);
	assert_int_equal(ports->limit, SYNFW_LIMIT_PORTS);
	assert_int_equal(ports->interval_ns, 10 * NS_PER_S);
	assert_int_equal(ports->over, 20);
	assert_int_equal(acts->limit, SYNFW_LIMIT_NONE);
	assert_int_equal(acts->block_ns, 600 * NS_PER_S);
	assert_int_equal(acts->add_to, 2);
	assert_int_equal(acts->log, 1);
}

static void a_monitoring_rule_keeps_its_limit_and_does_nothing(void **state)
{
	CLEANUP(image_freep)
	struct image *image = compile(
		HEAD "sets: {a: {dynamic: true}}\n"
		     "rules:\n"
		     "- {name: limit, rate: {over: 5/s}, action: drop, block: 1m, add-to: a, log: "
		     "true, mode: monitor}\n"
		     "- {name: none, action: drop, block: 1m, mode: monitor}\n");
	const struct synfw_effect *effect = effect_of(image, 0);

	assert_int_equal(effect->limit, SYNFW_LIMIT_SOURCE_RATE);
	assert_int_equal(effect->block_ns, 0);
	assert_int_equal(effect->add_to, 0);
	assert_int_equal(effect->log, 0);
	assert_null(effect_of(image, 1));
}

static uint8_t established_of(const char *text)
{
	CLEANUP(image_freep) struct image *image = compile(text);

	return image_header_const(image)->established;
}

static void connections_are_looked_up_only_where_they_matter(void **state)
{
	assert_int_equal(established_of(HEAD), SYNFW_ESTABLISHED_ALLOW);
	assert_int_equal(established_of(HEAD "defaults: {incoming: allow}\n"),
			 SYNFW_ESTABLISHED_IGNORE);
	assert_int_equal(established_of(HEAD "defaults: {established: rules}\n"),
			 SYNFW_ESTABLISHED_IGNORE);
	assert_int_equal(established_of(HEAD "defaults: {incoming: allow, established: allow}\n"),
			 SYNFW_ESTABLISHED_ALLOW);
	assert_int_equal(established_of(HEAD "defaults: {incoming: allow}\n"
					     "rules: [{name: a, state: new, action: drop}]\n"),
			 SYNFW_ESTABLISHED_RULES);
}

static uint32_t attribute(const struct image *image, uint32_t index)
{
	uint32_t table = image_class_tables(image)->attr;

	return image->lines[table + index / 16].id[index % 16];
}

static void a_new_packet_of_normal_shape_is_class_0(void **state)
{
	CLEANUP(image_freep)
	struct image *image =
		compile(HEAD "defaults: {established: rules}\n"
			     "rules:\n"
			     "- {name: a, state: established, action: allow}\n"
			     "- {name: b, proto: tcp, flags: syn, state: new, action: drop}\n");

	assert_int_equal(attribute(image, SYNFW_ATTR_SHAPE + SYNFW_SHAPE_NORMAL), 0);
	assert_int_not_equal(
		attribute(image, SYNFW_ATTR_ESTABLISHED + SYNFW_ATTR_SHAPE + SYNFW_SHAPE_NORMAL),
		0);
	assert_int_not_equal(attribute(image, SYNFW_TCP_SYN),
			     attribute(image, SYNFW_ATTR_ESTABLISHED + SYNFW_TCP_SYN));
}

static void every_rate_is_exact_within_one_percent(void **state)
{
	static const uint64_t times[] = {NS_PER_S, 60 * NS_PER_S, 3600 * NS_PER_S};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		for (uint32_t count = 1; count <= 10000000; count += 1 + count / 1000) {
			const struct rate rate = {count, times[i]};
			uint64_t sum = rate_interval_ns(&rate) * count;
			uint64_t off = sum > rate.per_ns ? sum - rate.per_ns : rate.per_ns - sum;

			assert_true(off * 100 <= rate.per_ns);
		}
	}
}

static void durations_read_as_they_were_written(void **state)
{
	static const char *const texts[] = {"1s", "59s", "90s", "10m", "1h", "36h", "1d", "36500d"};
	char text[DURATION_SIZE];
	uint64_t ns;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_true(duration_parse(texts[i], &ns));
		duration_format(ns, text);
		assert_string_equal(text, texts[i]);
	}
	duration_format(24 * 3600 * NS_PER_S, text);
	assert_string_equal(text, "1d");
	duration_format(0, text);
	assert_string_equal(text, "0s");
}

static void a_dynamic_set_in_protect_is_told_to_the_datapath(void **state)
{
	CLEANUP(image_freep)
	struct image *image =
		compile(HEAD "sets: {live: {dynamic: true}, other: {dynamic: true}}\n"
			     "protect: [{from: [live, 192.0.2.1], to: 22/tcp}]\n"
			     "rules: [{name: a, from: other, to-address: live, action: drop}]\n");
	const struct synfw_dynamic *dynamic = image_dynamic(image);
	uint32_t expected = 0;

	for (uint32_t i = 0; i < dynamic->nr_pairs; i++)
		if (dynamic->pairs[i] == 0)
			expected |= 1U << i;
	assert_int_not_equal(expected, 0);
	assert_int_equal(dynamic->protect_pairs, expected);
	assert_int_not_equal(image_header_const(image)->source_flags, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_without_effects_has_defaults_and_nothing_more),
		cmocka_unit_test(scoring_is_written_in_points_an_hour),
		cmocka_unit_test(the_fastest_and_the_slowest_decay_fit),
		cmocka_unit_test(logging_keeps_rule_events_whatever_it_names),
		cmocka_unit_test(rules_that_remember_any_source_are_marked),
		cmocka_unit_test(limits_and_effects_stand_in_the_line_of_their_rule),
		cmocka_unit_test(a_monitoring_rule_keeps_its_limit_and_does_nothing),
		cmocka_unit_test(connections_are_looked_up_only_where_they_matter),
		cmocka_unit_test(a_new_packet_of_normal_shape_is_class_0),
		cmocka_unit_test(every_rate_is_exact_within_one_percent),
		cmocka_unit_test(durations_read_as_they_were_written),
		cmocka_unit_test(a_dynamic_set_in_protect_is_told_to_the_datapath),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
