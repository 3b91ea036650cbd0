/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* IPv4 tries with a root of lines: from all ranges, or from those of the blocks that have changed.
 */
#include "compile/trie.h"
#include "compile/trie4_blocks.h"
#include "compile/trie4_copy.h"
#include "compile/trie_outline.h"

#include <string.h>

#include <synfw/cleanup.h>

/* Words of the bitmap for an entry. */
#define ENTRY_WORDS (SYNFW_TRIE_BITMAP_CELLS >> SYNFW_TRIE_LINE_ROOT_BITS)

/* /24s of an entry. */
#define ENTRY_PREFIXES (1U << (SYNFW_TRIE_BITMAP_PREFIXLEN - SYNFW_TRIE_LINE_ROOT_BITS))

/* By itself, or else as two entries of a wide root. */
static int line_put(const struct trie_builder *builder, const struct entries *entries,
		    uint32_t entry, const struct block *block)
{
	uint32_t left_bits = block->left_bits - 1, ids[2];

	if (block->end - block->begin - 1 <= SYNFW_TRIE_LINE_CHANGES) {
		struct list list;

		list4_fill(builder, block, &list);
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

static struct trie lines_trie(uint64_t first_cell)
{
	return (struct trie){
		.first_cell = first_cell,
		.root = TRIE_ROOT_LINES,
		.root_bits = SYNFW_TRIE_LINE_ROOT_BITS,
		.in_lines = true,
	};
}

int trie4_lines_build(const struct ranges *ranges, uint64_t first_cell, struct trie *ret_trie)
{
	CLEANUP(trie_done) struct trie trie = lines_trie(first_cell);
	const struct trie_builder builder = {&trie, ranges, trie4_block_id};
	const struct entries root = {.bits = trie.root_bits, .set = root_set, .put = line_put};
	int error = totals_count(ranges, &trie.totals);

	if (!error)
		error = trie_begin_lines(&trie);
	if (error)
		return error;
	trie.rest = totals_rest(&trie.totals);
	bitmap4_fill(ranges, trie.rest, SYNFW_TRIE_BITMAP_PREFIXLEN, 0,
		     1U << SYNFW_TRIE_BITMAP_PREFIXLEN, trie_root_bitmap(&trie));
	error = trie_outline_lines(&trie);
	return error ? error : trie_build(&builder, &root, ret_trie);
}

/* ---- from a delta ---- */

static void bitmap_patch(const struct delta *delta, const struct trie *trie)
{
	const struct synfw_line *before = &delta->lines[delta->root + SYNFW_TRIE_BITMAP_LINE];
	uint64_t *bitmap = trie_root_bitmap(trie);

	memcpy(bitmap, before, SYNFW_TRIE_BITMAP_CELLS * sizeof(*bitmap));
	for (size_t i = 0; i < delta->nr_parts; i++) {
		const struct delta_part *part = &delta->parts[i];

		memset(&bitmap[part->first * ENTRY_WORDS], 0,
		       (part->end - part->first) * ENTRY_WORDS * sizeof(*bitmap));
		bitmap4_fill(&part->ranges, trie->rest, SYNFW_TRIE_BITMAP_PREFIXLEN,
			     part->first * ENTRY_PREFIXES, part->end * ENTRY_PREFIXES, bitmap);
	}
}

static int entries_build(struct trie *trie, const struct delta_part *part)
{
	const struct trie_builder builder = {trie, &part->ranges, trie4_block_id};
	const struct block all = {.left_bits = ADDRESS_BITS, .end = part->ranges.count};
	uint32_t left_bits = ADDRESS_BITS - trie->root_bits;
	size_t from = 0;

	for (uint32_t entry = part->first; entry < part->end; entry++) {
		struct block block = block_within(&builder, &all, from,
						  (address_t)entry << left_bits, left_bits);
		int error = 0;

		if (block_is_leaf(&block))
			trie_root_set(trie, entry, entry + 1, leaf_of(&builder, block.begin));
		else
			error = line_put(&builder, NULL, entry, &block);
		if (error)
			return error;
		from = block.begin;
	}
	return 0;
}

/* In the order of a build from all ranges: records lie where they would lie then. */
static int entries_patch(const struct delta *delta, struct trie *trie)
{
	uint32_t done = 0;
	int error = 0;

	for (size_t i = 0; !error && i < delta->nr_parts; i++) {
		error = trie4_copy_entries(trie, delta->lines, delta->root, done,
					   delta->parts[i].first);
		if (!error)
			error = entries_build(trie, &delta->parts[i]);
		done = delta->parts[i].end;
	}
	return error ? error
		     : trie4_copy_entries(trie, delta->lines, delta->root, done,
					  1U << trie->root_bits);
}

int trie4_patch(struct delta *delta, uint64_t first_cell, struct trie *ret_trie)
{
	CLEANUP(trie_done) struct trie trie = lines_trie(first_cell);
	int error = trie_begin_lines(&trie);

	if (error)
		return error;
	trie.totals = delta->totals;
	delta->totals = (struct totals){};
	trie.rest = totals_rest(&trie.totals);
	bitmap_patch(delta, &trie);
	error = trie_outline_lines(&trie);
	if (!error)
		error = entries_patch(delta, &trie);
	if (error)
		return error;
	*ret_trie = trie;
	trie = (struct trie){};
	return 0;
}
