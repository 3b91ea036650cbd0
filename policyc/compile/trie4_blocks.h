/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_TRIE4_BLOCKS_H
#define POLICYC_TRIE4_BLOCKS_H

/* What the roots of an IPv4 trie share. */
#include "compile/trie_blocks.h"

/* More ranges than this are worth a root of lines, which answers for most addresses by itself
 * (docs/decisions/0011). */
#define TRIE4_LINES_RANGES 65536

/* The changes of class in a block that has no more of them than a list or a line. */
void list4_fill(const struct trie_builder *builder, const struct block *block, struct list *list);

/* The `block_id` of a trie_builder. */
int trie4_block_id(const struct trie_builder *builder, const struct block *block, uint32_t *ret_id);

/* As trie4_build(), of so many ranges. */
int trie4_lines_build(const struct ranges *ranges, uint64_t first_cell, struct trie *ret_trie);

#endif
