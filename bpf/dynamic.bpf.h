/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_DYNAMIC_BPF_H
#define SYNFW_DYNAMIC_BPF_H

/* Dynamic sets: members come and go while a policy is in force, so no class can be worked out for
 * them before. The sets that rules ask for are looked up, and their answers together are a class.
 */
#include "image.bpf.h"
#include "packet.bpf.h"

/* Without holes and initialised, as every argument of a global function. */
struct dynamic_query {
	__be32 addr[SYNFW_NR_DIRS][4]; /* as keys of the sets */
	__u8 pairs[SYNFW_MAX_DYNAMIC_PAIRS];
	__u32 nr_pairs;
	__u32 first_set; /* key of the generation's set 0 */
};
_Static_assert(sizeof(struct dynamic_query) == 32 + 8 + 8, "no holes");
_Static_assert(sizeof(((struct dynamic_query *)0)->addr[0]) == sizeof(struct synfw_addr6), "a key");

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

/* One bit for each pair that holds. Neither inlined nor static: proved apart, what comes of eight
 * lookups is one number and not 256 ways to go on. */
__noinline int dynamic_pairs_held(struct dynamic_query *query)
{
	__u32 i, held = 0;

	if (!query)
		return 0;
	for (i = 0; i < SYNFW_MAX_DYNAMIC_PAIRS; i++) {
		__u8 pair = query->pairs[i];

		if (i >= query->nr_pairs)
			break;
		if (dynamic_has(query->first_set + pair % SYNFW_MAX_DYNAMIC_SETS,
				query->addr[pair & SYNFW_PAIR_DST ? SYNFW_DIR_DST : SYNFW_DIR_SRC]))
			held |= 1U << i;
	}
	return held;
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

/* The dynamic sets that have the packet's addresses -> class. */
static __always_inline __u32 dynamic_class(struct image *image, __u32 generation,
					   const struct packet *pkt)
{
	const struct synfw_dynamic *dynamic = dynamic_line(image);
	struct dynamic_query query;

	dynamic_key(query.addr[SYNFW_DIR_SRC], pkt->family, &pkt->src);
	dynamic_key(query.addr[SYNFW_DIR_DST], pkt->family, &pkt->dst);
	__builtin_memcpy(query.pairs, dynamic->pairs, sizeof(query.pairs));
	query.nr_pairs = dynamic->nr_pairs;
	query.first_set = generation * SYNFW_MAX_DYNAMIC_SETS;
	return id_at(image, dynamic->table, dynamic_pairs_held(&query) & 255);
}

#endif
