/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_TRIE_OUTLINE_H
#define POLICYC_TRIE_OUTLINE_H

/* What a trie says by bitmaps, before any of its records: which prefixes have no other class than
 * most addresses have. See <synfw/trie.h>. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compile/ranges.h"

/* No more ranges than this make a trie that a first-level cache mostly holds. */
#define OUTLINE_FEW_RANGES 1024

/* How many bits the outline has, as a power of two; 0: none is worth it. */
uint32_t outline_bits(const struct ranges *ranges, uint32_t rest);

/* Sets the bits of what has not the class of the rest only; `outline` is as large as outline_bits()
 * said, and 0. */
void outline_fill(const struct ranges *ranges, uint32_t rest, uint32_t bits, uint64_t *outline);

/* The same for a bit for each IPv4 prefix of a length, of those from `first` to before `end`. */
void bitmap4_fill(const struct ranges *ranges, uint32_t rest, uint32_t prefixlen, uint32_t first,
		  uint32_t end, uint64_t *bitmap);

/* Is an IPv4 outline worth it that has so many bits set? */
bool outline4_pays(uint64_t count);

#endif
