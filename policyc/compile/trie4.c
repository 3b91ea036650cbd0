/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/trie4.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

/* More ranges than this are worth a root that fills half of a second-level cache. */
#define MANY_RANGES 1024

void ranges4_done(struct ranges4 *ranges)
{
	free(ranges->range);
	*ranges = (struct ranges4){};
}

int ranges4_append(struct ranges4 *ranges, uint32_t first, uint32_t class_id)
{
	if (ranges->count && ranges->range[ranges->count - 1].first == first)
		ranges->count--;
	if (ranges->count && ranges->range[ranges->count - 1].class_id == class_id)
		return 0;
	if (ranges->count == ranges->room) {
		size_t room = ranges->room ? ranges->room * 2 : 64;
		struct range4 *range = reallocarray(ranges->range, room, sizeof(*range));

		if (!range)
			return -ENOMEM;
		ranges->range = range;
		ranges->room = room;
	}
	ranges->range[ranges->count++] = (struct range4){.first = first, .class_id = class_id};
	return 0;
}

void trie4_done(struct trie4 *trie)
{
	free(trie->cells);
	*trie = (struct trie4){};
}

static int cells_append(struct trie4 *trie, size_t count, uint64_t **ret_cells)
{
	if (trie->room - trie->nr_cells < count) {
		size_t room = trie->nr_cells + count + trie->room / 2;
		uint64_t *cells = reallocarray(trie->cells, room, sizeof(*cells));

		if (!cells)
			return -ENOMEM;
		trie->cells = cells;
		trie->room = room;
	}
	*ret_cells = trie->cells + trie->nr_cells;
	memset(*ret_cells, 0, count * sizeof(**ret_cells));
	trie->nr_cells += count;
	return 0;
}

/* The datapath reads a record with one page lookup: none crosses a page, or begins where the
 * largest would. */
static int cells_skip_page_end(struct trie4 *trie)
{
	uint64_t *unused;
	uint64_t at = (trie->first_cell + trie->nr_cells) % SYNFW_PAGE_CELLS;

	if (at <= SYNFW_PAGE_CELLS - SYNFW_TRIE_RECORD_CELLS)
		return 0;
	return cells_append(trie, SYNFW_PAGE_CELLS - at, &unused);
}

/* A record: which entries differ from the one before them, for the last level how many do so
 * before each word of that, and the ids of those that do. */
static int record_append(struct trie4 *trie, const uint32_t *entries, uint32_t bits, uint32_t *ret_id)
{
	uint32_t nr_entries = 1U << bits, words = nr_entries / 64, nr_ids = 0;
	uint32_t header = words == 1 ? 1 : words + 1, ids[256];
	uint64_t starts[4] = {}, *cells, counts = 0;
	int error;

	for (uint32_t i = 0; i < nr_entries; i++) {
		if (i % 64 == 0)
			counts |= (uint64_t)nr_ids << 8 * (i / 64);
		if (i && entries[i] == entries[i - 1])
			continue;
		starts[i / 64] |= 1ULL << i % 64;
		ids[nr_ids++] = entries[i];
	}
	error = cells_skip_page_end(trie);
	if (!error)
		error = cells_append(trie, header + (nr_ids + 1) / 2, &cells);
	if (error)
		return error;
	if (trie->first_cell + trie->nr_cells >= SYNFW_TRIE_LEAF)
		return -E2BIG;
	memcpy(cells, starts, words * sizeof(*cells));
	if (words > 1)
		cells[words] = counts;
	memcpy(cells + header, ids, nr_ids * sizeof(*ids));
	*ret_id = trie->first_cell + (cells - trie->cells);
	return 0;
}

/* Walks the ranges once, from the lowest address to the highest. */
struct painter {
	struct trie4 *trie;
	const struct ranges4 *ranges;
	size_t at;		/* range of the address in hand */
};

/* The id of the 2^left_bits addresses from `first` on. */
static int block_id(struct painter *painter, uint64_t first, uint32_t left_bits, uint32_t *ret_id)
{
	const struct ranges4 *ranges = painter->ranges;
	uint64_t end = first + (1ULL << left_bits);
	uint32_t stride = left_bits == SYNFW_TRIE_LAST_BITS ? SYNFW_TRIE_LAST_BITS
							    : SYNFW_TRIE_NODE_BITS;
	uint32_t entries[256];

	while (painter->at + 1 < ranges->count && ranges->range[painter->at + 1].first <= first)
		painter->at++;
	if (painter->at + 1 >= ranges->count || ranges->range[painter->at + 1].first >= end) {
		*ret_id = SYNFW_TRIE_LEAF | ranges->range[painter->at].class_id;
		return 0;
	}
	left_bits -= stride;
	for (uint32_t i = 0; i < 1U << stride; i++) {
		int error = block_id(painter, first + ((uint64_t)i << left_bits), left_bits, &entries[i]);

		if (error)
			return error;
	}
	return record_append(painter->trie, entries, stride, ret_id);
}

int trie4_build(const struct ranges4 *ranges, uint64_t first_cell, struct trie4 *ret_trie)
{
	uint32_t root_bits = ranges->count > MANY_RANGES ? SYNFW_TRIE_WIDE_ROOT_BITS
							 : SYNFW_TRIE_ROOT_BITS;
	CLEANUP(trie4_done) struct trie4 trie = {.first_cell = first_cell, .root_bits = root_bits};
	struct painter painter = {.trie = &trie, .ranges = ranges};
	uint64_t *cells;
	int error = cells_append(&trie, (1ULL << root_bits) / 2, &cells);

	for (uint64_t i = 0; !error && i < 1ULL << root_bits; i++) {
		uint32_t id;

		error = block_id(&painter, i << (32 - root_bits), 32 - root_bits, &id);
		if (!error)
			((uint32_t *)trie.cells)[i] = id;
	}
	if (error)
		return error;
	*ret_trie = trie;
	trie = (struct trie4){};
	return 0;
}
