/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_ADDRESS_BPF_H
#define SYNFW_ADDRESS_BPF_H

/* Address -> class, by a trie in the image for each family. */
#include <synfw/trie.h>

#include "image.bpf.h"
#include "packet.bpf.h"

/* A record of the trie, with room for the largest behind it. */
static __always_inline const __u64 *trie_record(struct image *image, __u32 cell)
{
	__u32 offset = cell % SYNFW_PAGE_CELLS;
	void *page = page_at(image, cell / SYNFW_PAGE_CELLS);

	if (!page)
		return NULL;
	/* clang 19 compares a copy, of which Linux 6.1 does not know that it is the same */
	barrier_var(offset);
	if (offset > SYNFW_PAGE_CELLS - SYNFW_TRIE_RECORD_CELLS)
		return NULL;
	/* clang 14 adds before it compares, and the verifier then does not know the sum's bound */
	barrier_var(offset);
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

#define LANES	       0x0001000100010001ULL

#define LINE_TAIL_BITS (32 - SYNFW_TRIE_LINE_ROOT_BITS)
#define LINE_TAIL_MASK ((1U << LINE_TAIL_BITS) - 1)

/* How many of four changes lie at or before an index (in every lane, bit 15 set): in the lanes
 * of the result, whose sum it is. Bit 15 stays set where the subtraction borrows nothing. */
static __always_inline __u64 changes_passed(__u64 indexes, __u64 changes)
{
	return (indexes - changes) >> 15 & LANES;
}

static __always_inline __u32 trie_list(struct image *image, __u32 id, __u32 index)
{
	const __u64 *record = trie_record(image, id & SYNFW_TRIE_CELL);
	__u64 indexes = index * LANES | LANES << 15, counts;
	const __u32 *ids;

	if (!record)
		return SYNFW_TRIE_LEAF;
	counts = changes_passed(indexes, record[0]) + changes_passed(indexes, record[1]);
	ids = (const __u32 *)(record + 2);
	if (id & SYNFW_TRIE_LONG) {
		counts += changes_passed(indexes, record[2]) + changes_passed(indexes, record[3]);
		ids = (const __u32 *)(record + 4);
	}
	return ids[counts * LANES >> 48 & 31];
}

/* The class that a root's line gives, or the id that goes on from there. */
static __always_inline __u32 trie_line(struct image *image, __u32 root, __u32 addr)
{
	const struct synfw_trie_line *line =
		(const void *)line_at(image, root + (addr >> LINE_TAIL_BITS));
	__u32 index = addr & LINE_TAIL_MASK;
	__u64 indexes = index * LANES | LANES << 15, counts = 0;
	const __u64 *changes;
	__u64 which;
	int i;

	if (!line)
		return SYNFW_TRIE_LEAF;
	which = line->which;
	if (which & SYNFW_TRIE_LINE_IDS)
		return ((const __u32 *)line)[index >> SYNFW_TRIE_LIST_MAX_BITS];
	changes = (const __u64 *)line->change;
#pragma unroll
	for (i = 0; i < SYNFW_TRIE_LINE_CHANGES / 4; i++)
		counts += changes_passed(indexes, changes[i]);
	return SYNFW_TRIE_LEAF | line->class_id[which >> 2 * (counts * LANES >> 48 & 31) & 3];
}

/* Does the bitmap at line `base` say that all addresses whose upper bits are `number` have the
 * class of the rest? */
static __always_inline bool bitmap_is_clear(struct image *image, __u32 base, __u32 number)
{
	const struct synfw_line *line = line_at(image, base + number / (8 * SYNFW_LINE_BYTES));

	return !line || !(line->word[number / 64 % CELLS_PER_LINE] >> (number & 63) & 1);
}

static __always_inline __u32 trie4_class(struct image *image,
					 const struct synfw_class_tables *tables,
					 enum synfw_direction direction, __be32 addr_be)
{
	__u32 root = tables->trie4[direction], outline = tables->trie4_outline[direction];
	__u32 addr = bpf_ntohl(addr_be), id;
	__u8 form = tables->trie4_root[direction];

	if (outline && bitmap_is_clear(image, outline, addr >> (32 - SYNFW_TRIE_OUTLINE_PREFIXLEN)))
		return tables->trie4_rest[direction];
	if (form == SYNFW_TRIE4_ROOT_LINES) {
		if (bitmap_is_clear(image, root + SYNFW_TRIE_BITMAP_LINE,
				    addr >> (32 - SYNFW_TRIE_BITMAP_PREFIXLEN)))
			return tables->trie4_rest[direction];
		id = trie_line(image, root, addr);
	} else if (form == SYNFW_TRIE4_ROOT_WIDE) {
		id = id_at(image, root, addr >> (32 - SYNFW_TRIE_WIDE_ROOT_BITS));
	} else {
		id = id_at(image, root, addr >> (32 - SYNFW_TRIE_ROOT_BITS));
		if (!(id & SYNFW_TRIE_LEAF))
			id = trie_node(image, id, addr >> 14 & 63);
	}
	if (!(id & (SYNFW_TRIE_LEAF | SYNFW_TRIE_LIST))) {
		id = trie_node(image, id, addr >> SYNFW_TRIE_LAST_BITS & 63);
		addr &= 255;
	}
	if (id & SYNFW_TRIE_LEAF)
		return id & ~SYNFW_TRIE_LEAF;
	if (id & SYNFW_TRIE_LIST)
		id = trie_list(image, id, addr & 0x3fff);
	else
		id = trie_last(image, id, addr & 255);
	return id & ~SYNFW_TRIE_LEAF;
}

/* An IPv6 address, of which the bits that have been looked at are shifted out. */
struct bits128 {
	__u64 high, low;
};

/* `bits`: 0 to 63. */
static __always_inline void bits128_shift(struct bits128 *left, __u32 bits)
{
	left->high = left->high << (bits & 63) | left->low >> 1 >> ((63 - bits) & 63);
	left->low <<= bits & 63;
}

/* The id behind a step, and the bits that it is for. */
static __always_inline __u32 trie_step(struct image *image, __u32 cell, __u64 high, __u32 *ret_bits)
{
	const struct synfw_trie_step *step = (const void *)trie_record(image, cell);
	__u64 value;

	if (!step)
		return SYNFW_TRIE_LEAF;
	*ret_bits = step->bits;
	value = high >> ((64 - step->bits) & 63);
	if (value == step->value)
		return step->within;
	return value < step->value ? step->below : step->above;
}

#define KEYS 0x0000000100000001ULL

/* How many of two keys lie at or before a number (in both lanes, bit 31 set): as changes_passed().
 */
static __always_inline __u64 keys_passed(__u64 numbers, __u64 keys)
{
	return (numbers - keys) >> 31 & KEYS;
}

/* The id behind a list, and the bits that it is for. */
static __always_inline __u32 trie6_list(struct image *image, __u32 cell, __u64 high,
					__u32 *ret_bits)
{
	const struct synfw_trie6_list *list = (const void *)line_at(image, cell / CELLS_PER_LINE);
	__u64 numbers, counts = 0;
	__u32 number, bits, which, last, to;
	const __u64 *keys;
	int i;

	if (!list)
		return SYNFW_TRIE_LEAF;
	bits = list->gaps >> SYNFW_TRIE6_LIST_BITS_AT;
	*ret_bits = bits;
	if (!bits)
		return list->base;
	number = high >> ((64 - bits) & 63);
	numbers = number * KEYS | KEYS << 31;
	keys = (const __u64 *)list->key;
#pragma unroll
	for (i = 0; i < SYNFW_TRIE6_LIST_KEYS / 2; i++)
		counts += keys_passed(numbers, keys[i]);
	counts = (counts + (counts >> 32)) & 15;
	which = list->gaps >> 2 * counts;
	/* behind no key there is no key equal to it either, the last one included */
	last = (counts - 1) % SYNFW_TRIE6_LIST_KEYS;
	if (list->key[last] == number) {
		to = list->to[last];
		which = to >> SYNFW_TRIE6_LIST_KIND_AT;
		if (to & SYNFW_TRIE6_LIST_CELLS)
			return list->base + (to & SYNFW_TRIE6_LIST_CELLS) +
			       (which << SYNFW_TRIE_KIND_AT);
	}
	return SYNFW_TRIE_LEAF | list->class_id[which % SYNFW_TRIE6_LIST_CLASSES];
}

/* The leaf behind a tail. */
static __always_inline __u32 trie6_tail(struct image *image, __u32 cell, const struct bits128 *left)
{
	const struct synfw_trie6_tail *tail = (const void *)trie_record(image, cell);

	if (!tail)
		return SYNFW_TRIE_LEAF;
	if (left->high != tail->high)
		return left->high < tail->high ? tail->below : tail->above;
	if (left->low != tail->low)
		return left->low < tail->low ? tail->below : tail->above;
	return tail->within;
}

/* The id that the root gives, and the bits that it is for. */
static __always_inline __u32 trie6_root(struct image *image,
					const struct synfw_class_tables *tables,
					enum synfw_direction direction, __u64 high, __u32 *ret_bits)
{
	__u32 root = tables->trie6[direction], bits = tables->trie6_lists_bits[direction];
	__u32 list;

	if (bits && high >> (64 - SYNFW_TRIE6_LISTS_PREFIX_BITS) == SYNFW_TRIE6_LISTS_PREFIX) {
		*ret_bits = bits;
		list = high << SYNFW_TRIE6_LISTS_PREFIX_BITS >>
		       ((64 + SYNFW_TRIE6_LISTS_PREFIX_BITS - bits) & 63);
		return SYNFW_TRIE_LIST | (root + SYNFW_TRIE6_LISTS_LINE + list) * CELLS_PER_LINE;
	}
	*ret_bits = SYNFW_TRIE6_ROOT_BITS;
	return id_at(image, root, high >> (64 - SYNFW_TRIE6_ROOT_BITS));
}

static __always_inline bool outline6_is_clear(struct image *image,
					      const struct synfw_class_tables *tables,
					      enum synfw_direction direction, __u64 high)
{
	__u32 outline = tables->trie6_outline[direction];
	__u32 bits = tables->trie6_outline_bits[direction];

	return outline &&
	       bitmap_is_clear(image, outline, synfw_trie6_outline_bit(high >> 32, bits & 31));
}

/* IPv6 address in host order -> class. Global and with scalars, so that the verifier walks the loop
 * once and not for each way that leads here. */
__noinline __u32 trie6_class(__u32 generation, __u32 direction, __u64 high, __u64 low)
{
	const struct synfw_class_tables *tables;
	struct bits128 left = {high, low};
	struct image image;
	__u32 id, bits, i;

	if (direction >= SYNFW_NR_DIRS ||
	    !image_open(&image, generation % SYNFW_NR_GENERATION_SLOTS))
		return 0;
	tables = image_tables(&image);
	if (outline6_is_clear(&image, tables, direction, high))
		return tables->trie6_rest[direction];
	id = trie6_root(&image, tables, direction, high, &bits);
#pragma clang loop unroll(disable)
	for (i = 0; i < SYNFW_TRIE6_MAX_RECORDS && !(id & SYNFW_TRIE_LEAF); i++) {
		__u32 cell = id & SYNFW_TRIE_CELL;

		bits128_shift(&left, bits);
		bits = SYNFW_TRIE_NODE_BITS;
		if ((id & SYNFW_TRIE_KIND) == SYNFW_TRIE_KIND)
			return trie6_tail(&image, cell, &left) & ~SYNFW_TRIE_LEAF;
		if (id & SYNFW_TRIE_LIST)
			id = trie6_list(&image, cell, left.high, &bits);
		else if (id & SYNFW_TRIE_STEP)
			id = trie_step(&image, cell, left.high, &bits);
		else
			id = trie_node(&image, cell, left.high >> (64 - SYNFW_TRIE_NODE_BITS));
	}
	/* no image has a deeper trie; what a cell's number would be as a class is not looked at */
	return id & SYNFW_TRIE_LEAF ? id & ~SYNFW_TRIE_LEAF : 0;
}

/* Address -> class. */
static __always_inline __u32 address_class(struct image *image,
					   const struct synfw_class_tables *tables,
					   __u32 generation, enum synfw_direction direction,
					   __u8 family, const union address *addr)
{
	__u32 root = family == 6 ? tables->trie6[direction] : tables->trie4[direction];

	if (!root)
		return 0;
	if (family == 6)
		return trie6_class(generation, direction, bpf_be64_to_cpu(addr->v6_be[0]),
				   bpf_be64_to_cpu(addr->v6_be[1]));
	return trie4_class(image, tables, direction, addr->v4_be);
}

#endif
