/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trie_reader.h"
#include "unit.h"

const uint64_t *trie_record(const struct trie *trie, uint32_t id)
{
	uint64_t cell = id & SYNFW_TRIE_CELL;

	assert_true(cell % SYNFW_PAGE_CELLS <= SYNFW_PAGE_CELLS - SYNFW_TRIE_RECORD_CELLS);
	assert_in_range(cell, trie->first_cell, trie->first_cell + trie->nr_cells - 1);
	return trie->cells + (cell - trie->first_cell);
}

/* What is read of an IPv4 record is in the line where the record begins, or behind 64 bytes. */
static void assert_near(const struct trie *trie, const uint64_t *record, const uint32_t *id)
{
	uint64_t at = trie->first_cell + (record - trie->cells);
	uint64_t behind = (id - (const uint32_t *)record) / 2;

	if (behind < 8)
		assert_int_equal(at / 8, (at + behind) / 8);
}

static const uint32_t *runs_entry(const uint64_t *record, uint32_t words, uint32_t index)
{
	const uint32_t *ids = (const uint32_t *)(record + (words == 1 ? 1 : words + 1));
	uint32_t run = 0;

	for (uint32_t i = 1; i <= index; i++)
		run += record[i / 64] >> i % 64 & 1;
	return ids + run;
}

static const uint32_t *list_entry(const uint64_t *record, uint32_t places, uint32_t index)
{
	const uint16_t *change = (const uint16_t *)record;
	uint32_t count = 0;

	while (count < places && change[count] <= index)
		count++;
	return (const uint32_t *)(change + places) + count;
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

static uint32_t list6_entry(const struct synfw_trie6_list *list, uint32_t number)
{
	uint32_t count = 0, to;

	while (count < 8 && list->key[count] <= number)
		count++;
	if (!count || list->key[count - 1] != number)
		return SYNFW_TRIE_LEAF | list->class_id[list->gaps >> 2 * count & 3];
	to = list->to[count - 1];
	if (to & 0x1fff)
		return list->base + (to & 0x1fff) + ((uint32_t)(to >> 13) << 29);
	return SYNFW_TRIE_LEAF | list->class_id[to >> 13 & 3];
}

static uint32_t list6_id(const struct trie *trie, uint32_t id, address_t left, uint32_t *ret_bits)
{
	uint64_t cell = id & SYNFW_TRIE_CELL;
	const struct synfw_trie6_list *list;

	/* in one line; a list of the root may be where no record begins */
	assert_int_equal(cell % (SYNFW_LINE_BYTES / sizeof(uint64_t)), 0);
	assert_in_range(cell, trie->first_cell, trie->first_cell + trie->nr_cells - 8);
	list = (const void *)(trie->cells + (cell - trie->first_cell));
	*ret_bits = list->gaps >> 24;
	trie_seen.bridges += !*ret_bits;
	return *ret_bits ? list6_entry(list, left >> (128 - *ret_bits)) : list->base;
}

static uint32_t tail_entry(const uint64_t *record, address_t left)
{
	const struct synfw_trie6_tail *tail = (const void *)record;
	address_t value = (address_t)tail->high << 64 | tail->low;

	if (left == value)
		return tail->within;
	return left < value ? tail->below : tail->above;
}

const struct synfw_trie_line *trie_root_line(const struct trie *trie, address_t address)
{
	return (const struct synfw_trie_line *)trie->cells + (uint32_t)(address >> (128 - 17));
}

static bool bitmap_has(const struct trie *trie, address_t address)
{
	uint32_t number = address >> 104;
	const uint64_t *bitmap = trie->cells + (1 << 17) * 8;

	return bitmap[number / 64] >> number % 64 & 1;
}

static bool outline_has(const struct trie *trie, enum family family, address_t address)
{
	uint32_t number = address >> (128 - 18);
	const uint64_t *outline = trie->cells;

	if (family == FAMILY_6)
		number = (uint32_t)(address >> 96) * 2654435761U >> (32 - trie->outline_bits);
	switch (trie->root) {
	case TRIE_ROOT_LINES:
		outline += (1 << 17) * 8 + (1 << 24) / 64;
		break;
	case TRIE_ROOT_LISTS:
		outline += (1 << 14) / 2 + (1 << (trie->lists_bits - 3)) * 8;
		break;
	case TRIE_ROOT_IDS:
		outline += (1 << trie->root_bits) / 2;
	}
	return outline[number / 64] >> number % 64 & 1;
}

/* What a root says of an address, and how many bits are left when it goes on from there. */
static uint32_t root_id(const struct trie *trie, address_t address, uint32_t *left_bits)
{
	const struct synfw_trie_line *line = trie_root_line(trie, address);
	uint32_t index = (uint32_t)(address >> 96) & 0x7fff, count = 0;

	if (trie->root == TRIE_ROOT_LISTS && address >> 125 == 1) {
		*left_bits = 128 - trie->lists_bits;
		return SYNFW_TRIE_LIST | (trie->first_cell + (1 << 14) / 2 +
					  8 * (uint32_t)(address << 3 >> (*left_bits + 3)));
	}
	if (trie->root != TRIE_ROOT_LINES)
		return ((const uint32_t *)trie->cells)[address >> (128 - trie->root_bits)];
	if (!bitmap_has(trie, address)) {
		trie_seen.rest++;
		return SYNFW_TRIE_LEAF | trie->rest;
	}
	if (line->which >> 63) {
		*left_bits -= 1;
		return ((const uint32_t *)line)[index >> 14];
	}
	while (count < 24 && line->change[count] <= index)
		count++;
	return SYNFW_TRIE_LEAF | line->class_id[line->which >> 2 * count & 3];
}

static uint32_t record4_id(const struct trie *trie, uint32_t id, address_t left, uint32_t left_bits,
			   uint32_t *ret_bits)
{
	const uint64_t *record = trie_record(trie, id);
	const uint32_t *entry;

	if (left_bits == SYNFW_TRIE_LAST_BITS)
		*ret_bits = SYNFW_TRIE_LAST_BITS;
	if (id & SYNFW_TRIE_LIST)
		entry = list_entry(record, id & SYNFW_TRIE_LONG ? 16 : 8,
				   left >> (128 - left_bits));
	else
		entry = runs_entry(record, (1 << *ret_bits) / 64, left >> (128 - *ret_bits));
	assert_near(trie, record, entry);
	return *entry;
}

struct trie_seen trie_seen;

static uint32_t record6_id(const struct trie *trie, uint32_t id, address_t left, uint32_t left_bits,
			   uint32_t *ret_bits)
{
	switch (id & SYNFW_TRIE_KIND) {
	case SYNFW_TRIE_KIND:
		return tail_entry(trie_record(trie, id), left);
	case SYNFW_TRIE_LIST:
		return list6_id(trie, id, left, ret_bits);
	case SYNFW_TRIE_STEP:
		return step_entry(trie_record(trie, id), left, ret_bits);
	default:
		trie_seen.cut_runs += left_bits < SYNFW_TRIE_NODE_BITS;
		return *runs_entry(trie_record(trie, id), 1, left >> (128 - *ret_bits));
	}
}

uint32_t trie_class(const struct trie *trie, enum family family, address_t address)
{
	uint32_t left_bits = (family == FAMILY_4 ? 32 : 128) - trie->root_bits;
	uint32_t id = root_id(trie, address, &left_bits);
	bool outlined = trie->outline_bits && !outline_has(trie, family, address);
	address_t left = address << ((family == FAMILY_4 ? 32 : 128) - left_bits);

	for (uint32_t i = 1; !(id & SYNFW_TRIE_LEAF); i++) {
		uint32_t bits = SYNFW_TRIE_NODE_BITS;

		/* the datapath goes no further */
		assert_in_range(i, 1, SYNFW_TRIE6_MAX_RECORDS);
		if (i > trie_seen.deepest)
			trie_seen.deepest = i;
		id = family == FAMILY_4 ? record4_id(trie, id, left, left_bits, &bits)
					: record6_id(trie, id, left, left_bits, &bits);
		left <<= bits;
		left_bits -= bits;
	}
	trie_seen.outlined += outlined;
	if (outlined)
		assert_int_equal(id, SYNFW_TRIE_LEAF | trie->rest);
	return id & ~SYNFW_TRIE_LEAF;
}

void trie_assert_edges(const struct trie *trie, enum family family, const struct ranges *ranges)
{
	for (size_t i = 1; i < ranges->count; i++) {
		address_t first = range_first(ranges, i);

		assert_int_equal(trie_class(trie, family, first), range_class(ranges, i));
		assert_int_equal(trie_class(trie, family, first - 1), range_class(ranges, i - 1));
	}
}
