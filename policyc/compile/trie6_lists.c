/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* IPv6 tries with a root that has lists: from all ranges, or from those of the lists that have
 * changed. */
#include "compile/trie.h"
#include "compile/trie6_blocks.h"
#include "compile/trie6_copy.h"
#include "compile/trie_outline.h"

#include <synfw/cleanup.h>

/* More ranges than TRIE6_LISTS_RANGES are worth as many lists as give each eight ranges or less on
 * average: mostly four prefixes, and one list in fifty has no room for what it gets. One
 * in four at least must get something (docs/decisions/0019). */
#define LISTS6_RANGES_A_LIST 8
#define LISTS6_LISTS_A_USED  4

static uint32_t bits_for(size_t nr_unicast)
{
	uint32_t bits = SYNFW_TRIE6_LISTS_MIN_BITS;
	size_t lists = (size_t)1 << (bits - SYNFW_TRIE6_LISTS_PREFIX_BITS);

	if (nr_unicast <= TRIE6_LISTS_RANGES)
		return 0;
	while (bits < SYNFW_TRIE6_LISTS_MAX_BITS && nr_unicast > LISTS6_RANGES_A_LIST * lists) {
		bits++;
		lists *= 2;
	}
	return bits;
}

static bool enough_used(size_t nr_lists, uint32_t bits)
{
	return LISTS6_LISTS_A_USED * nr_lists >= (size_t)1
							 << (bits - SYNFW_TRIE6_LISTS_PREFIX_BITS);
}

uint32_t trie6_choose_lists(const struct ranges *ranges)
{
	size_t nr_unicast = 0;
	uint32_t bits;

	for (size_t i = 0; i < ranges->count; i++)
		nr_unicast += totals_is_unicast(ranges, i);
	bits = bits_for(nr_unicast);
	return bits && enough_used(totals_lists(ranges, 0, bits), bits) ? bits : 0;
}

bool trie6_keeps_lists(const struct totals *totals, uint32_t bits)
{
	return bits_for(totals->nr_unicast) == bits && enough_used(totals->nr_lists, bits);
}

static struct trie lists_trie(uint64_t first_cell, uint32_t lists_bits)
{
	return (struct trie){
		.first_cell = first_cell,
		.root = TRIE_ROOT_LISTS,
		.root_bits = SYNFW_TRIE6_ROOT_BITS,
		.lists_bits = lists_bits,
	};
}

static void root_lists_set(const struct trie_builder *builder, const struct entries *entries,
			   uint32_t first, uint32_t end, uint32_t id)
{
	trie_root_set_lists6(builder->trie, entries->first + first, entries->first + end, id);
}

static int root_list_put(const struct trie_builder *builder, const struct entries *entries,
			 uint32_t entry, const struct block *block)
{
	struct synfw_trie6_list list;
	int error = trie6_root_list(builder, block, &list);

	if (!error)
		trie_root_set_list6(builder->trie, entries->first + entry, &list);
	return error;
}

/* An id of the root: among those that have lists, each stands for as many as its block has. */
static int root_id_put(const struct trie_builder *builder, const struct entries *entries,
		       uint32_t entry, const struct block *block)
{
	const struct entries lists = {
		.bits = trie6_lists_of_id_bits(builder->trie),
		.first = entry << trie6_lists_of_id_bits(builder->trie),
		.set = root_lists_set,
		.put = root_list_put,
	};
	uint32_t id;
	int error;

	if (trie6_root_has_lists(entry))
		return entries_fill(builder, block, &lists);
	error = builder->block_id(builder, block, &id);
	if (!error)
		entries->set(builder, entries, entry, entry + 1, id);
	return error;
}

int trie6_lists_build(const struct ranges *ranges, uint64_t first_cell, uint32_t lists_bits,
		      struct trie *ret_trie)
{
	CLEANUP(trie_done) struct trie trie = lists_trie(first_cell, lists_bits);
	const struct trie_builder builder = {&trie, ranges, trie6_block_id};
	const struct entries root = {.bits = trie.root_bits, .set = root_set, .put = root_id_put};
	int error = totals_count(ranges, &trie.totals);

	if (error)
		return error;
	trie.totals.nr_lists = totals_lists(ranges, 0, lists_bits);
	trie.rest = totals_rest(&trie.totals);
	error = outline6_find(ranges, trie.rest, 0, UINT32_MAX, &trie.outlined);
	if (!error)
		error = trie_begin_lists(&trie);
	return error ? error : trie_build(&builder, &root, ret_trie);
}

/* Numbers before one that are the first of an id. */
static uint32_t ids_before(uint32_t number, uint32_t id_bits)
{
	return (number + (1U << id_bits) - 1) >> id_bits;
}

uint32_t root_entries(enum family family, uint32_t bits, uint32_t first, uint32_t end)
{
	uint32_t id_bits = bits - SYNFW_TRIE6_ROOT_BITS,
		 lists = 1U << (bits - SYNFW_TRIE6_LISTS_PREFIX_BITS);
	uint32_t lists_first = SYNFW_TRIE6_LISTS_PREFIX * lists, lists_end = lists_first + lists;
	uint32_t from = first < lists_first ? lists_first : first > lists_end ? lists_end : first;
	uint32_t to = end < lists_first ? lists_first : end > lists_end ? lists_end : end;

	if (family == FAMILY_4)
		return end - first;
	/* those of lists stand for themselves, and not for the ids that they have */
	return ids_before(end, id_bits) - ids_before(first, id_bits) + (to - from) -
	       (ids_before(to, id_bits) - ids_before(from, id_bits));
}

/* ---- from a delta ---- */

/* A list of the root, or an entry of its ids: `bits` lead to it. */
static struct block part_block(const struct trie_builder *builder, uint32_t number, uint32_t bits,
			       size_t from)
{
	const struct block all = {.left_bits = ADDRESS_BITS, .end = builder->ranges->count};
	uint32_t left_bits = ADDRESS_BITS - bits;

	return block_within(builder, &all, from, (address_t)number << left_bits, left_bits);
}

static int part_list_put(const struct trie_builder *builder, uint32_t number, size_t *from)
{
	struct block block = part_block(builder, number, builder->trie->lists_bits, *from);
	struct synfw_trie6_list list;
	int error = trie6_root_list(builder, &block, &list);

	*from = block.begin;
	if (!error)
		trie_root_set_list6(builder->trie, number, &list);
	return error;
}

static int part_id_put(const struct trie_builder *builder, uint32_t entry, size_t *from)
{
	struct block block = part_block(builder, entry, builder->trie->root_bits, *from);
	uint32_t id;
	int error = builder->block_id(builder, &block, &id);

	*from = block.begin;
	if (!error)
		trie_root_set(builder->trie, entry, entry + 1, id);
	return error;
}

/* Outside of 2000::/3 all lists that an entry would have belong to one part. */
static int part_put(struct trie *trie, const struct delta_part *part)
{
	const struct trie_builder builder = {trie, &part->ranges, trie6_block_id};
	uint32_t bits = trie6_lists_of_id_bits(trie);
	size_t from = 0;
	int error = 0;

	for (uint32_t number = part->first; !error && number < part->end;) {
		if (trie6_root_has_lists(number >> bits)) {
			error = part_list_put(&builder, number, &from);
			number++;
		} else {
			error = part_id_put(&builder, number >> bits, &from);
			number += 1U << bits;
		}
	}
	return error;
}

int trie6_patch(struct delta *delta, uint64_t first_cell, struct trie *ret_trie)
{
	CLEANUP(trie_done) struct trie trie = lists_trie(first_cell, delta->bits);
	uint32_t done = 0;
	int error;

	trie.totals = delta->totals;
	trie.outlined = delta->outlined;
	delta->totals = (struct totals){};
	delta->outlined = (struct outlined){};
	trie.rest = totals_rest(&trie.totals);
	error = trie_begin_lists(&trie);
	for (size_t i = 0; !error && i < delta->nr_parts; i++) {
		const struct delta_part *part = &delta->parts[i];

		error = trie6_copy_lists(&trie, delta->lines, delta->root, done, part->first);
		if (!error)
			error = part_put(&trie, part);
		done = part->end;
	}
	if (!error)
		error = trie6_copy_lists(&trie, delta->lines, delta->root, done, 1U << delta->bits);
	if (error)
		return error;
	*ret_trie = trie;
	trie = (struct trie){};
	return 0;
}
