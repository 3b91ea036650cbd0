/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_UNIT_TRIE_READER_H
#define TESTS_UNIT_TRIE_READER_H

/* Reads tries as <synfw/trie.h> has them, entry by entry; asserts that records lie where they may.
 */
#include "compile/trie.h"

uint32_t trie_class(const struct trie *trie, enum family family, address_t address);

const uint64_t *trie_record(const struct trie *trie, uint32_t id);

/* The line of a root of lines that an address has. */
const struct synfw_trie_line *trie_root_line(const struct trie *trie, address_t address);

/* Both sides of each place where the class changes are found to have theirs. */
void trie_assert_edges(const struct trie *trie, enum family family, const struct ranges *ranges);

/* What was read so far. */
struct trie_seen {
	uint64_t cut_runs; /* runs of which some entries are behind the last bit of an address */
	uint64_t bridges;  /* lists of 0 bits */
	uint64_t rest;	   /* addresses that a bitmap answered for */
	uint64_t outlined; /* and an outline would have */
	uint32_t deepest;  /* records in a row */
};
extern struct trie_seen trie_seen;

#endif
