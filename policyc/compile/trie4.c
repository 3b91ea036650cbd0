/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/trie.h"
#include "compile/trie4_blocks.h"

#include <synfw/cleanup.h>

/* More ranges than this are worth a root that fills half of a second-level cache
 * (docs/decisions/0011). */
#define MANY_RANGES 1024

void list4_fill(const struct trie_builder *builder, const struct block *block, struct list *list)
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

static bool block_fits_list(const struct block *block)
{
	return block->left_bits <= IPV4_BEHIND_BITS + SYNFW_TRIE_LIST_MAX_BITS &&
	       block->end - block->begin - 1 <= LIST_MAX_CHANGES;
}

static int list_id(const struct trie_builder *builder, const struct block *block, uint32_t *ret_id)
{
	struct list list;

	list4_fill(builder, block, &list);
	return trie_append_list(builder->trie, &list, ret_id);
}

int trie4_block_id(const struct trie_builder *builder, const struct block *block, uint32_t *ret_id)
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
	const struct trie_builder builder = {&trie, ranges, trie4_block_id};
	struct entries root = {.bits = SYNFW_TRIE_ROOT_BITS, .set = root_set};
	int error;

	if (ranges->count > TRIE4_LINES_RANGES)
		return trie4_lines_build(ranges, first_cell, ret_trie);
	if (ranges->count > MANY_RANGES)
		root.bits = SYNFW_TRIE_WIDE_ROOT_BITS;
	trie.root_bits = root.bits;
	error = trie_begin(&trie, ranges);
	return error ? error : trie_build(&builder, &root, ret_trie);
}
