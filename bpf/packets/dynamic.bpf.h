/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_DYNAMIC_BPF_H
#define SYNFW_DYNAMIC_BPF_H

/* Dynamic sets: members come and go while a policy is in force, so no class can be worked out for
 * them before. The sets that rules ask for are looked up, and their answers together are a class.
 */
#include "common/filter.bpf.h"
#include "image.bpf.h"
#include "runtime.bpf.h"
#include "walk.bpf.h"

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

/* One bit for each pair that holds. Neither inlined nor static: proved apart, what comes of
 * eight lookups is one number and not 256 ways to go on. The keys are on its own stack: Linux
 * 6.1 takes none from the memory that a global function is given. */
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

static __always_inline bool dynamic_suspects(__u64 hash)
{
	return filter_has(&synfw_member_filter, SYNFW_MEMBER_FILTER_WORDS, hash);
}

/* As dynamic_pairs_held; for most packets the filter knows that none holds. */
static __always_inline __u32 dynamic_pairs(struct walk *walk)
{
	const struct synfw_runtime *runtime = runtime_at_hand();
	struct source dst;

	if (!runtime || filter_is_empty(&synfw_member_filter, SYNFW_MEMBER_FILTER_WORDS))
		return 0;
	if (!dynamic_suspects(walk_src_hash(walk, runtime))) {
		address_key(&dst, walk->pkt.family, &walk->pkt.dst);
		if (!dynamic_suspects(synfw_source_hash(dst.word_be, runtime->seed)))
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
