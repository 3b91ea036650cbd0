/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/trie4_copy.h"

#include <string.h>

#include "compile/record_copy.h"

/* Bits of an address behind a half of an entry, of which each leads to a record. */
#define HALF_BITS (32 - SYNFW_TRIE_LINE_ROOT_BITS - 1)

static int copy_list(struct trie *trie, const uint64_t *record, uint32_t id, uint32_t *ret_id)
{
	uint32_t places = id & SYNFW_TRIE_LONG ? LIST_MAX_CHANGES : SYNFW_TRIE_LIST_CHANGES;
	struct list list = {};

	memcpy(list.change, record, places * sizeof(list.change[0]));
	while (list.count < places && list.change[list.count] != SYNFW_TRIE_LIST_UNUSED)
		list.count++;
	memcpy(list.id, (const uint16_t *)record + places, (list.count + 1) * sizeof(list.id[0]));
	return trie_append_list(trie, &list, ret_id);
}

/* What an id of the other image names, behind which so many bits of an address are left. */
static int copy_id(struct trie *trie, const struct synfw_line *lines, uint32_t id,
		   uint32_t left_bits, uint32_t *ret_id)
{
	uint32_t bits =
		left_bits == SYNFW_TRIE_LAST_BITS ? SYNFW_TRIE_LAST_BITS : SYNFW_TRIE_NODE_BITS;
	struct runs runs;

	if (id & SYNFW_TRIE_LEAF) {
		*ret_id = id;
		return 0;
	}
	if (id & SYNFW_TRIE_LIST)
		return copy_list(trie, record_of(lines, id), id, ret_id);
	record_read_runs(record_of(lines, id), bits, &runs);
	for (uint32_t i = 0; i < runs.count; i++) {
		int error = copy_id(trie, lines, runs.ids[i], left_bits - bits, &runs.ids[i]);

		if (error)
			return error;
	}
	return trie_append_runs(trie, &runs, bits, ret_id);
}

int trie4_copy_entries(struct trie *trie, const struct synfw_line *lines, uint32_t root,
		       uint32_t first, uint32_t end)
{
	for (uint32_t entry = first; entry < end; entry++) {
		struct synfw_trie_line line;
		uint32_t ids[2];

		memcpy(&line, &lines[root + entry], sizeof(line));
		if (!(line.which & SYNFW_TRIE_LINE_IDS)) {
			trie_root_set_line(trie, entry, &line);
			continue;
		}
		memcpy(ids, &line, sizeof(ids));
		for (uint32_t half = 0; half < 2; half++) {
			int error = copy_id(trie, lines, ids[half], HALF_BITS, &ids[half]);

			if (error)
				return error;
		}
		trie_root_set_halves(trie, entry, ids);
	}
	return 0;
}
