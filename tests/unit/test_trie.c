/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tries over several pages, begun at every place of a page: no record may begin where the largest
 * would cross into the next, and each edge must still be found. The bpf ring has IPv4 over pages;
 * this is the only place where an IPv6 trie of more than one is read.
 */
#include <stdlib.h>
#include <string.h>

#include "compile/trie.h"
#include "unit.h"

#define NR_CHANGES 150000
#define MAX_STEPS  32

static const uint64_t first_cells[] = {
	SYNFW_PAGE_CELLS / 2,
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
	const struct range *a = left, *b = right;

	if (a->high != b->high)
		return a->high < b->high ? -1 : 1;
	return a->low < b->low ? -1 : a->low > b->low;
}

/* Changes of class at random: every second one next to the one before it, as a host has them. */
static void ranges_draw(enum family family, struct ranges *ranges)
{
	struct range *drawn = calloc(NR_CHANGES, sizeof(*drawn));
	uint64_t state = family;

	assert_non_null(drawn);
	for (size_t i = 0; i < NR_CHANGES; i++) {
		address_t first = (address_t)random_next(&state) << 64 | random_next(&state);

		if (i % 2)
			first = ((address_t)drawn[i - 1].high << 64 | drawn[i - 1].low) + 1;
		if (family == FAMILY_4)
			first = (i % 2 ? ((address_t)drawn[i - 1].high << 64) + ((address_t)1 << 96)
				       : first) >>
				96 << 96;
		drawn[i] = (struct range){.high = first >> 64, .low = (uint64_t)first};
	}
	qsort(drawn, NR_CHANGES, sizeof(*drawn), compare_firsts);
	assert_int_equal(ranges_append(ranges, 0, 0), 0);
	for (size_t i = 0; i < NR_CHANGES; i++)
		assert_int_equal(ranges_append(ranges,
					       (address_t)drawn[i].high << 64 | drawn[i].low,
					       1 + i % 7),
				 0);
	free(drawn);
}

static const uint64_t *record_at(const struct trie *trie, uint32_t id)
{
	uint64_t cell = id & SYNFW_TRIE_CELL;

	assert_true(cell % SYNFW_PAGE_CELLS <= SYNFW_PAGE_CELLS - SYNFW_TRIE_RECORD_CELLS);
	assert_in_range(cell, trie->first_cell, trie->first_cell + trie->nr_cells - 1);
	return trie->cells + (cell - trie->first_cell);
}

static uint32_t runs_entry(const uint64_t *record, uint32_t words, uint32_t index)
{
	const uint32_t *ids = (const uint32_t *)(record + (words == 1 ? 1 : words + 1));
	uint32_t run = 0;

	for (uint32_t i = 1; i <= index; i++)
		run += record[i / 64] >> i % 64 & 1;
	return ids[run];
}

static uint32_t list_entry(const uint64_t *record, uint32_t places, uint32_t index)
{
	const uint16_t *change = (const uint16_t *)record;
	uint32_t count = 0;

	while (count < places && change[count] <= index)
		count++;
	return ((const uint32_t *)(change + places))[count];
}

static uint32_t step_entry(const uint64_t *record, address_t left, uint32_t *ret_bits)
{
	const struct synfw_trie_step *step = (const void *)record;
	uint64_t value = left >> (128 - step->bits);

	*ret_bits = step->bits;
	if (value == step->value)
		return step->within;
	return value < step->value ? step->below : step->above;
}

static uint32_t trie_class(const struct trie *trie, enum family family, address_t address)
{
	uint32_t left_bits = (family == FAMILY_4 ? 32 : 128) - trie->root_bits;
	uint32_t id = ((const uint32_t *)trie->cells)[address >> (128 - trie->root_bits)];
	address_t left = address << trie->root_bits;

	for (int i = 0; !(id & SYNFW_TRIE_LEAF); i++) {
		const uint64_t *record = record_at(trie, id);
		uint32_t bits = family == FAMILY_4 && left_bits == SYNFW_TRIE_LAST_BITS
					? SYNFW_TRIE_LAST_BITS
					: SYNFW_TRIE_NODE_BITS;

		assert_true(i < MAX_STEPS);
		if (family == FAMILY_4 && id & SYNFW_TRIE_LIST)
			id = list_entry(record, id & SYNFW_TRIE_LONG ? 16 : 8,
					left >> (128 - left_bits));
		else if (id & SYNFW_TRIE_STEP)
			id = step_entry(record, left, &bits);
		else
			id = runs_entry(record, (1 << bits) / 64, left >> (128 - bits));
		left <<= bits;
		left_bits -= bits;
	}
	return id & ~SYNFW_TRIE_LEAF;
}

static void finds_every_edge(enum family family)
{
	struct ranges ranges = {};

	ranges_draw(family, &ranges);
	for (size_t n = 0; n < sizeof(first_cells) / sizeof(first_cells[0]); n++) {
		struct trie trie = {};

		assert_int_equal((family == FAMILY_4 ? trie4_build
						     : trie6_build)(&ranges, first_cells[n], &trie),
				 0);
		assert_true(first_cells[n] / SYNFW_PAGE_CELLS <
			    (first_cells[n] + trie.nr_cells) / SYNFW_PAGE_CELLS);
		for (size_t i = 1; i < ranges.count; i++) {
			address_t first = range_first(&ranges, i), before = first - 1;

			assert_int_equal(trie_class(&trie, family, first),
					 ranges.range[i].class_id);
			assert_int_equal(trie_class(&trie, family, before),
					 ranges.range[i - 1].class_id);
		}
		trie_done(&trie);
	}
	ranges_done(&ranges);
}

static void finds_every_edge_of_ipv4(void **state)
{
	finds_every_edge(FAMILY_4);
}

static void finds_every_edge_of_ipv6(void **state)
{
	finds_every_edge(FAMILY_6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_every_edge_of_ipv4),
		cmocka_unit_test(finds_every_edge_of_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
