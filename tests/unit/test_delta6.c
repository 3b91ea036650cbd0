/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* As test_delta.c, for IPv6: most lists of a root that has such are copied, with all kinds of
 * records behind them. */
#include <stdlib.h>
#include <string.h>

#include "delta_trial.h"
#include "unit.h"

#include <synfw/cleanup.h>
#include <synfw/trie.h>

/* A root with lists from some 33,000 prefixes on, where a quarter of them is used. */
#define NR_LISTED 50000

static struct any_prefix prefix6_of(uint64_t high, uint64_t low, uint8_t prefixlen)
{
	struct any_prefix prefix = {.family = 6, .v6.prefixlen = prefixlen};

	for (int bit = prefixlen; bit < 64; bit++)
		high &= ~(1ULL << (63 - bit));
	for (int bit = prefixlen < 64 ? 64 : prefixlen; bit < 128; bit++)
		low &= ~(1ULL << (127 - bit));
	for (int i = 0; i < 8; i++) {
		prefix.v6.addr[i] = high >> (56 - 8 * i);
		prefix.v6.addr[8 + i] = low >> (56 - 8 * i);
	}
	return prefix;
}

static struct any_prefix prefix4_of(uint32_t addr)
{
	return (struct any_prefix){.family = 4, .v4 = {.addr = addr, .prefixlen = 32}};
}

/* Anywhere in 2000::/3; where many are near each other, so that lists lead to lists, steps, runs
 * and tails; and some outside. */
static struct any_prefix draw(void)
{
	static const uint8_t lengths[] = {20, 29, 32, 40, 48, 48, 56, 64, 64, 96, 128, 128, 128};
	uint8_t prefixlen = lengths[random_below(sizeof(lengths))];
	uint64_t high = 0x2000000000000000 | random_next() >> 3, low = random_next();

	switch (random_below(16)) {
	case 0:
		high = 0x20010db800000000 | random_below(64);
		break;
	case 1:
		high = 0x20010db900000000 | (uint64_t)random_below(512) << 16;
		low = random_below(4096);
		break;
	case 2:
		high = 0x2a00000000000000 | (uint64_t)random_below(1 << 16) << 24;
		break;
	case 3:
		high = 0xfd00000000000000 | random_below(8);
		break;
	default:
		break;
	}
	return prefix6_of(high, low, prefixlen);
}

static void begin(size_t listed, size_t other)
{
	memset(lists.count, 0, sizeof(lists.count));
	/* the classes come up here, and stay */
	add(LISTED, prefix6_of(0x2000000000000000, 1, 128));
	add(OTHER, prefix6_of(0x2000000000000000, 2, 128));
	add(SMALL, prefix6_of(0x2000000000000000, 3, 128));
	for (uint64_t low = 4; low < 8; low++)
		for (int list = LISTED; list < NR_LISTS; list++)
			if (low == 7 || low - 4 != (uint64_t)list)
				add(list, prefix6_of(0x2000000000000000, low, 128));
	lists_fix();
	for (size_t i = 0; i < listed; i++)
		add(LISTED, draw());
	for (size_t i = 0; i < other; i++)
		add(OTHER, draw());
}

static uint8_t lists_bits(const struct image *image, enum synfw_direction direction)
{
	return image_class_tables(image)->trie6_lists_bits[direction];
}

static void members_that_come_and_go(void **state)
{
	struct image *image = NULL;

	begin(NR_LISTED, 0);
	step(one_rule, &image);
	assert_int_not_equal(lists_bits(image, SYNFW_DIR_SRC), 0);
	for (int round = 0; round < 6; round++) {
		change(draw, LISTED, random_below(60), random_below(60));
		assert_copied(one_rule, &image);
		assert_true(image->nr_changed > 0);
	}
	/* nothing */
	step(one_rule, &image);
	assert_int_equal(image->nr_changed, 0);
	assert_true(image->nr_copied > 0);
	image_free(image);
}

static void lists_that_share_addresses_and_both_directions(void **state)
{
	struct image *image = NULL;
	size_t went = 0;

	begin(NR_LISTED, NR_LISTED / 2);
	step(all_lists, &image);
	assert_int_not_equal(lists_bits(image, SYNFW_DIR_DST), 0);
	for (int round = 0; round < 6; round++) {
		change(draw, round % 2 ? LISTED : OTHER, random_below(60), random_below(60));
		went += change(draw, SMALL, 1 + random_below(2), random_below(3));
		assert_copied(all_lists, &image);
	}
	assert_true(went > 2);
	image_free(image);
}

/* Classes of IPv6 are numbered behind those of IPv4, whose lists are short, long, or go. */
static void both_families(void **state)
{
	struct image *image = NULL;

	begin(NR_LISTED, 0);
	add(OTHER, prefix4_of(0x0a000001));
	add(SMALL, prefix4_of(0x0a000001));
	add(SMALL, prefix4_of(0x0a000002));
	step(sources, &image);
	change(draw, LISTED, 20, 20);
	assert_copied(sources, &image);
	/* IPv4 is made anew each time, and its classes are the same */
	add(OTHER, prefix4_of(0x0a000003));
	add(SMALL, prefix4_of(0x0a000003));
	change(draw, LISTED, 20, 20);
	assert_copied(sources, &image);
	/* they come up in another order, with other numbers */
	drop(SMALL, lists.count[SMALL] - 1);
	add(OTHER, prefix4_of(0x09000001));
	step(sources, &image);
	change(draw, LISTED, 20, 20);
	assert_copied(sources, &image);
	/* a class more in IPv4, that came up in IPv6 before */
	add(LISTED, prefix4_of(0x0b000001));
	assert_made_anew(sources, &image);
	/* both from the image before */
	for (uint32_t i = 0; i < 40000; i++)
		add(LISTED, prefix4_of(0x10000000 + i * 50000));
	step(sources, &image);
	for (int i = 0; i < 3; i++) {
		change(draw, LISTED, 20, 20);
		add(LISTED, prefix4_of(0xc0000000 + i * 50000));
		step(sources, &image);
		assert_true(image->nr_copied > 1U << SYNFW_TRIE_LINE_ROOT_BITS);
		assert_true(image->nr_changed < 1000);
	}
	image_free(image);
}

/* Few classes, all of which come up in IPv4: IPv6 has none of its own. */
static void no_classes_of_ipv6(void **state)
{
	begin(NR_LISTED, 0);
	add(LISTED, prefix4_of(0x0a000001));
	assert_changes_are_copied(draw, one_rule);
}

/* Classes of IPv6 that come up where another one did, in front of it and behind it: found again, or
 * all is made anew, beside IPv4 that is copied. */
static void classes_around_each_other(void **state)
{
	static const char two_rules[] = SETS "- {name: a, from: small, action: allow}\n"
					     "- {name: b, from: [listed, other], action: drop}\n"
					     "- {name: c, from: other, to: 1/tcp, action: allow}\n";
	static const uint64_t highs[] = {0x2000000000000000, 0x2000000100000000, 0x2000800000000000,
					 0x2000800000000001, 0x2001000000000000, 0x2400000000000000,
					 0x3000000000000000};
	uint32_t nr_highs = sizeof(highs) / sizeof(highs[0]), copied = 0, beside = 0;
	struct image *image = NULL;

	memset(lists.count, 0, sizeof(lists.count));
	for (uint32_t i = 0; i < 40000; i++)
		add(LISTED, prefix4_of(0x10000000 + i * 50000));
	for (size_t i = 0; i < NR_LISTED; i++)
		add(LISTED, prefix6_of(0x2000000000000002 + (random_next() >> 3), 0, 128));
	step(two_rules, &image);
	for (int round = 0; round < 30; round++) {
		uint32_t lists_of_all, bits = lists_bits(image, SYNFW_DIR_SRC);

		lists.count[SMALL] = lists.count[OTHER] = 0;
		for (int i = 0; i < 2; i++) {
			add(SMALL, prefix6_of(highs[random_below(nr_highs)], 0, 128));
			add(OTHER, prefix6_of(highs[random_below(nr_highs)], 0,
					      random_below(2) ? 128 : 48));
		}
		assert_copied(two_rules, &image);
		/* seven eighths of the ids, and lists for the others */
		lists_of_all = (1U << (bits - 3)) + (7U << 11);
		assert_int_equal(image->nr_copied + image->nr_changed,
				 (1U << SYNFW_TRIE_LINE_ROOT_BITS) + lists_of_all);
		copied += image->nr_changed < lists_of_all / 2;
		beside += image->nr_changed >= lists_of_all;
	}
	assert_in_range(copied, 3, 27);
	assert_in_range(beside, 3, 27);
	image_free(image);
}

static void long_and_short_prefixes(void **state)
{
	struct image *image = NULL;

	begin(NR_LISTED, 0);
	step(one_rule, &image);
	for (uint8_t prefixlen = 30; prefixlen >= 4; prefixlen -= 2) {
		add(LISTED, prefix6_of(0x3a00000000000000, 0, prefixlen));
		step(one_rule, &image);
		/* a quarter of the lists is too much; what it covers may make it another root */
		if (prefixlen > 8 || prefixlen < 5)
			assert_int_equal(image->nr_copied > 0, prefixlen > 8);
		drop(LISTED, lists.count[LISTED] - 1);
		step(one_rule, &image);
	}
	/* all of 2000::/3, and of all else */
	add(OTHER, prefix6_of(0x2000000000000000, 0, 3));
	step(all_lists, &image);
	add(OTHER, prefix6_of(0, 0, 0));
	step(all_lists, &image);
	image_free(image);
}

static void edges(void **state)
{
	static const uint64_t highs[] = {0,
					 0x0003ffffffffffff,
					 0x1fffffffffffffff,
					 0x2000000000000000,
					 0x3fffffffffffffff,
					 0x4000000000000000,
					 0xfffc000000000000,
					 0xffffffffffffffff};
	struct image *image = NULL;

	begin(NR_LISTED, 0);
	step(one_rule, &image);
	for (size_t i = 0; i < sizeof(highs) / sizeof(highs[0]); i++) {
		uint64_t low = highs[i] & 1 ? ~0ULL : 0;

		for (int both = 0; both < 2; both++) {
			add(LISTED, prefix6_of(highs[i], low, both ? 128 : 24));
			assert_copied(one_rule, &image);
			/* as long as the list goes on behind its end, or not */
			add(LISTED, prefix6_of(highs[i] + 1, 0, 64));
			assert_copied(one_rule, &image);
			drop(LISTED, lists.count[LISTED] - 2);
			assert_copied(one_rule, &image);
			drop(LISTED, lists.count[LISTED] - 1);
			assert_copied(one_rule, &image);
		}
	}
	image_free(image);
}

/* Whole lists, side by side, of which each ends where the next begins. */
static void neighbours(void **state)
{
	struct image *image = NULL;
	uint8_t bits;

	begin(NR_LISTED, 0);
	step(one_rule, &image);
	bits = lists_bits(image, SYNFW_DIR_SRC);
	for (int round = 0; round < 25; round++) {
		uint64_t number = (1U << (bits - 3)) + random_below(8);

		if (random_below(2) && lists.count[LISTED] > NR_LISTED + 8)
			drop(LISTED, lists.count[LISTED] - 1 - random_below(3));
		else
			add(LISTED, prefix6_of(number << (64 - bits), 0, bits + random_below(2)));
		assert_copied(one_rule, &image);
	}
	image_free(image);
}

/* Both sides of the switch to lists, and from one width to the next. */
static void other_roots(void **state)
{
	struct image *image = NULL;
	uint32_t widths = 0;

	memset(lists.count, 0, sizeof(lists.count));
	for (uint64_t i = 0; i < 32768; i++)
		add(LISTED, prefix6_of(0x2000000000000000 + i * 0x3c0000000000, 0, 64));
	step(one_rule, &image);
	assert_int_equal(image_class_tables(image)->basis, 0);
	add(LISTED, prefix6_of(0x3f00000000000000, 0, 64));
	assert_made_anew(one_rule, &image);
	assert_int_not_equal(lists_bits(image, SYNFW_DIR_SRC), 0);
	add(LISTED, prefix6_of(0x3f00000100000000, 0, 64));
	assert_copied(one_rule, &image);
	drop(LISTED, 7);
	drop(LISTED, 5);
	assert_made_anew(one_rule, &image);
	assert_int_equal(lists_bits(image, SYNFW_DIR_SRC), 0);
	for (uint64_t i = 0; i < 33000; i++) {
		uint8_t before = lists_bits(image, SYNFW_DIR_SRC);

		add(LISTED, prefix6_of(0x2000000000000000 + i * 0x3c0000000000, 1, 128));
		if (i % 3000)
			continue;
		step(one_rule, &image);
		widths += before != lists_bits(image, SYNFW_DIR_SRC);
	}
	assert_true(widths >= 1);
	image_free(image);
}

/* Too few of the lists are used, and then enough. */
static void crowded_networks(void **state)
{
	struct image *image = NULL;
	uint32_t with = 0, without = 0;

	memset(lists.count, 0, sizeof(lists.count));
	for (uint64_t i = 0; i < 34000; i++)
		add(LISTED, prefix6_of(0x20010db800000000 + i * 2, 0, 64));
	for (uint64_t i = 0; i < 4200; i += 100) {
		for (uint64_t k = i; k < i + 100; k++)
			add(LISTED, prefix6_of(0x2100000000000000 + (k << 48), 0, 64));
		if (i < 3800)
			continue;
		step(one_rule, &image);
		with += lists_bits(image, SYNFW_DIR_SRC) != 0;
		without += !lists_bits(image, SYNFW_DIR_SRC);
	}
	assert_true(with > 1);
	assert_true(without > 1);
	image_free(image);
}

/* Most addresses are of the class of a rule for all. */
static void a_rule_for_all_addresses(void **state)
{
	static const char text[] = SETS "- {name: r, from: listed, action: drop}\n"
					"- {name: s, from: any, to: 22/tcp, action: allow}\n";
	begin(NR_LISTED, 0);
	assert_changes_are_copied(draw, text);
}

/* Addresses of which most are in a list, and then are not. */
static void another_class_of_the_rest(void **state)
{
	struct image *image = NULL;

	begin(NR_LISTED, 0);
	for (uint64_t i = 0; i < 20; i++) {
		add(OTHER, prefix6_of(0x4000000000000000 + (i << 59), 0, 5));
		if (i > 13)
			step(all_lists, &image);
	}
	assert_int_not_equal(image_class_tables(image)->trie6_rest[SYNFW_DIR_DST], 0);
	image_free(image);
}

static void images_that_are_damaged(void **state)
{
	struct image *before = NULL;

	begin(NR_LISTED, 0);
	step(one_rule, &before);
	change(draw, LISTED, 50, 50);
	assert_damage_is_seen(before);
	image_free(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_that_come_and_go),
		cmocka_unit_test(lists_that_share_addresses_and_both_directions),
		cmocka_unit_test(both_families),
		cmocka_unit_test(no_classes_of_ipv6),
		cmocka_unit_test(classes_around_each_other),
		cmocka_unit_test(long_and_short_prefixes),
		cmocka_unit_test(edges),
		cmocka_unit_test(neighbours),
		cmocka_unit_test(other_roots),
		cmocka_unit_test(crowded_networks),
		cmocka_unit_test(a_rule_for_all_addresses),
		cmocka_unit_test(another_class_of_the_rest),
		cmocka_unit_test(images_that_are_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
