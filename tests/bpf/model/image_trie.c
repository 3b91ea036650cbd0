/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/image_trie.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDS_PER_LINE   (SYNFW_LINE_BYTES / sizeof(uint32_t))
#define WORDS_PER_LINE (SYNFW_LINE_BYTES / sizeof(uint64_t))

const struct synfw_line *image_line(const struct image *image, uint32_t number)
{
	if (number >= image->nr_lines) {
		fprintf(stderr, "image: line %u of %u is read\n", number, image->nr_lines);
		abort();
	}
	return &image->lines[number];
}

static uint32_t table_id(const struct image *image, uint32_t base, uint32_t index)
{
	return image_line(image, base + index / IDS_PER_LINE)->id[index % IDS_PER_LINE];
}

/* Entry `index` of the record at `cell`, found by counting the runs that begin up to it. */
static uint32_t record_entry(const struct image *image, uint32_t cell, uint32_t index, bool last)
{
	const struct synfw_line *lines = image_line(image, cell / WORDS_PER_LINE);
	const __u64 *starts = &lines->word[cell % WORDS_PER_LINE];
	const uint32_t *ids = (const uint32_t *)(starts + (last ? 5 : 1));
	uint32_t run = 0;

	for (uint32_t i = 1; i <= index; i++)
		run += starts[i / 64] >> i % 64 & 1;
	image_line(image, (const struct synfw_line *)&ids[run] - image->lines);
	return ids[run];
}

/* The address's next bits as a number; what is behind its last bit reads as 0. */
static uint64_t bits_at(const uint8_t *addr, uint32_t length, uint32_t from, uint32_t bits)
{
	uint64_t value = 0;

	for (uint32_t i = from; i < from + bits; i++)
		value = value << 1 | (i < length && addr[i / 8] >> (7 - i % 8) & 1);
	return value;
}

/* The id behind a step, and how many bits it is for. */
static uint32_t step_id(const struct image *image, uint32_t cell, const uint8_t *addr,
			uint32_t from, uint32_t *ret_bits)
{
	struct synfw_trie_step step;
	uint64_t value;

	image_line(image, (cell + 2) / WORDS_PER_LINE);
	memcpy(&step, (const uint64_t *)image->lines + cell, sizeof(step));
	*ret_bits = step.bits;
	value = bits_at(addr, 128, from, step.bits);
	if (value == step.value)
		return step.within;
	return value < step.value ? step.below : step.above;
}

/* The id behind a list: one change after the other is looked at. */
static uint32_t list_id(const struct image *image, uint32_t id, uint32_t index)
{
	uint32_t places = id & SYNFW_TRIE_LONG ? 16 : 8, count = 0;
	const uint16_t *change =
		(const void *)((const uint64_t *)image->lines + (id & SYNFW_TRIE_CELL));
	const uint32_t *ids = (const void *)(change + places);

	while (count < places && change[count] <= index)
		count++;
	image_line(image, (const struct synfw_line *)&ids[count] - image->lines);
	return ids[count];
}

/* The id that a list of IPv6 gives to a number: one key after the other is looked at. */
static uint32_t list6_id(const struct synfw_trie6_list *list, uint32_t number)
{
	uint32_t count = 0, to;

	while (count < SYNFW_TRIE6_LIST_KEYS && list->key[count] <= number)
		count++;
	if (!count || list->key[count - 1] != number)
		return SYNFW_TRIE_LEAF | list->class_id[list->gaps >> 2 * count & 3];
	to = list->to[count - 1];
	if (to % 0x2000)
		return list->base + to % 0x2000 + to / 0x2000 * SYNFW_TRIE_LIST;
	return SYNFW_TRIE_LEAF | list->class_id[to / 0x2000 & 3];
}

static uint32_t tail_id(const struct image *image, uint32_t cell, const uint8_t *addr,
			uint32_t from)
{
	uint64_t high = bits_at(addr, 128, from, 64), low = bits_at(addr, 128, from + 64, 64);
	struct synfw_trie6_tail tail;

	image_line(image, (cell + 3) / WORDS_PER_LINE);
	memcpy(&tail, (const uint64_t *)image->lines + cell, sizeof(tail));
	if (high == tail.high && low == tail.low)
		return tail.within;
	return high < tail.high || (high == tail.high && low < tail.low) ? tail.below : tail.above;
}

static const struct synfw_trie6_list *list6_at(const struct image *image, uint32_t cell)
{
	if (cell % WORDS_PER_LINE) {
		fprintf(stderr, "image: a list of IPv6 begins within a line\n");
		abort();
	}
	return (const void *)image_line(image, cell / WORDS_PER_LINE);
}

/* The id that the root of IPv6 gives to an address; *ret_bits: how many of its bits it is for. */
static uint32_t root6_id(const struct image *image, enum synfw_direction direction,
			 const uint8_t *addr, uint32_t *ret_bits)
{
	uint32_t root = image_class_tables(image)->trie6[direction];
	uint32_t bits = image_class_tables(image)->trie6_lists_bits[direction];

	if (bits && bits_at(addr, 128, 0, 3) == 1) {
		*ret_bits = bits;
		return SYNFW_TRIE_LIST |
		       (root + (1 << 14) / IDS_PER_LINE + bits_at(addr, 128, 3, bits - 3)) *
			       WORDS_PER_LINE;
	}
	*ret_bits = 14;
	return table_id(image, root, bits_at(addr, 128, 0, 14));
}

/* The id behind a record of IPv6, and how many bits it is for. */
static uint32_t record6_id(const struct image *image, uint32_t id, const uint8_t *addr,
			   uint32_t from, uint32_t *ret_bits, struct image_path *path)
{
	uint32_t cell = id & SYNFW_TRIE_CELL;
	const struct synfw_trie6_list *list;

	*ret_bits = 6;
	switch (id & SYNFW_TRIE_KIND) {
	case SYNFW_TRIE_KIND:
		path->nr_tails++;
		*ret_bits = 128 - from;
		return tail_id(image, cell, addr, from);
	case SYNFW_TRIE_LIST:
		path->nr_lists6++;
		list = list6_at(image, cell);
		*ret_bits = list->gaps >> 24;
		return *ret_bits ? list6_id(list, bits_at(addr, 128, from, *ret_bits)) : list->base;
	case SYNFW_TRIE_STEP:
		path->nr_steps++;
		return step_id(image, cell, addr, from, ret_bits);
	default:
		return record_entry(image, cell, bits_at(addr, 128, from, 6), false);
	}
}

/* What a root of lines says of an address; *bits: how many of its bits that is for. */
static uint32_t line_id(const struct image *image, enum synfw_direction direction,
			const uint8_t *addr, uint32_t *bits, struct image_path *path)
{
	const struct synfw_class_tables *tables = image_class_tables(image);
	uint32_t root = tables->trie4[direction], number = bits_at(addr, 32, 0, 24);
	const struct synfw_line *bitmap = image_line(image, root + (1 << 17) + number / 512);
	const struct synfw_line *at = image_line(image, root + bits_at(addr, 32, 0, 17));
	const struct synfw_trie_line *line = (const void *)at;
	uint32_t index = bits_at(addr, 32, 17, 15), count = 0;

	if (!(bitmap->byte[number / 8 % 64] >> number % 8 & 1)) {
		path->rest = true;
		return SYNFW_TRIE_LEAF | tables->trie4_rest[direction];
	}
	*bits = 18;
	path->cell[path->nr_records++] = (at - image->lines) * WORDS_PER_LINE;
	if (line->which & SYNFW_TRIE_LINE_IDS)
		return at->id[index >> 14];
	while (count < SYNFW_TRIE_LINE_CHANGES && line->change[count] <= index)
		count++;
	return SYNFW_TRIE_LEAF | line->class_id[line->which >> 2 * count & 3];
}

/* Does an outline say that the address has the class of the rest? */
static bool outline_says_rest(const struct image *image, enum synfw_direction direction,
			      uint8_t family, const uint8_t *addr)
{
	const struct synfw_class_tables *tables = image_class_tables(image);
	uint32_t base =
		family == 4 ? tables->trie4_outline[direction] : tables->trie6_outline[direction];
	const struct synfw_line *line;
	uint32_t number;

	if (!base)
		return false;
	if (family == 4)
		number = bits_at(addr, 32, 0, 18);
	else
		number = (uint32_t)(bits_at(addr, 128, 0, 32) * 2654435761U) >>
			 (32 - tables->trie6_outline_bits[direction]);
	line = image_line(image, base + number / 512);
	return !(line->byte[number / 8 % 64] >> number % 8 & 1);
}

uint32_t image_class(const struct image *image, enum synfw_direction direction, uint8_t family,
		     const uint8_t *addr, struct image_path *ret_path)
{
	const struct synfw_class_tables *tables = image_class_tables(image);
	uint32_t root = family == 4 ? tables->trie4[direction] : tables->trie6[direction];
	uint32_t length = family == 4 ? 32 : 128, from = 12;
	struct image_path path = {};
	uint32_t id = SYNFW_TRIE_LEAF;

	if (family == 4 && tables->trie4_root[direction] == SYNFW_TRIE4_ROOT_WIDE)
		from = 18;
	if (root && family == 6)
		id = root6_id(image, direction, addr, &from);
	else if (root && tables->trie4_root[direction] == SYNFW_TRIE4_ROOT_LINES)
		id = line_id(image, direction, addr, &from, &path);
	else if (root)
		id = table_id(image, root, bits_at(addr, length, 0, from));
	while (!(id & SYNFW_TRIE_LEAF)) {
		uint32_t bits = family == 4 && from == 24 ? 8 : 6;
		bool in_root = family == 6 && from > 14 && !path.nr_records;

		if (from >= length) {
			fprintf(stderr, "image: the trie goes on behind the last bit\n");
			abort();
		}
		if (!in_root &&
		    id % SYNFW_PAGE_CELLS > SYNFW_PAGE_CELLS - SYNFW_TRIE_RECORD_CELLS) {
			fprintf(stderr, "image: a record begins too near to the end of its page\n");
			abort();
		}
		path.cell[path.nr_records++] = id & SYNFW_TRIE_CELL;
		if (family == 6) {
			id = record6_id(image, id, addr, from, &bits, &path);
		} else if (id & SYNFW_TRIE_LIST) {
			bits = length - from;
			path.nr_lists[id & SYNFW_TRIE_LONG ? 1 : 0]++;
			id = list_id(image, id, bits_at(addr, length, from, bits));
		} else {
			id = record_entry(image, id, bits_at(addr, length, from, bits), bits == 8);
		}
		from += bits;
	}
	if (root && outline_says_rest(image, direction, family, addr)) {
		path.outlined = true;
		if ((id & ~SYNFW_TRIE_LEAF) !=
		    (family == 4 ? tables->trie4_rest[direction] : tables->trie6_rest[direction])) {
			fprintf(stderr, "image: an outline says more than the trie behind it\n");
			abort();
		}
	}
	*ret_path = path;
	return id & ~SYNFW_TRIE_LEAF;
}
