/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_DYNAMIC_BPF_H
#define SYNFW_DYNAMIC_BPF_H

/* Dynamic sets: members come and go while a policy is in force, so no class can be worked out for
 * them before. The sets that rules ask for are looked up, and their answers together are a class.
 */
#include "image.bpf.h"
#include "packet.bpf.h"

/* Is the address a member that has not expired? The clock counts suspended time; it is asked only
 * for a member that may expire. A set that is not there, which apply never leaves, has no members.
 */
static __always_inline bool dynamic_has(__u32 set, const __be32 *addr)
{
	void *members = bpf_map_lookup_elem(&synfw_members, &set);
	const struct synfw_member *member = members ? bpf_map_lookup_elem(members, addr) : NULL;
	__u64 expires_ns;

	if (!member)
		return false;
	expires_ns = *(const volatile __u64 *)&member->expires_ns;
	return !expires_ns || expires_ns > bpf_ktime_get_boot_ns();
}

static __always_inline void dynamic_key(__be32 key[4], __u8 family, const union address *addr)
{
	if (family == 6) {
		__builtin_memcpy(key, addr->v6_be, sizeof(addr->v6_be));
		return;
	}
	key[0] = 0;
	key[1] = 0;
	key[2] = bpf_htonl(0xffff);
	key[3] = addr->v4_be;
}

static __always_inline const struct synfw_dynamic *dynamic_line(struct image *image)
{
	return (const struct synfw_dynamic *)(image->page0 + 3);
}

/* One bit for each pair that holds. Neither inlined nor static: proved apart, what comes of eight
 * lookups is one number and not 256 ways to go on. The keys are on its own stack: Linux 6.1 takes
 * none from the memory that a global function is given, and the stack of the caller is scarce. */
__noinline int dynamic_pairs_held(struct packet *pkt, __u32 generation)
{
	__be32 addr[SYNFW_NR_DIRS][4];
	const struct synfw_dynamic *dynamic;
	struct image image;
	__u32 i, held = 0;

	_Static_assert(sizeof(addr[0]) == sizeof(struct synfw_addr6), "a key");
	generation %= SYNFW_NR_GENERATION_SLOTS;
	if (!pkt || !image_open(&image, generation))
		return 0;
	dynamic = dynamic_line(&image);
	dynamic_key(addr[SYNFW_DIR_SRC], pkt->family, &pkt->src);
	dynamic_key(addr[SYNFW_DIR_DST], pkt->family, &pkt->dst);
	for (i = 0; i < SYNFW_MAX_DYNAMIC_PAIRS; i++) {
		__u8 pair = dynamic->pairs[i];

		if (i >= dynamic->nr_pairs)
			break;
		if (dynamic_has(generation * SYNFW_MAX_DYNAMIC_SETS + pair % SYNFW_MAX_DYNAMIC_SETS,
				addr[pair & SYNFW_PAIR_DST ? SYNFW_DIR_DST : SYNFW_DIR_SRC]))
			held |= 1U << i;
	}
	return held;
}

/* The dynamic sets that have the packet's addresses -> class. */
static __always_inline __u32 dynamic_class(struct image *image, __u32 generation,
					   struct packet *pkt)
{
	return id_at(image, dynamic_line(image)->table, dynamic_pairs_held(pkt, generation) & 255);
}

#endif
