/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_TRIE_H
#define POLICYC_TRIE_H

/*
 * "Address -> class" as abi.h lays it out: compressed multibit tries after Poptrie (Asai and Ohara,
 * SIGCOMM 2015), for IPv6 with path compression (Patricia, Morrison 1968). They are built from
 * ranges, so their size follows the places where the class changes, not the prefixes.
 */
#include <stddef.h>
#include <stdint.h>

#include <synfw/abi.h>

#include "compile/ranges.h"

struct trie {
	uint64_t *cells;	/* the root's ids, then records */
	size_t nr_cells, room;
	uint64_t first_cell;	/* number of cells[0] in the image */
	uint32_t root_bits;
};

/* Build the trie that will lie in the image from `first_cell` on. 0, -ENOMEM, or -E2BIG when its
 * cells no longer fit into 30 bits. */
int trie4_build(const struct ranges *ranges, uint64_t first_cell, struct trie *ret_trie);
int trie6_build(const struct ranges *ranges, uint64_t first_cell, struct trie *ret_trie);
void trie_done(struct trie *trie);

/* ---- what both are made of; each 0, -ENOMEM or -E2BIG ---- */

/* Begins a trie: a root whose ids are 0. */
int trie_begin(uint64_t first_cell, uint32_t root_bits, struct trie *ret_trie);

/* Appends `count` zeroed cells where a record may lie. */
int trie_append(struct trie *trie, size_t count, uint64_t **ret_cells, uint32_t *ret_id);

/* Appends a record of runs for 2^bits entries, 64 or 256. */
int trie_append_runs(struct trie *trie, const uint32_t *entries, uint32_t bits, uint32_t *ret_id);

#endif
