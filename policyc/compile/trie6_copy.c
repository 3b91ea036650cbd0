/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/trie6_copy.h"

#include <string.h>

#include "compile/record_copy.h"

/* A list of the root that stands for an id, or behind it one that leads to a record which was too
 * far away. */
static bool is_id(const struct synfw_trie6_list *record)
{
	return !(record->gaps >> SYNFW_TRIE6_LIST_BITS_AT);
}

/* What a list of another image says, as it was before it was made a record. */
static struct list6 list_read(const struct synfw_trie6_list *record)
{
	struct list6 list = {.bits = record->gaps >> SYNFW_TRIE6_LIST_BITS_AT};
	uint32_t behind = 0; /* the first number behind the keys so far */

	while (list.count < SYNFW_TRIE6_LIST_KEYS &&
	       record->key[list.count] != SYNFW_TRIE6_LIST_UNUSED) {
		uint32_t i = list.count++, cells = record->to[i] & SYNFW_TRIE6_LIST_CELLS;
		uint32_t kind = record->to[i] >> SYNFW_TRIE6_LIST_KIND_AT;

		list.key[i] = record->key[i];
		list.id[i] = cells ? (record->base + cells) | kind << SYNFW_TRIE_KIND_AT
				   : SYNFW_TRIE_LEAF | record->class_id[kind & 3];
	}
	for (uint32_t n = 0; n <= list.count; n++) {
		uint32_t end = n < list.count ? list.key[n] : 1U << list.bits;

		/* where no number lies between two keys nothing is said */
		if (behind < end)
			list.behind[n] =
				SYNFW_TRIE_LEAF | record->class_id[record->gaps >> 2 * n & 3];
		behind = end + 1;
	}
	return list;
}

static int copy_id(struct trie *trie, const struct synfw_line *lines, uint32_t id,
		   uint32_t *ret_id);

static int copy_list(struct trie *trie, const struct synfw_line *lines,
		     const struct synfw_trie6_list *from, struct synfw_trie6_list *ret_record)
{
	struct list6 list = list_read(from);

	*ret_record = (struct synfw_trie6_list){};
	if (is_id(from))
		return copy_id(trie, lines, from->base, &ret_record->base);
	for (uint32_t i = 0; i < list.count; i++) {
		int error = copy_id(trie, lines, list.id[i], &list.id[i]);

		if (error)
			return error;
	}
	return list6_record(trie, &list, ret_record);
}

static int copy_step(struct trie *trie, const struct synfw_line *lines, const uint64_t *record,
		     uint32_t *ret_id)
{
	struct synfw_trie_step step;
	int error;

	memcpy(&step, record, sizeof(step));
	error = copy_id(trie, lines, step.within, &step.within);
	return error ? error : trie_append_step(trie, &step, ret_id);
}

static int copy_runs(struct trie *trie, const struct synfw_line *lines, const uint64_t *record,
		     uint32_t *ret_id)
{
	struct runs runs;

	record_read_runs(record, SYNFW_TRIE_NODE_BITS, &runs);
	for (uint32_t i = 0; i < runs.count; i++) {
		int error = copy_id(trie, lines, runs.ids[i], &runs.ids[i]);

		if (error)
			return error;
	}
	return trie_append_runs(trie, &runs, SYNFW_TRIE_NODE_BITS, ret_id);
}

static int copy_id(struct trie *trie, const struct synfw_line *lines, uint32_t id, uint32_t *ret_id)
{
	const uint64_t *record = record_of(lines, id);
	struct synfw_trie6_list from, list;
	struct synfw_trie6_tail tail;
	int error;

	if (id & SYNFW_TRIE_LEAF) {
		*ret_id = id;
		return 0;
	}
	switch (id & SYNFW_TRIE_KIND) {
	case SYNFW_TRIE_KIND:
		memcpy(&tail, record, sizeof(tail));
		return trie_append_tail6(trie, &tail, ret_id);
	case SYNFW_TRIE_STEP:
		return copy_step(trie, lines, record, ret_id);
	case SYNFW_TRIE_LIST:
		memcpy(&from, record, sizeof(from));
		if (is_id(&from))
			return copy_id(trie, lines, from.base, ret_id);
		error = copy_list(trie, lines, &from, &list);
		return error ? error : trie_append_list6(trie, &list, ret_id);
	default:
		return copy_runs(trie, lines, record, ret_id);
	}
}

static int copy_root_list(struct trie *trie, const struct synfw_line *lines, uint32_t root,
			  uint32_t number)
{
	uint32_t place = number & ((1U << (trie->lists_bits - SYNFW_TRIE6_LISTS_PREFIX_BITS)) - 1);
	struct synfw_trie6_list from, list;
	int error;

	memcpy(&from, &lines[root + SYNFW_TRIE6_LISTS_LINE + place], sizeof(from));
	error = copy_list(trie, lines, &from, &list);
	if (!error)
		trie_root_set_list6(trie, number, &list);
	return error;
}

static int copy_root_id(struct trie *trie, const struct synfw_line *lines, uint32_t root,
			uint32_t entry)
{
	uint32_t id = lines[root + entry / 16].id[entry % 16];
	int error = copy_id(trie, lines, id, &id);

	if (!error)
		trie_root_set(trie, entry, entry + 1, id);
	return error;
}

int trie6_copy_lists(struct trie *trie, const struct synfw_line *lines, uint32_t root,
		     uint32_t first, uint32_t end)
{
	uint32_t bits = trie6_lists_of_id_bits(trie), number = first;
	int error = 0;

	while (!error && number < end) {
		if (trie6_root_has_lists(number >> bits)) {
			error = copy_root_list(trie, lines, root, number);
			number++;
		} else {
			error = copy_root_id(trie, lines, root, number >> bits);
			number += 1U << bits;
		}
	}
	return error;
}
