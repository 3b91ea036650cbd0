/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_FILTER_BPF_H
#define SYNFW_FILTER_BPF_H

/* Filters of addresses in front of hash maps, see <synfw/state.h>, and whether what is found behind
 * that of blocks still counts. `map` is one of the filters, `words` its words: constants once
 * inlined. */
#include <stdbool.h>

#include "shared.bpf.h"

/* Nothing was ever put into what is behind the filter: not even a hash is needed. A shadow program
 * without the filter of what is in force has no such word. */
static __always_inline bool filter_is_empty(void *map, __u32 words)
{
	__u32 key = SYNFW_FILTER_ANY(words);
	const __u64 *any = bpf_map_lookup_elem(map, &key);

	return any && !*(const volatile __u64 *)any;
}

static __always_inline bool filter_bit(void *map, __u32 key, __u32 bit)
{
	const __u64 *word = bpf_map_lookup_elem(map, &key);

	return !word || *(const volatile __u64 *)word >> (bit & 63) & 1;
}

static __always_inline bool filter_has(void *map, __u32 words, __u64 hash)
{
	__u32 at = hash / 64 % words;

	return filter_bit(map, SYNFW_FILTER_SUMMARY(words, at), at) && filter_bit(map, at, hash);
}

static __always_inline void filter_set(void *map, __u32 key, __u64 bit)
{
	__u64 *word = bpf_map_lookup_elem(map, &key);

	if (word && !(*word & bit))
		__sync_fetch_and_or(word, bit);
}

/* Before the address goes in: a packet that finds the bit and no entry yet passes, as it would have
 * a moment before; none may find the entry and a bit of its clear. */
static __always_inline void filter_add(void *map, __u32 words, __u64 hash)
{
	__u32 at = hash / 64 % words;

	filter_set(map, at, 1ULL << (hash & 63));
	filter_set(map, SYNFW_FILTER_SUMMARY(words, at), 1ULL << (at & 63));
	filter_set(map, SYNFW_FILTER_ANY(words), 1);
}

#define BLOCK_FOREVER 0 /* instead of a time */

static __always_inline bool block_is_live(const struct synfw_block *block, __u64 now_ns)
{
	__u64 expires_ns = *(const volatile __u64 *)&block->expires_boot_ns;

	return expires_ns == BLOCK_FOREVER || expires_ns > now_ns;
}

#endif
