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

/* Entries of a root from `first` to before `end`, in which prefixes came or went: of a root of
 * lines its entries; of one with lists those, by all their bits, and outside of 2000::/3 all that
 * an id stands for. */
struct delta_part {
	uint32_t first, end;
	/* of their addresses; before them one address, and behind them one (IPv4), or those of one
	 * list more (IPv6), if there are such */
	struct ranges ranges;
};

/* A trie with a root of lines or with lists, as the changes to that of another image. */
struct delta {
	const struct synfw_line *lines; /* of that image; NULL: there is no delta */
	uint32_t root;			/* line of the root there */
	uint32_t bits;			/* of the numbers of entries */
	struct delta_part *parts;	/* in order, not next to each other */
	size_t nr_parts;
	struct totals totals;	  /* of the new trie */
	struct outlined outlined; /* and what its outline has; IPv6 only */
};

/* How many entries a root of lines, or one with lists of so many bits, has for the numbers from
 * `first` to before `end`: an id outside of 2000::/3 is one, for all numbers that it stands for. */
uint32_t root_entries(enum family family, uint32_t bits, uint32_t first, uint32_t end);

/* Build the trie that will lie in the image from `first_cell` on. 0, -ENOMEM, or -E2BIG when its
 * cells no longer fit into an id. */
int trie4_build(const struct ranges *ranges, uint64_t first_cell, struct trie *ret_trie);
int trie6_build(const struct ranges *ranges, uint64_t first_cell, struct trie *ret_trie);

/* The same of all ranges that a delta leads to, of which it has the changed ones only. Takes its
 * totals. */
int trie4_patch(struct delta *delta, uint64_t first_cell, struct trie *ret_trie);
int trie6_patch(struct delta *delta, uint64_t first_cell, struct trie *ret_trie);

#endif
