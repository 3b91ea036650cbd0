/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/trie.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void trie_done(struct trie *trie)
{
	free(trie->cells);
	*trie = (struct trie){};
}

static int cells_append(struct trie *trie, size_t count, uint64_t **ret_cells)
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

int trie_begin(uint64_t first_cell, uint32_t root_bits, struct trie *ret_trie)
{
	uint64_t *cells;

	*ret_trie = (struct trie){.first_cell = first_cell, .root_bits = root_bits};
	return cells_append(ret_trie, (1ULL << root_bits) / 2, &cells);
}

/* The datapath reads a record with one page lookup: none crosses a page, or begins where the
 * largest would. */
static int skip_page_end(struct trie *trie)
{
	uint64_t *unused;
	uint64_t at = (trie->first_cell + trie->nr_cells) % SYNFW_PAGE_CELLS;

	if (at <= SYNFW_PAGE_CELLS - SYNFW_TRIE_RECORD_CELLS)
		return 0;
	return cells_append(trie, SYNFW_PAGE_CELLS - at, &unused);
}

int trie_append(struct trie *trie, size_t count, uint64_t **ret_cells, uint32_t *ret_id)
{
	int error = skip_page_end(trie);

	if (!error)
		error = cells_append(trie, count, ret_cells);
	if (error)
		return error;
	if (trie->first_cell + trie->nr_cells >= SYNFW_TRIE_STEP)
		return -E2BIG;
	*ret_id = trie->first_cell + (*ret_cells - trie->cells);
	return 0;
}

/* Which entries differ from the one before them, for 256 how many do so before each word of that,
 * and the ids of those that do. */
int trie_append_runs(struct trie *trie, const uint32_t *entries, uint32_t bits, uint32_t *ret_id)
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
	error = trie_append(trie, header + (nr_ids + 1) / 2, &cells, ret_id);
	if (error)
		return error;
	memcpy(cells, starts, words * sizeof(*cells));
	if (words > 1)
		cells[words] = counts;
	memcpy(cells + header, ids, nr_ids * sizeof(*ids));
	return 0;
}
