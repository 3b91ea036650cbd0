/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/trie_blocks.h"

bool block_is_leaf(const struct block *block)
{
	return block->end == block->begin + 1;
}

uint32_t leaf_of(const struct trie_builder *builder, size_t range)
{
	return SYNFW_TRIE_LEAF | range_class(builder->ranges, range);
}

struct block block_within(const struct trie_builder *builder, const struct block *around,
			  size_t from, address_t first, uint32_t left_bits)
{
	address_t last = first + (((address_t)1 << left_bits) - 1);
	struct block block = {.first = first, .left_bits = left_bits};

	while (from + 1 < around->end && range_first(builder->ranges, from + 1) <= first)
		from++;
	block.begin = from;
	while (from + 1 < around->end && range_first(builder->ranges, from + 1) <= last)
		from++;
	block.end = from + 1;
	return block;
}

static int entry_put(const struct trie_builder *builder, const struct entries *entries,
		     uint32_t entry, const struct block *block)
{
	uint32_t id;
	int error;

	if (entries->put)
		return entries->put(builder, entries, entry, block);
	error = builder->block_id(builder, block, &id);
	if (!error)
		entries->set(builder, entries, entry, entry + 1, id);
	return error;
}

int entries_fill(const struct trie_builder *builder, const struct block *block,
		 const struct entries *entries)
{
	uint32_t left_bits = block->left_bits - entries->bits, done = 0, all = 1U << entries->bits;

	for (size_t at = block->begin + 1; at < block->end;) {
		uint32_t entry = (range_first(builder->ranges, at) - block->first) >> left_bits;
		struct block inner =
			block_within(builder, block, at - 1,
				     block->first + ((address_t)entry << left_bits), left_bits);
		int error;

		if (done < entry)
			entries->set(builder, entries, done, entry, leaf_of(builder, at - 1));
		error = entry_put(builder, entries, entry, &inner);
		if (error)
			return error;
		done = entry + 1;
		at = inner.end;
	}
	if (done < all)
		entries->set(builder, entries, done, all, leaf_of(builder, block->end - 1));
	return 0;
}

static void runs_set(const struct trie_builder *builder, const struct entries *entries,
		     uint32_t first, uint32_t end, uint32_t id)
{
	runs_add(entries->record, first << entries->unused_bits, id);
}

int runs_id(const struct trie_builder *builder, const struct block *block, uint32_t bits,
	    uint32_t *ret_id)
{
	uint32_t unused = block->left_bits < bits ? bits - block->left_bits : 0;
	struct runs runs;
	const struct entries entries = {
		.bits = bits - unused, .unused_bits = unused, .record = &runs, .set = runs_set};
	int error;

	runs_begin(&runs);
	error = entries_fill(builder, block, &entries);
	return error ? error : trie_append_runs(builder->trie, &runs, bits, ret_id);
}

void root_set(const struct trie_builder *builder, const struct entries *entries, uint32_t first,
	      uint32_t end, uint32_t id)
{
	trie_root_set(builder->trie, entries->first + first, entries->first + end, id);
}

int trie_build(const struct trie_builder *builder, const struct entries *root,
	       struct trie *ret_trie)
{
	const struct block all = {.left_bits = ADDRESS_BITS, .end = builder->ranges->count};
	int error = entries_fill(builder, &all, root);

	if (error)
		return error;
	*ret_trie = *builder->trie;
	*builder->trie = (struct trie){};
	return 0;
}
