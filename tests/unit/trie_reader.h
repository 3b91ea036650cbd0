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

/* Records of runs that were read of which some entries are behind the last bit of an address. */
extern uint64_t trie_cut_runs;

#endif
