/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tries over several pages, begun at every place of a page: no record may begin where the largest
 * would cross into the next, and each edge must still be found.
 */
#include <stdlib.h>
#include <string.h>

#include "trie_reader.h"
#include "unit.h"

static const uint64_t first_cells[] = {
	SYNFW_PAGE_CELLS - SYNFW_PAGE_CELLS / 4,
	/* the first records at the end of a page: behind the root of IPv6, and of IPv4 */
	SYNFW_PAGE_CELLS - (1 << SYNFW_TRIE6_ROOT_BITS) / 2 - 8,
	SYNFW_PAGE_CELLS - (1 << SYNFW_TRIE_WIDE_ROOT_BITS) / 2 - 1024,
};

/* splitmix64 (Steele, Lea and Flood 2014) */
static uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static int compare_firsts(const void *left, const void *right)
{
	const struct range6 *a = left, *b = right;

	if (a->high != b->high)
		return a->high < b->high ? -1 : 1;
	return a->low < b->low ? -1 : a->low > b->low;
}

static address_t step_of(enum family family)
{
	return family == FAMILY_4 ? (address_t)1 << 96 : 1;
}

/* `count` ranges that begin at random, the first at 0: every second one next to the one before it,
 * as a host has them, every fourth near to it. Those that begin at the same address are one. In all
 * of the address space, or in so much of it as begins with `prefix_bits` bits, of which the last
 * is 1. */
static void ranges_draw(enum family family, size_t count, uint32_t prefix_bits,
			struct ranges *ranges)
{
	struct range6 *drawn = calloc(count, sizeof(*drawn));
	uint64_t state = family;
	address_t first = 0;

	assert_non_null(drawn);
	for (size_t i = 1; i < count; i++) {
		uint64_t near = random_next(&state) >> (48 + random_next(&state) % 16);

		if (i % 2)
			first += step_of(family);
		else if (i % 4)
			first += near * step_of(family);
		else
			first = ((address_t)random_next(&state) << 64 | random_next(&state)) >>
				prefix_bits;
		if (prefix_bits)
			first |= (address_t)1 << (128 - prefix_bits);
		first -= first % step_of(family);
		drawn[i] = (struct range6){.high = first >> 64, .low = (uint64_t)first};
	}
	qsort(drawn, count, sizeof(*drawn), compare_firsts);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(
			ranges_append(ranges, (address_t)drawn[i].high << 64 | drawn[i].low, i % 7),
			0);
	free(drawn);
}

static int build(enum family family, const struct ranges *ranges, uint64_t first_cell,
		 struct trie *ret_trie)
{
	return (family == FAMILY_4 ? trie4_build : trie6_build)(ranges, first_cell, ret_trie);
}

static void finds_every_edge(enum family family, size_t count, uint32_t prefix_bits)
{
	struct ranges ranges = {.family = family};

	ranges_draw(family, count, prefix_bits, &ranges);
	for (size_t n = 0; n < sizeof(first_cells) / sizeof(first_cells[0]); n++) {
		struct trie trie = {};

		assert_int_equal(build(family, &ranges, first_cells[n], &trie), 0);
		assert_true(first_cells[n] / SYNFW_PAGE_CELLS <
			    (first_cells[n] + trie.nr_cells) / SYNFW_PAGE_CELLS);
		trie_assert_edges(&trie, family, &ranges);
		trie_done(&trie);
	}
	ranges_done(&ranges);
}

static void finds_every_edge_of_ipv4(void **state)
{
	finds_every_edge(FAMILY_4, 60000, 0);
	finds_every_edge(FAMILY_4, 150000, 0);
}

static void finds_every_edge_of_ipv6(void **state)
{
	finds_every_edge(FAMILY_6, 150000, 0);
	/* a root with lists */
	finds_every_edge(FAMILY_6, 600000, 3);
}

/* ---- both sides of each switch from one structure to the next ---- */

/* The root goes by the number of ranges. */
static void takes_the_root_for_the_number_of_ranges(void **state)
{
	static const struct {
		size_t ranges;
		uint32_t root_bits;
	} cases[] = {{2, 12}, {1024, 12}, {1025, 18}, {65536, 18}, {65537, 17}};

	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		struct ranges ranges = {};
		struct trie trie = {};

		for (size_t i = 0; i < cases[n].ranges; i++)
			assert_int_equal(
				ranges_append(&ranges, (address_t)(i * 60013) << 96, i % 3), 0);
		assert_int_equal(build(FAMILY_4, &ranges, 0, &trie), 0);
		assert_int_equal(trie.root_bits, cases[n].root_bits);
		assert_int_equal(trie.root == TRIE_ROOT_LINES, cases[n].root_bits == 17);
		trie_assert_edges(&trie, FAMILY_4, &ranges);
		trie_done(&trie);
		ranges_done(&ranges);
	}
}

/* Most addresses have class `rest`; the others are about the edges of some /24s. */
static void assert_rest(uint32_t rest, uint32_t other)
{
	struct ranges ranges = {};
	struct trie trie = {};
	uint64_t before;

	/* of the first /24 its first half, of the second all, of the fourth its last address */
	assert_int_equal(ranges_append(&ranges, 0, other), 0);
	assert_int_equal(ranges_append(&ranges, (address_t)0x80 << 96, rest), 0);
	assert_int_equal(ranges_append(&ranges, (address_t)0x100 << 96, other), 0);
	assert_int_equal(ranges_append(&ranges, (address_t)0x200 << 96, rest), 0);
	assert_int_equal(ranges_append(&ranges, (address_t)0x3ff << 96, other), 0);
	assert_int_equal(ranges_append(&ranges, (address_t)0x400 << 96, rest), 0);
	for (size_t i = 0; i < 40000; i++) {
		address_t first = (address_t)(0x1000000 + i * 65536) << 96;

		assert_int_equal(ranges_append(&ranges, first, other), 0);
		assert_int_equal(ranges_append(&ranges, first + ((address_t)1 << 96), rest), 0);
	}
	assert_int_equal(ranges_append(&ranges, (address_t)0xffffffff << 96, other), 0);
	assert_int_equal(build(FAMILY_4, &ranges, 0, &trie), 0);
	assert_int_equal(trie.root, TRIE_ROOT_LINES);
	assert_int_equal(trie.rest, rest);
	trie_assert_edges(&trie, FAMILY_4, &ranges);
	for (uint32_t addr = 0; addr < 0x600; addr++) {
		bool is_rest = (addr >= 0x80 && addr < 0x100) || (addr >= 0x200 && addr != 0x3ff);

		before = trie_seen.rest;
		assert_int_equal(trie_class(&trie, FAMILY_4, (address_t)addr << 96),
				 is_rest ? rest : other);
		/* /24s with nothing but the rest are answered by the bitmap, and no other is */
		assert_int_equal(trie_seen.rest - before,
				 addr >> 8 == 2 || addr >> 8 == 4 || addr >> 8 == 5);
	}
	before = trie_seen.rest;
	assert_int_equal(trie_class(&trie, FAMILY_4, (address_t)0xffffffff << 96), other);
	assert_int_equal(trie_class(&trie, FAMILY_4, (address_t)0xffffff00 << 96), rest);
	assert_int_equal(trie_seen.rest, before);
	trie_done(&trie);
	ranges_done(&ranges);
}

/* The class that most addresses have is the one that needs no line, whichever that is. */
static void answers_for_the_rest_by_a_bitmap(void **state)
{
	assert_rest(0, 1);
	assert_rest(3, 0);
	/* a line has no room for it, the bitmap has */
	assert_rest(65536 + 7, 2);
}

/* Below 128.0.0.0 so many ranges of other classes, from there on the rest: of the /18s half have
 * nothing else, or with `more`, the first address of that half, one less. */
static void assert_outline(uint32_t count, enum trie_root root, uint32_t more)
{
	const address_t half = (address_t)1 << 127;
	struct ranges ranges = {};
	struct trie trie = {};
	uint64_t before;

	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(ranges_append(&ranges, half / count * i, 1 + i % 2), 0);
	assert_int_equal(ranges_append(&ranges, half + ((address_t)more << 96), 0), 0);
	assert_int_equal(build(FAMILY_4, &ranges, 0, &trie), 0);
	assert_int_equal(trie.root, root);
	assert_int_equal(trie.outline_bits, more ? 0 : 18);
	assert_int_equal(trie.rest, 0);
	trie_assert_edges(&trie, FAMILY_4, &ranges);
	before = trie_seen.outlined;
	for (uint32_t i = 0; i < 1 << 18; i++)
		assert_int_equal(trie_class(&trie, FAMILY_4, (address_t)i << 110) == 0,
				 i >= (1 << 17) + more);
	assert_int_equal(trie_seen.outlined - before, more ? 0 : 1 << 17);
	trie_done(&trie);
	ranges_done(&ranges);
}

static void takes_an_outline_while_half_of_it_is_clear(void **state)
{
	assert_outline(4096, TRIE_ROOT_IDS, 0);
	assert_outline(4096, TRIE_ROOT_IDS, 1);
	assert_outline(1 << 17, TRIE_ROOT_LINES, 0);
	assert_outline(1 << 17, TRIE_ROOT_LINES, 1);
}

#define MAX_CHANGES 40
#define MAX_CLASSES 6

/* A /17 for each number of changes and each number of classes that they go through, the first from
 * 16.0.0.0 on; behind them so many more ranges as the root in question needs. */
static address_t block_first(uint32_t changes, uint32_t classes)
{
	return ((address_t)0x10000000 + ((changes * (MAX_CLASSES + 1) + classes) << 15)) << 96;
}

static void ranges_of_blocks(size_t others, struct ranges *ranges)
{
	assert_int_equal(ranges_append(ranges, 0, 0), 0);
	for (uint32_t changes = 1; changes <= MAX_CHANGES; changes++) {
		for (uint32_t classes = 2; classes <= MAX_CLASSES; classes++) {
			address_t first = block_first(changes, classes);

			/* all in one half, the last at its last address, so that lists see them too
			 */
			for (uint32_t i = 1; i <= changes; i++)
				assert_int_equal(
					ranges_append(
						ranges,
						first + ((address_t)(0x3fff - 3 * (changes - i))
							 << 96),
						i % classes),
					0);
			assert_int_equal(
				ranges_append(ranges, first + ((address_t)0x8000 << 96), 0), 0);
		}
	}
	for (size_t i = 0; i < others; i++)
		assert_int_equal(
			ranges_append(ranges, (address_t)(0x40000000 + i * 40009) << 96, 1 + i % 2),
			0);
}

/* Whatever a line cannot say, more changes or classes than it has room for, is said by its halves.
 */
static void takes_lines_as_long_as_they_say_all(void **state)
{
	struct ranges ranges = {};
	struct trie trie = {};

	ranges_of_blocks(65536, &ranges);
	assert_int_equal(build(FAMILY_4, &ranges, 0, &trie), 0);
	assert_int_equal(trie.root, TRIE_ROOT_LINES);
	trie_assert_edges(&trie, FAMILY_4, &ranges);
	for (uint32_t changes = 1; changes <= MAX_CHANGES; changes++) {
		for (uint32_t classes = 2; classes <= MAX_CLASSES; classes++) {
			const struct synfw_trie_line *line =
				trie_root_line(&trie, block_first(changes, classes));
			uint32_t used = changes + 1 < classes ? changes + 1 : classes;

			assert_int_equal(line->which >> 63, changes > 24 || used > 4);
		}
	}
	trie_done(&trie);
	ranges_done(&ranges);
}

/* Below ids: a short list, a long one, a record of runs. */
static void takes_lists_as_long_as_they_have_room(void **state)
{
	struct ranges ranges = {};
	struct trie trie = {};

	ranges_of_blocks(0, &ranges);
	assert_int_equal(build(FAMILY_4, &ranges, 0, &trie), 0);
	assert_int_equal(trie.root_bits, 18);
	trie_assert_edges(&trie, FAMILY_4, &ranges);
	for (uint32_t changes = 1; changes <= MAX_CHANGES; changes++) {
		uint32_t id = ((const uint32_t *)trie.cells)[block_first(changes, 2) >> (128 - 18)];

		assert_int_equal(id & SYNFW_TRIE_LIST, changes <= 16 ? SYNFW_TRIE_LIST : 0);
		assert_int_equal(id & SYNFW_TRIE_LONG,
				 changes > 8 && changes <= 16 ? SYNFW_TRIE_LONG : 0);
	}
	trie_done(&trie);
	ranges_done(&ranges);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_every_edge_of_ipv4),
		cmocka_unit_test(finds_every_edge_of_ipv6),
		cmocka_unit_test(takes_the_root_for_the_number_of_ranges),
		cmocka_unit_test(answers_for_the_rest_by_a_bitmap),
		cmocka_unit_test(takes_an_outline_while_half_of_it_is_clear),
		cmocka_unit_test(takes_lines_as_long_as_they_say_all),
		cmocka_unit_test(takes_lists_as_long_as_they_have_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
