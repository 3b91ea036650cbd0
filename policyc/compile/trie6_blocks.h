/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_TRIE6_BLOCKS_H
#define POLICYC_TRIE6_BLOCKS_H

/* What the roots of an IPv6 trie share. */
#include "compile/trie_blocks.h"

/* More ranges than this in 2000::/3 may be worth a root with lists. */
#define TRIE6_LISTS_RANGES 65536

/* The `block_id` of a trie_builder. */
int trie6_block_id(const struct trie_builder *builder, const struct block *block, uint32_t *ret_id);

/* The block as a list of the root: by itself, or else it names what goes on from there. 0, -ENOMEM
 * or -E2BIG. */
int trie6_root_list(const struct trie_builder *builder, const struct block *block,
		    struct synfw_trie6_list *ret_list);

/* How many bits lead to a list of the root; 0: ids alone do. */
uint32_t trie6_choose_lists(const struct ranges *ranges);

/* The same of a root that has lists of so many bits, by the totals of all ranges. */
bool trie6_keeps_lists(const struct totals *totals, uint32_t bits);

/* As trie6_build(), with such a root. */
int trie6_lists_build(const struct ranges *ranges, uint64_t first_cell, uint32_t lists_bits,
		      struct trie *ret_trie);

#endif
