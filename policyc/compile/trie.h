/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_TRIE_H
#define POLICYC_TRIE_H

/*
 * "Address -> class" as <synfw/trie.h> lays it out: compressed multibit tries after Poptrie (Asai
 * and Ohara, SIGCOMM 2015), for IPv6 with path compression (Patricia, Morrison 1968). They are
 * built from ranges, so their size follows the places where the class changes, not the prefixes.
 */
#include "compile/ranges.h"
#include "compile/trie_cells.h"

/* Build the trie that will lie in the image from `first_cell` on. 0, -ENOMEM, or -E2BIG when its
 * cells no longer fit into an id. */
int trie4_build(const struct ranges *ranges, uint64_t first_cell, struct trie *ret_trie);
int trie6_build(const struct ranges *ranges, uint64_t first_cell, struct trie *ret_trie);

#endif
