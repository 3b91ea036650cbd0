/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_DYNAMIC_BPF_H
#define SYNFW_DYNAMIC_BPF_H

/* Dynamic sets: members come and go while a policy is in force, so no class can be worked out for
 * them before. The sets that rules ask for are looked up, and their answers together are a class.
 */
#include "image.bpf.h"
#include "runtime.bpf.h"
#include "walk.bpf.h"

/* False for all but members, those that were, and a few whose hash is the same: one load. A shadow
 * program without the filter of what is in force has none of the word, and looks. */
static __always_inline bool dynamic_suspects(const struct source *addr, __u64 seed)
{
	__u64 hash = synfw_source_hash(addr->word_be, seed);
	__u32 key = hash % SYNFW_MEMBER_FILTER_BITS / 64;
	const __u64 *word = bpf_map_lookup_elem(&synfw_member_filter, &key);

	return !word || *(const volatile __u64 *)word >> (hash & 63) & 1;
}

/* Before an address goes into a set: no packet may find the member and its bit clear. */
static __always_inline void dynamic_filter_add(const struct source *addr, __u64 seed)
{
	__u64 hash = synfw_source_hash(addr->word_be, seed);
	__u32 key = hash % SYNFW_MEMBER_FILTER_BITS / 64;
	__u64 *word = bpf_map_lookup_elem(&synfw_member_filter, &key);

	if (word && !(*word >> (hash & 63) & 1))
		__sync_fetch_and_or(word, 1ULL << (hash & 63));
}

/* Is the address a member that has not expired? The clock counts suspended time; it is asked only
 * for a member that may expire. A set that is not there, which apply never leaves, has no members.
 */
static __always_inline bool dynamic_has(__u32 set, const struct source *addr, struct walk *walk)
{
	void *members = bpf_map_lookup_elem(&synfw_members, &set);
	const struct synfw_member *member = members ? bpf_map_lookup_elem(members, addr) : NULL;
	__u64 expires_ns;

	if (!member)
		return false;
	expires_ns = *(const volatile __u64 *)&member->expires_ns;
	return !expires_ns || expires_ns > walk_now(walk);
}

static __always_inline const struct synfw_dynamic *dynamic_line(const struct image *image)
{
	return (const struct synfw_dynamic *)(image->page0 + 3);
}

/* One bit for each pair that holds. Neither inlined nor static: proved apart, what comes of eight
 * lookups is one number and not 256 ways to go on. The keys are on its own stack: Linux 6.1 takes none
 * from the memory that a global function is given. */
__noinline int dynamic_pairs_held(struct walk *walk)
{
	struct source addr[SYNFW_NR_DIRS];
	const struct synfw_dynamic *dynamic;
	struct image image;
	__u32 i, first_set, held = 0;

	if (!walk || !image_open(&image, walk->generation % SYNFW_NR_GENERATION_SLOTS))
		return 0;
	dynamic = dynamic_line(&image);
	first_set = walk->generation % SYNFW_NR_GENERATION_SLOTS * SYNFW_MAX_DYNAMIC_SETS;
	address_key(&addr[SYNFW_DIR_SRC], walk->pkt.family, &walk->pkt.src);
	address_key(&addr[SYNFW_DIR_DST], walk->pkt.family, &walk->pkt.dst);
	for (i = 0; i < SYNFW_MAX_DYNAMIC_PAIRS; i++) {
		__u8 pair = dynamic->pairs[i];

		if (i >= dynamic->nr_pairs)
			break;
		if (dynamic_has(first_set + pair % SYNFW_MAX_DYNAMIC_SETS,
				&addr[pair & SYNFW_PAIR_DST ? SYNFW_DIR_DST : SYNFW_DIR_SRC], walk))
			held |= 1U << i;
	}
	return held;
}

/* As dynamic_pairs_held; for most packets the filter knows that none holds. */
static __always_inline __u32 dynamic_pairs(struct walk *walk)
{
	const struct synfw_runtime *runtime = runtime_at_hand();
	struct source addr;

	if (!runtime)
		return 0;
	address_key(&addr, walk->pkt.family, &walk->pkt.src);
	if (!dynamic_suspects(&addr, runtime->seed)) {
		address_key(&addr, walk->pkt.family, &walk->pkt.dst);
		if (!dynamic_suspects(&addr, runtime->seed))
			return 0;
	}
	return dynamic_pairs_held(walk) & 255;
}

/* The dynamic sets that have the packet's addresses -> class. */
static __always_inline __u32 dynamic_class(struct image *image, struct walk *walk)
{
	return id_at(image, dynamic_line(image)->table, dynamic_pairs(walk));
}

#endif
