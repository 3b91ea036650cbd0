/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_TRIE_BLOCKS_H
#define POLICYC_TRIE_BLOCKS_H

/* From ranges to the records of a trie: blocks of addresses, and what their entries are given to.
 */
#include <stdbool.h>
#include <stdint.h>

#include "compile/ranges.h"
#include "compile/trie_cells.h"

#define ADDRESS_BITS 128

/* 2^left_bits addresses from `first` on, and the ranges in them: range `begin` has the first
 * address, those up to `end` begin behind it. */
struct block {
	address_t first;
	uint32_t left_bits;
	size_t begin, end;
};

struct trie_builder {
	struct trie *trie;
	const struct ranges *ranges;
	/* Appends what the block takes, and names it. 0, -ENOMEM or -E2BIG. */
	int (*block_id)(const struct trie_builder *builder, const struct block *block,
			uint32_t *ret_id);
};

/* The entries of a record or of the root in the making, and where they go. */
struct entries {
	uint32_t bits;
	void *record;	      /* struct runs or struct list6; the root of the trie needs none */
	uint32_t first;	      /* of lists of the root: the number of the first */
	uint32_t unused_bits; /* of runs: behind the last bit of an address */
	/* Entries from `first` to before `end` have the id. */
	void (*set)(const struct trie_builder *builder, const struct entries *entries,
		    uint32_t first, uint32_t end, uint32_t id);
	/* One in which the class changes; NULL: it has the block's id. As block_id(). */
	int (*put)(const struct trie_builder *builder, const struct entries *entries,
		   uint32_t entry, const struct block *block);
};

bool block_is_leaf(const struct block *block);
uint32_t leaf_of(const struct trie_builder *builder, size_t range);

/* The block of 2^left_bits addresses from `first` on, which lies in `around`. Range `from` begins
 * at or before `first`. */
struct block block_within(const struct trie_builder *builder, const struct block *around,
			  size_t from, address_t first, uint32_t left_bits);

/* The entries of a block, range by range: those without a change of class are never looked at. */
int entries_fill(const struct trie_builder *builder, const struct block *block,
		 const struct entries *entries);

/* The block as a record of runs of 2^bits entries, of which one with fewer bits left uses those
 * that have zeros behind them. */
int runs_id(const struct trie_builder *builder, const struct block *block, uint32_t bits,
	    uint32_t *ret_id);

/* An `entries.set` for the root. */
void root_set(const struct trie_builder *builder, const struct entries *entries, uint32_t first,
	      uint32_t end, uint32_t id);

/* Fills builder->trie, which was begun, from the root's entries on, and hands it over to *ret_trie:
 * it is empty then. 0, -ENOMEM or -E2BIG; on error *ret_trie is as it was. */
int trie_build(const struct trie_builder *builder, const struct entries *root,
	       struct trie *ret_trie);

#endif
