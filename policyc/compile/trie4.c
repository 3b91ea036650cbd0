/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/trie.h"
#include "compile/trie_blocks.h"
#include "compile/trie_outline.h"

#include <stdbool.h>

#include <synfw/cleanup.h>

/* More ranges than this are worth a root that fills half of a second-level cache, or one that
 * answers for most addresses by itself (docs/decisions/0011). */
#define MANY_RANGES	 1024
#define VERY_MANY_RANGES 65536
_Static_assert(VERY_MANY_RANGES >= OUTLINE_FEW_RANGES,
	       "trie_begin() knows the rest for the bitmap");

static void list_fill(const struct trie_builder *builder, const struct block *block,
		      struct list *list)
{
	list->count = block->end - block->begin - 1;
	list->id[0] = leaf_of(builder, block->begin);
	for (uint32_t i = 0; i < list->count; i++) {
		size_t range = block->begin + 1 + i;

		list->change[i] =
			(range_first(builder->ranges, range) - block->first) >> IPV4_BEHIND_BITS;
		list->id[i + 1] = leaf_of(builder, range);
	}
}

/* Entry of a root of lines: by itself, or else as two entries of a wide root. */
static int root_line_put(const struct trie_builder *builder, const struct entries *entries,
			 uint32_t entry, const struct block *block)
{
	uint32_t left_bits = block->left_bits - 1, ids[2];

	if (block->end - block->begin - 1 <= SYNFW_TRIE_LINE_CHANGES) {
		struct list list;

		list_fill(builder, block, &list);
		if (trie_root_set_list(builder->trie, entry, &list))
			return 0;
	}
	for (uint32_t half = 0; half < 2; half++) {
		address_t first = block->first + ((address_t)half << left_bits);
		struct block inner = block_within(builder, block, block->begin, first, left_bits);
		int error = builder->block_id(builder, &inner, &ids[half]);

		if (error)
			return error;
	}
	trie_root_set_halves(builder->trie, entry, ids);
	return 0;
}

static bool block_fits_list(const struct block *block)
{
	return block->left_bits <= IPV4_BEHIND_BITS + SYNFW_TRIE_LIST_MAX_BITS &&
	       block->end - block->begin - 1 <= LIST_MAX_CHANGES;
}

static int list_id(const struct trie_builder *builder, const struct block *block, uint32_t *ret_id)
{
	struct list list;

	list_fill(builder, block, &list);
	return trie_append_list(builder->trie, &list, ret_id);
}

static int block_id(const struct trie_builder *builder, const struct block *block, uint32_t *ret_id)
{
	if (block_is_leaf(block)) {
		*ret_id = leaf_of(builder, block->begin);
		return 0;
	}
	if (block_fits_list(block))
		return list_id(builder, block, ret_id);
	return runs_id(builder, block,
		       block->left_bits == IPV4_BEHIND_BITS + SYNFW_TRIE_LAST_BITS
			       ? SYNFW_TRIE_LAST_BITS
			       : SYNFW_TRIE_NODE_BITS,
		       ret_id);
}

int trie4_build(const struct ranges *ranges, uint64_t first_cell, struct trie *ret_trie)
{
	CLEANUP(trie_done) struct trie trie = {.first_cell = first_cell, .in_lines = true};
	const struct trie_builder builder = {&trie, ranges, block_id};
	struct entries root = {.bits = SYNFW_TRIE_ROOT_BITS, .set = root_set};
	int error;

	if (ranges->count > VERY_MANY_RANGES) {
		trie.root = TRIE_ROOT_LINES;
		root.bits = SYNFW_TRIE_LINE_ROOT_BITS;
		root.put = root_line_put;
	} else if (ranges->count > MANY_RANGES) {
		root.bits = SYNFW_TRIE_WIDE_ROOT_BITS;
	}
	trie.root_bits = root.bits;
	error = trie_begin(&trie, ranges);
	if (!error && trie.root == TRIE_ROOT_LINES)
		bitmap4_fill(ranges, trie.rest, SYNFW_TRIE_BITMAP_PREFIXLEN,
			     trie_root_bitmap(&trie));
	return error ? error : trie_build(&builder, &root, ret_trie);
}
