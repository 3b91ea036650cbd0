/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "unit.h"

#include <frontend/globs.h>
#include <frontend/icmp_types.h>
#include <frontend/suggest.h>
#include <frontend/tcp_flags.h>

static void edit_distance_counts_single_changes(void **state)
{
	assert_int_equal(suggest_distance("from", "from", 9), 0);
	assert_int_equal(suggest_distance("form", "from", 9), 1);
	assert_int_equal(suggest_distance("fro", "from", 9), 1);
	assert_int_equal(suggest_distance("fromm", "from", 9), 1);
	assert_int_equal(suggest_distance("frim", "from", 9), 1);
	assert_int_equal(suggest_distance("", "from", 9), 4);
	assert_int_equal(suggest_distance("kitten", "sitting", 9), 3);
	assert_int_equal(suggest_distance("abcdef", "uvwxyz", 3), 3);
}

static void edit_distance_gives_up_on_long_words(void **state)
{
	char word[200];

	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	assert_int_equal(suggest_distance(word, word, 5), 5);
}

static const char *nearest(const char *word, const char *const *candidates)
{
	struct suggestion suggestion = suggest_start(word);

	for (; *candidates; candidates++)
		suggest_offer(&suggestion, *candidates);
	return suggestion.best;
}

static void suggests_the_nearest_word(void **state)
{
	static const char *const words[] = {"from", "from-port", "to", "to-address", "proto", NULL};

	assert_string_equal(nearest("form", words), "from");
	assert_string_equal(nearest("from-prot", words), "from-port");
	assert_string_equal(nearest("porto", words), "proto");
	assert_string_equal(nearest("to_address", words), "to-address");
}

static void suggests_nothing_that_is_far(void **state)
{
	static const char *const words[] = {"from", "to", NULL};

	assert_null(nearest("colour", words));
	assert_null(nearest("x", words));
	assert_null(nearest("", words));
}

static const char *read_flags(const char *const *words, struct flags_match *match)
{
	struct flags_words read = {0};
	const char *problem = NULL;

	for (; *words && !problem; words++)
		problem = flags_take_word(&read, *words, strlen(*words));
	return problem ? problem : flags_finish(&read, match);
}

#define FLAGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void assert_flags(const char *const *words, uint8_t mask, uint8_t value)
{
	struct flags_match match;

	assert_null(read_flags(words, &match));
	assert_int_equal(match.mask, mask);
	assert_int_equal(match.value, value);
}

static void flags_without_not_are_exact(void **state)
{
	assert_flags(FLAGS("syn"), 0xff, 0x02);
	assert_flags(FLAGS("fin", "psh", "urg"), 0xff, 0x29);
	assert_flags(FLAGS("none"), 0xff, 0x00);
	assert_flags(FLAGS("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"), 0xff, 0xff);
}

static void one_not_makes_the_others_not_matter(void **state)
{
	assert_flags(FLAGS("syn", "not ack"), 0x12, 0x02);
	assert_flags(FLAGS("not ack"), 0x10, 0x00);
	assert_flags(FLAGS("not fin", "not  rst", "psh"), 0x0d, 0x08);
}

static void rejects_flags_that_contradict(void **state)
{
	struct flags_match match;

	assert_non_null(read_flags(FLAGS("syn", "not syn"), &match));
	assert_non_null(read_flags(FLAGS("none", "syn"), &match));
	assert_non_null(read_flags(FLAGS("not none"), &match));
	assert_non_null(read_flags(FLAGS("nothing"), &match));
	assert_non_null(read_flags(FLAGS(""), &match));
	assert_non_null(read_flags(FLAGS("not "), &match));
}

static void only_syn_with_fin_or_rst_is_impossible(void **state)
{
	assert_true(flags_are_impossible(0x03));
	assert_true(flags_are_impossible(0x06));
	assert_true(flags_are_impossible(0xff));
	assert_false(flags_are_impossible(0x00));
	assert_false(flags_are_impossible(0x12));
	assert_false(flags_are_impossible(0x29));
	assert_false(flags_are_impossible(0x05));
}

static void icmp_names_hold_for_both_families(void **state)
{
	struct icmp_type types[2];

	assert_int_equal(icmp_type_parse("echo-request", 12, types), 2);
	assert_int_equal(types[0].proto, 1);
	assert_int_equal(types[0].type, 8);
	assert_int_equal(types[1].proto, 58);
	assert_int_equal(types[1].type, 128);
	assert_int_equal(icmp_type_parse("packet-too-big", 14, types), 1);
	assert_int_equal(types[0].proto, 58);
	assert_int_equal(icmp_type_parse("42", 2, types), 2);
	assert_int_equal(types[1].type, 42);
	assert_int_equal(icmp_type_parse("256", 3, types), 0);
	assert_int_equal(icmp_type_parse("echo", 4, types), 0);
}

static void essential_icmp_is_errors_and_discovery(void **state)
{
	static const uint8_t essential4[] = {3, 11, 12};
	static const uint8_t essential6[] = {1,	  2,   3,   4,	 130, 131, 132,
					     133, 134, 135, 136, 137, 143};

	for (unsigned int type = 0; type < 256; type++) {
		const struct icmp_type icmp = {PROTO_ICMP, (uint8_t)type};
		const struct icmp_type icmpv6 = {PROTO_ICMPV6, (uint8_t)type};

		assert_int_equal(icmp_type_is_essential(&icmp),
				 memchr(essential4, (int)type, sizeof(essential4)) != NULL);
		assert_int_equal(icmp_type_is_essential(&icmpv6),
				 memchr(essential6, (int)type, sizeof(essential6)) != NULL);
	}
}

static void globs_that_share_a_name_intersect(void **state)
{
	assert_true(globs_intersect("eth0", "eth0"));
	assert_true(globs_intersect("eth*", "eth0"));
	assert_true(globs_intersect("eth0", "eth?"));
	assert_true(globs_intersect("eth*", "*0"));
	assert_true(globs_intersect("*", "?"));
	assert_true(globs_intersect("*a*", "*b*"));
	assert_true(globs_intersect("wan[0-3]", "wan*"));
	assert_true(globs_intersect("a*b", "a?*b"));
}

static void globs_without_a_common_name_do_not(void **state)
{
	assert_false(globs_intersect("eth0", "eth1"));
	assert_false(globs_intersect("eth*", "wlan0"));
	assert_false(globs_intersect("eth?", "eth"));
	assert_false(globs_intersect("eth*", "wl*"));
	assert_false(globs_intersect("*0", "*1"));
	assert_false(globs_intersect("a?", "a??"));
	assert_false(globs_intersect("wan[0-3]", "lan*"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edit_distance_counts_single_changes),
		cmocka_unit_test(edit_distance_gives_up_on_long_words),
		cmocka_unit_test(suggests_the_nearest_word),
		cmocka_unit_test(suggests_nothing_that_is_far),
		cmocka_unit_test(flags_without_not_are_exact),
		cmocka_unit_test(one_not_makes_the_others_not_matter),
		cmocka_unit_test(rejects_flags_that_contradict),
		cmocka_unit_test(only_syn_with_fin_or_rst_is_impossible),
		cmocka_unit_test(icmp_names_hold_for_both_families),
		cmocka_unit_test(essential_icmp_is_errors_and_discovery),
		cmocka_unit_test(globs_that_share_a_name_intersect),
		cmocka_unit_test(globs_without_a_common_name_do_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
