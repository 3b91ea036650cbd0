/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What an IPv6 trie is made of, on both sides of each switch from one structure to the next, and
 * the sets that are worst for it. test_trie.c has sets at random.
 */
#include <time.h>

#include "trie_reader.h"
#include "unit.h"

/* `count` ranges, evenly over 2000::/3 or so near to one another that few lists have any. */
static void unicast_append(struct ranges *ranges, size_t count, bool spread)
{
	uint32_t step = spread ? (1U << 29) / count : 1;

	for (size_t i = 0; i < count; i++)
		assert_int_equal(
			ranges_append(ranges, (address_t)(0x20000000 + i * step) << 96, i % 3), 0);
}

static void assert_lists(size_t count, bool spread, uint32_t bits)
{
	struct ranges ranges = {.family = FAMILY_6};
	struct trie trie = {};

	/* many others do not count */
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(ranges_append(&ranges, (address_t)(i * 1001) << 96, i % 2), 0);
	unicast_append(&ranges, count, spread);
	assert_int_equal(trie6_build(&ranges, 0, &trie), 0);
	assert_int_equal(trie.lists_bits, bits);
	assert_int_equal(trie.root, bits ? TRIE_ROOT_LISTS : TRIE_ROOT_IDS);
	trie_assert_edges(&trie, FAMILY_6, &ranges);
	trie_done(&trie);
	ranges_done(&ranges);
}

/* By the number of ranges in 2000::/3, and whether enough lists would be used. */
static void takes_the_root_for_the_number_of_ranges(void **state)
{
	assert_lists(2, true, 0);
	for (uint32_t bits = 17; bits <= 21; bits++) {
		size_t most = (size_t)8 << (bits - 3);

		assert_lists(most / 2, true, bits == 17 ? 0 : bits - 1);
		assert_lists(most / 2 + 1, true, bits);
		assert_lists(most, true, bits);
		assert_lists(most, false, 0);
	}
	assert_lists((1 << 21) + 1, true, 21);
}

/* So many of 2^14 lists. */
static void takes_lists_of_which_a_quarter_is_used(void **state)
{
	for (uint32_t used = (1 << 12) - 1; used <= 1 << 12; used++) {
		struct ranges ranges = {.family = FAMILY_6};
		struct trie trie = {};

		assert_int_equal(ranges_append(&ranges, 0, 0), 0);
		for (uint32_t list = 0; list < used; list++)
			for (uint32_t i = 0; i < 20; i++)
				assert_int_equal(
					ranges_append(&ranges,
						      ((address_t)(1 << 14 | list) << 111) +
							      ((address_t)i << 96),
						      1 + i % 2),
					0);
		assert_int_equal(trie6_build(&ranges, 0, &trie), 0);
		assert_int_equal(trie.lists_bits, used < 1 << 12 ? 0 : 17);
		trie_done(&trie);
		ranges_done(&ranges);
	}
}

/* A network in each of so many /32s, and with `wide` all addresses behind ffff::. */
static void assert_outline(uint32_t count, bool wide, uint32_t bits)
{
	struct ranges ranges = {.family = FAMILY_6};
	struct trie trie = {};

	assert_int_equal(ranges_append(&ranges, 0, 3), 0);
	for (uint32_t i = 0; i < count; i++) {
		address_t first = (address_t)(0x20000000 + i * 13) << 96;

		assert_int_equal(ranges_append(&ranges, first + ((address_t)5 << 80), 1), 0);
		assert_int_equal(ranges_append(&ranges, first + ((address_t)6 << 80), 3), 0);
	}
	if (wide)
		assert_int_equal(ranges_append(&ranges, (address_t)0xffff << 112, 1), 0);
	assert_int_equal(trie6_build(&ranges, 0, &trie), 0);
	assert_int_equal(trie.outline_bits, bits);
	assert_true(!bits || trie.rest == 3);
	trie_assert_edges(&trie, FAMILY_6, &ranges);
	trie_seen = (struct trie_seen){};
	for (uint32_t i = 0; i < 1000; i++) {
		assert_int_equal(trie_class(&trie, FAMILY_6, (address_t)(0x60000000 + i) << 96), 3);
		assert_int_equal(trie_class(&trie, FAMILY_6, ~(address_t)i), wide ? 1 : 3);
	}
	if (bits)
		assert_in_range(trie_seen.outlined, 700, 2000);
	else
		assert_int_equal(trie_seen.outlined, 0);
	trie_done(&trie);
	ranges_done(&ranges);
}

static void takes_an_outline_of_which_a_quarter_is_set(void **state)
{
	assert_outline(511, false, 0); /* few ranges */
	assert_outline(512, false, 15);
	assert_outline(1 << 13, false, 15);
	assert_outline((1 << 13) + 1, false, 16);
	assert_outline(1 << 16, false, 18);
	assert_outline((1 << 16) + 1, false, 19);
	/* 65,536 /32s more: so large an outline is too large beside few ranges */
	assert_outline(1 << 13, true, 0);
	assert_outline(1 << 16, true, 19);
	assert_outline(1 << 21, false, 23);
	assert_outline((1 << 21) + 1, false, 0);
}

/* Blocks of 2^114 addresses of IPv6, each an entry of the root, from 2000:: on. */
static address_t block6_first(uint32_t number)
{
	return (address_t)(0x800 + number) << 114;
}

static uint32_t block6_kind(const struct trie *trie, uint32_t number)
{
	uint32_t id = ((const uint32_t *)trie->cells)[block6_first(number) >> 114];

	assert_false(id & SYNFW_TRIE_LEAF);
	return id & SYNFW_TRIE_KIND;
}

static void ranges6_begin(struct ranges *ranges)
{
	assert_int_equal(ranges_append(ranges, 0, 0), 0);
}

/* `count` networks of 40 bits, which part in the first bits, go through so many classes; one of
 * them is that of what lies between. */
static void networks_append(struct ranges *ranges, address_t first, uint32_t count,
			    uint32_t classes)
{
	for (uint32_t i = 0; i < count; i++) {
		address_t network = first + ((address_t)(i * 7 + 1) << 106);

		assert_int_equal(ranges_append(ranges, network, 1 + i % (classes - 1)), 0);
		assert_int_equal(ranges_append(ranges, network + ((address_t)1 << 88), 0), 0);
	}
}

static const struct synfw_trie6_list *block6_list(const struct trie *trie, uint32_t number)
{
	uint32_t id = ((const uint32_t *)trie->cells)[block6_first(number) >> 114];

	return (const void *)trie_record(trie, id);
}

/* A network is one key, as its end says what is behind it. With more classes than there is room for
 * the list is narrower, and leads to where they are told apart. */
static void takes_lists_as_long_as_they_have_room(void **state)
{
	struct ranges ranges = {.family = FAMILY_6};
	struct trie trie = {};
	uint32_t number = 0;

	ranges6_begin(&ranges);
	for (uint32_t count = 2; count <= 12; count++)
		for (uint32_t classes = 2; classes <= 6; classes++)
			networks_append(&ranges, block6_first(number++), count, classes);
	assert_int_equal(trie6_build(&ranges, 0, &trie), 0);
	assert_int_equal(trie.root, TRIE_ROOT_IDS);
	trie_assert_edges(&trie, FAMILY_6, &ranges);
	number = 0;
	for (uint32_t count = 2; count <= 12; count++) {
		for (uint32_t classes = 2; classes <= 6; classes++, number++) {
			uint32_t used = count + 1 < classes ? count + 1 : classes;

			assert_int_equal(block6_kind(&trie, number),
					 count <= 8 ? SYNFW_TRIE_LIST : 0);
			if (count <= 8)
				assert_int_equal(block6_list(&trie, number)->gaps >> 24 >= 114 - 88,
						 used <= 4);
		}
	}
	trie_done(&trie);
	ranges_done(&ranges);
}

/* A block of `few` hosts, and of `many` that are far from them, alone or one next to the other. */
static uint32_t kind_of_hosts(uint32_t few, uint32_t many, bool dense)
{
	struct ranges ranges = {.family = FAMILY_6};
	struct trie trie = {};
	uint32_t kind;

	ranges6_begin(&ranges);
	for (uint32_t i = 0; i < few + many; i++) {
		address_t at =
			i < few ? i : ((address_t)1 << 112) + ((address_t)i << (dense ? 0 : 70));

		assert_int_equal(ranges_append(&ranges, block6_first(0) + at, 1 + i % 2), 0);
		if (!dense)
			assert_int_equal(ranges_append(&ranges, block6_first(0) + at + 1, 0), 0);
	}
	assert_int_equal(ranges_append(&ranges, block6_first(1), 0), 0);
	assert_int_equal(trie6_build(&ranges, 0, &trie), 0);
	trie_assert_edges(&trie, FAMILY_6, &ranges);
	kind = block6_kind(&trie, 0);
	trie_done(&trie);
	ranges_done(&ranges);
	return kind;
}

/* What lies too far away is reached by a list of 0 bits, from the number on from which that is so.
 */
static void lists_reach_as_far_as_needed(void **state)
{
	bool near = false;

	trie_seen = (struct trie_seen){};
	for (uint32_t many = 2000; many > 200; many -= 7) {
		uint64_t before = trie_seen.bridges;

		assert_int_equal(kind_of_hosts(4, many, false), SYNFW_TRIE_LIST);
		if (trie_seen.bridges == before)
			near = true;
		else
			assert_false(near);
	}
	assert_true(near);
	assert_true(trie_seen.bridges > 0);
}

/* The widths of a list are not tried one by one for any number of ranges. */
static void takes_lists_of_so_many_ranges(void **state)
{
	assert_int_equal(kind_of_hosts(4, 4092, true), SYNFW_TRIE_LIST);
	assert_int_equal(kind_of_hosts(4, 4093, true), 0);
}

/* Its classes have 16 bits: a network of another one is told apart behind it. */
static void takes_lists_for_classes_that_they_have_room_for(void **state)
{
	struct ranges ranges = {.family = FAMILY_6};
	struct trie trie = {};

	ranges6_begin(&ranges);
	for (uint32_t number = 0; number < 2; number++) {
		address_t first = block6_first(number) + ((address_t)1 << 106),
			  size = (address_t)1 << 88;

		assert_int_equal(ranges_append(&ranges, first, UINT16_MAX + number), 0);
		assert_int_equal(ranges_append(&ranges, first + size, 0), 0);
		assert_int_equal(ranges_append(&ranges, first + ((address_t)8 << 106), 1), 0);
		assert_int_equal(ranges_append(&ranges, first + ((address_t)8 << 106) + size, 0),
				 0);
	}
	assert_int_equal(trie6_build(&ranges, 0, &trie), 0);
	trie_assert_edges(&trie, FAMILY_6, &ranges);
	assert_true(block6_list(&trie, 0)->gaps >> 24 >= 114 - 88);
	assert_true(block6_list(&trie, 1)->gaps >> 24 < 114 - 88);
	trie_done(&trie);
	ranges_done(&ranges);
}

/* From one host to the next in a dense block, whatever is left of the address where it begins. */
static void finds_every_edge_in_the_last_bits(void **state)
{
	struct ranges ranges = {.family = FAMILY_6};
	struct trie trie = {};

	trie_seen = (struct trie_seen){};
	ranges6_begin(&ranges);
	for (uint32_t number = 0; number < 60; number++) {
		address_t first = block6_first(number);

		networks_append(&ranges, first, 2, 2);
		first += ((address_t)200 << 106) + ((address_t)1 << (40 + number));
		for (uint32_t i = 0; i < 40; i++)
			assert_int_equal(ranges_append(&ranges, first + 100 + i, 1 + i % 7), 0);
		assert_int_equal(ranges_append(&ranges, first + 100 + 40, 0), 0);
	}
	assert_int_equal(trie6_build(&ranges, 0, &trie), 0);
	trie_assert_edges(&trie, FAMILY_6, &ranges);
	assert_true(trie_seen.cut_runs > 0);
	trie_done(&trie);
	ranges_done(&ranges);
}

/* Whether what lies before it and behind it is the same or not. */
static void takes_a_tail_for_a_host_alone(void **state)
{
	struct ranges ranges = {.family = FAMILY_6};
	struct trie trie = {};

	ranges6_begin(&ranges);
	assert_int_equal(ranges_append(&ranges, block6_first(0) + 5, 1), 0);
	assert_int_equal(ranges_append(&ranges, block6_first(0) + 6, 0), 0);
	assert_int_equal(ranges_append(&ranges, block6_first(1) + 5, 1), 0);
	assert_int_equal(ranges_append(&ranges, block6_first(1) + 6, 2), 0);
	assert_int_equal(trie6_build(&ranges, 0, &trie), 0);
	trie_assert_edges(&trie, FAMILY_6, &ranges);
	assert_int_equal(block6_kind(&trie, 0), SYNFW_TRIE_KIND);
	assert_int_equal(block6_kind(&trie, 1), SYNFW_TRIE_KIND);
	trie_done(&trie);
	ranges_done(&ranges);
}

/* Each of the entries on the way to one address is another class than those beside it, so that none
 * can be passed over, to the last bit. Behind them so many other ranges. */
static uint64_t deepest_with(size_t others, uint32_t lists_bits)
{
	address_t way = block6_first(5);
	struct ranges ranges = {.family = FAMILY_6};
	struct trie trie = {};

	for (uint32_t left = 114; left; left -= 6)
		way |= (address_t)45 << (left - 6);
	ranges6_begin(&ranges);
	for (uint32_t left = 114; left; left -= 6)
		for (uint32_t i = 0; i <= (uint32_t)(way >> (left - 6) & 63); i++)
			assert_int_equal(
				ranges_append(&ranges,
					      (way >> left << left) + ((address_t)i << (left - 6)),
					      1 + i % 7),
				0);
	for (size_t i = 0; i < others; i++)
		assert_int_equal(
			ranges_append(&ranges,
				      (address_t)(0x30000000 + i * ((1U << 28) / others)) << 96,
				      i % 3),
			0);
	assert_int_equal(trie6_build(&ranges, 0, &trie), 0);
	assert_int_equal(trie.lists_bits, lists_bits);
	trie_seen = (struct trie_seen){};
	trie_assert_edges(&trie, FAMILY_6, &ranges);
	trie_done(&trie);
	ranges_done(&ranges);
	return trie_seen.deepest;
}

/* One for six bits each, and before them a list of the root that only leads there. */
static void goes_no_deeper_than_the_datapath(void **state)
{
	assert_int_equal(deepest_with(0, 0), 19);
	for (uint32_t bits = 17; bits <= 21; bits++)
		assert_int_equal(deepest_with((size_t)6 << (bits - 3), bits),
				 bits < 20 ? SYNFW_TRIE6_MAX_RECORDS : 19);
}

static void host_append(struct ranges *ranges, address_t host)
{
	assert_int_equal(ranges_append(ranges, host, 1), 0);
	assert_int_equal(ranges_append(ranges, host + 1, 0), 0);
}

/* Lists within lists, each of which leads to one host near to it, and to 1,900 that are too far:
 * what is tried and given up at each of them takes twice as long for each more. */
static void takes_nested_lists_at_once(void **state)
{
	clock_t began = clock();
	struct ranges ranges = {.family = FAMILY_6};
	struct trie trie = {};

	ranges6_begin(&ranges);
	for (uint32_t number = 0; number < 40; number++) {
		address_t base = block6_first(number);
		uint32_t left = 114;

		for (; left > 42; left -= 6) {
			host_append(&ranges, base + 5);
			base += (address_t)1 << (left - 1);
		}
		for (uint32_t i = 0; i < 1900; i++)
			host_append(&ranges, base + ((address_t)i << 20) + 5);
	}
	assert_int_equal(trie6_build(&ranges, 0, &trie), 0);
	/* it takes a tenth of a second */
	assert_true(clock() - began < 20 * CLOCKS_PER_SEC);
	trie_assert_edges(&trie, FAMILY_6, &ranges);
	trie_done(&trie);
	ranges_done(&ranges);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_root_for_the_number_of_ranges),
		cmocka_unit_test(takes_lists_of_which_a_quarter_is_used),
		cmocka_unit_test(takes_an_outline_of_which_a_quarter_is_set),
		cmocka_unit_test(takes_lists_as_long_as_they_have_room),
		cmocka_unit_test(lists_reach_as_far_as_needed),
		cmocka_unit_test(takes_lists_of_so_many_ranges),
		cmocka_unit_test(takes_lists_for_classes_that_they_have_room_for),
		cmocka_unit_test(takes_a_tail_for_a_host_alone),
		cmocka_unit_test(finds_every_edge_in_the_last_bits),
		cmocka_unit_test(goes_no_deeper_than_the_datapath),
		cmocka_unit_test(takes_nested_lists_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
