/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_ADDRESS_BPF_H
#define SYNFW_ADDRESS_BPF_H

/* Address -> class: a trie in the image for IPv4, the kernel's hash and LPM trie for IPv6. */
#include "image.bpf.h"
#include "packet.bpf.h"

/* A record of the trie, with room for the largest behind it. */
static __always_inline const __u64 *trie_record(struct image *image, __u32 cell)
{
	__u32 offset = cell % SYNFW_PAGE_CELLS;
	void *page = page_at(image, cell / SYNFW_PAGE_CELLS);

	if (!page)
		return NULL;
	if (offset > SYNFW_PAGE_CELLS - SYNFW_TRIE_RECORD_CELLS)
		return NULL;
	return (const __u64 *)page + offset;
}

/* Rank of entry `index` (0 to 63) among those that begin a run. */
static __always_inline __u32 run_rank(__u64 starts, __u32 index)
{
	return bit_count(starts & ~0ULL >> (63 - index));
}

static __always_inline __u32 trie_node(struct image *image, __u32 cell, __u32 index)
{
	const __u64 *record = trie_record(image, cell);

	if (!record)
		return SYNFW_TRIE_LEAF;
	return ((const __u32 *)(record + 1))[(run_rank(record[0], index) - 1) & 63];
}

static __always_inline __u32 trie_last(struct image *image, __u32 cell, __u32 index)
{
	const __u64 *record = trie_record(image, cell);
	__u32 word = index / 64, rank;

	if (!record)
		return SYNFW_TRIE_LEAF;
	rank = ((const __u8 *)(record + 4))[word & 3] + run_rank(record[word & 3], index & 63);
	return ((const __u32 *)(record + 5))[(rank - 1) & 255];
}

static __always_inline __u32 trie4_class(struct image *image, __u32 root, bool wide, __be32 addr_be)
{
	__u32 addr = bpf_ntohl(addr_be);
	__u32 id;

	if (wide) {
		id = id_at(image, root, addr >> (32 - SYNFW_TRIE_WIDE_ROOT_BITS));
	} else {
		id = id_at(image, root, addr >> (32 - SYNFW_TRIE_ROOT_BITS));
		if (!(id & SYNFW_TRIE_LEAF))
			id = trie_node(image, id, addr >> 14 & 63);
	}
	if (!(id & SYNFW_TRIE_LEAF))
		id = trie_node(image, id, addr >> SYNFW_TRIE_LAST_BITS & 63);
	if (!(id & SYNFW_TRIE_LEAF))
		id = trie_last(image, id, addr & 255);
	return id & ~SYNFW_TRIE_LEAF;
}

/* IPv6 address -> class through the kernel's maps. `indexes` are the SYNFW_INDEX_* of this
 * direction, `key` picks its maps. */
static __always_inline __u32 map6_class(__u8 indexes, __u32 key, struct address *addr)
{
	__u32 *class_id = NULL;
	void *index;

	if (indexes & SYNFW_INDEX_EXACT6 && (index = bpf_map_lookup_elem(&synfw_exact6, &key)))
		class_id = bpf_map_lookup_elem(index, &addr->v6);
	if (!class_id && indexes & SYNFW_INDEX_LPM6 && (index = bpf_map_lookup_elem(&synfw_lpm6, &key)))
		class_id = bpf_map_lookup_elem(index, addr);
	return class_id ? *class_id : 0;
}

/* Address -> class. */
static __always_inline __u32 address_class(struct image *image, const struct synfw_header *header,
					   __u32 generation, enum synfw_direction direction,
					   __u8 family, struct address *addr)
{
	__u32 root = header->trie4[direction];

	if (family == 6)
		return map6_class(header->indexes >> 4 * direction,
				  generation * SYNFW_NR_DIRS + direction, addr);
	return root ? trie4_class(image, root, header->wide_roots & 1 << direction, addr->v4_be) : 0;
}

#endif
