/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_TRIE4_H
#define POLICYC_TRIE4_H

/*
 * "IPv4 address -> class" as abi.h lays it out: a compressed multibit trie after Poptrie (Asai and
 * Ohara, SIGCOMM 2015). It is built from ranges, so its size follows the places where the class
 * changes, not the prefixes.
 */
#include <stddef.h>
#include <stdint.h>

#include <synfw/abi.h>

/* From `first` on addresses have the class, until the next range. Host byte order. */
struct range4 {
	uint32_t first;
	uint32_t class_id;
};

/* The ranges of the whole address space: the first begins at 0, neighbours differ. */
struct ranges4 {
	struct range4 *range;
	size_t count, room;
};

struct trie4 {
	uint64_t *cells;	/* the root's ids, then records */
	size_t nr_cells, room;
	uint64_t first_cell;	/* number of cells[0] in the image */
	uint32_t root_bits;
};

void ranges4_done(struct ranges4 *ranges);

/* Appends a range; a range that begins where the last one does replaces it. 0 or -ENOMEM. */
int ranges4_append(struct ranges4 *ranges, uint32_t first, uint32_t class_id);

/* Builds the trie that will lie in the image from `first_cell` on. 0, -ENOMEM, or -E2BIG when its
 * cells no longer fit into 31 bits. */
int trie4_build(const struct ranges4 *ranges, uint64_t first_cell, struct trie4 *ret_trie);
void trie4_done(struct trie4 *trie);

#endif
