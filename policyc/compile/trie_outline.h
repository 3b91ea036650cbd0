/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_TRIE_OUTLINE_H
#define POLICYC_TRIE_OUTLINE_H

/* What a trie says by bitmaps, before any of its records: which prefixes have no other class than
 * most addresses have. See <synfw/trie.h>. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compile/outlined.h"
#include "compile/ranges.h"

/* No more ranges than this make a trie that a first-level cache mostly holds. */
#define OUTLINE_FEW_RANGES 1024

/* How many bits the outline has, as a power of two; 0: none is worth it. */
uint32_t outline4_bits(const struct ranges *ranges, uint32_t rest);
uint32_t outline6_bits(const struct outlined *outlined, size_t nr_ranges);

/* The /32s of IPv6 from `first` to `last` that have not the class of the rest only, appended. 0 or
 * -ENOMEM. */
int outline6_find(const struct ranges *ranges, uint32_t rest, uint32_t first, uint32_t last,
		  struct outlined *outlined);

/* Sets the bits of what has not the class of the rest only; `outline` is as large as said above,
 * and 0. */
void outline6_fill(const struct outlined *outlined, uint32_t bits, uint64_t *outline);

/* The same of IPv4, for a bit for each prefix of a length, of those from `first` to before `end`.
 */
void bitmap4_fill(const struct ranges *ranges, uint32_t rest, uint32_t prefixlen, uint32_t first,
		  uint32_t end, uint64_t *bitmap);

/* Is an IPv4 outline worth it that has so many bits set? */
bool outline4_pays(uint64_t count);

#endif
