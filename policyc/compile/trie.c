/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/trie.h"

#include <stdbool.h>

#include <synfw/cleanup.h>

#define ADDRESS_BITS 128
#define IPV4_BITS    32
#define IPV4_AT	     (ADDRESS_BITS - IPV4_BITS) /* bits of an address_t behind an IPv4 address */

/* More ranges than this are worth a root that fills half of a second-level cache, or one that
 * answers for most addresses by itself (docs/decisions/0011). */
#define MANY_RANGES	 1024
#define VERY_MANY_RANGES 65536

/* A step takes the place of at least two levels, or a record of runs is as short. */
#define MIN_STEP_BITS (2 * SYNFW_TRIE_NODE_BITS)

/* 2^left_bits addresses from `first` on, and the ranges in them: range `begin` has the first
 * address, those up to `end` begin behind it. */
struct block {
	address_t first;
	uint32_t left_bits;
	size_t begin, end;
};

struct builder {
	struct trie *trie;
	const struct ranges *ranges;
	enum family family;
};

static bool block_is_leaf(const struct block *block)
{
	return block->end == block->begin + 1;
}

static uint32_t leaf_of(const struct builder *builder, size_t range)
{
	return SYNFW_TRIE_LEAF | builder->ranges->range[range].class_id;
}

/* The block of 2^left_bits addresses from `first` on, which lies in `around`. Range `from` begins
 * at or before `first`. */
static struct block block_within(const struct builder *builder, const struct block *around,
				 size_t from, address_t first, uint32_t left_bits)
{
	address_t last = first + (((address_t)1 << left_bits) - 1);
	struct block block = {.first = first, .left_bits = left_bits};

	while (from + 1 < around->end && range_first(builder->ranges, from + 1) <= first)
		from++;
	block.begin = from;
	while (from + 1 < around->end && range_first(builder->ranges, from + 1) <= last)
		from++;
	block.end = from + 1;
	return block;
}

static int block_id(const struct builder *builder, const struct block *block, uint32_t *ret_id);

/* What the entries of a record or of the root are given to. */
struct entries {
	struct runs *runs; /* or, NULL, the root of the trie */
	uint32_t bits;
	bool lines; /* the root is one of lines */
};

static void entries_set(const struct builder *builder, const struct entries *entries,
			uint32_t first, uint32_t end, uint32_t id)
{
	if (first == end)
		return;
	if (entries->runs)
		runs_add(entries->runs, first, id);
	else
		trie_root_set(builder->trie, first, end, id);
}

static void list_fill(const struct builder *builder, const struct block *block, struct list *list)
{
	list->count = block->end - block->begin - 1;
	list->id[0] = leaf_of(builder, block->begin);
	for (uint32_t i = 0; i < list->count; i++) {
		size_t range = block->begin + 1 + i;

		list->change[i] = (range_first(builder->ranges, range) - block->first) >> IPV4_AT;
		list->id[i + 1] = leaf_of(builder, range);
	}
}

/* Entry of a root of lines: by itself, or else as two entries of a wide root. */
static int root_line_put(const struct builder *builder, uint32_t entry, const struct block *block)
{
	uint32_t left_bits = block->left_bits - 1, ids[2];

	if (block->end - block->begin - 1 <= SYNFW_TRIE_LINE_CHANGES) {
		struct list list;

		list_fill(builder, block, &list);
		if (trie_root_set_list(builder->trie, entry, &list))
			return 0;
	}
	for (uint32_t half = 0; half < 2; half++) {
		address_t first = block->first + ((address_t)half << left_bits);
		struct block inner = block_within(builder, block, block->begin, first, left_bits);
		int error = block_id(builder, &inner, &ids[half]);

		if (error)
			return error;
	}
	trie_root_set_halves(builder->trie, entry, ids);
	return 0;
}

static int entry_put(const struct builder *builder, const struct entries *entries, uint32_t entry,
		     const struct block *block)
{
	uint32_t id;
	int error;

	if (entries->lines)
		return root_line_put(builder, entry, block);
	error = block_id(builder, block, &id);
	if (!error)
		entries_set(builder, entries, entry, entry + 1, id);
	return error;
}

/* The entries of a block, range by range: those without a change of class are never looked at. */
static int entries_fill(const struct builder *builder, const struct block *block,
			const struct entries *entries)
{
	uint32_t left_bits = block->left_bits - entries->bits, done = 0;

	for (size_t at = block->begin + 1; at < block->end;) {
		uint32_t entry = (range_first(builder->ranges, at) - block->first) >> left_bits;
		struct block inner =
			block_within(builder, block, at - 1,
				     block->first + ((address_t)entry << left_bits), left_bits);
		int error;

		entries_set(builder, entries, done, entry, leaf_of(builder, at - 1));
		error = entry_put(builder, entries, entry, &inner);
		if (error)
			return error;
		done = entry + 1;
		at = inner.end;
	}
	entries_set(builder, entries, done, 1U << entries->bits, leaf_of(builder, block->end - 1));
	return 0;
}

static uint32_t leading_zeros(address_t value)
{
	uint64_t high = value >> 64, low = (uint64_t)value;

	if (high)
		return __builtin_clzll(high);
	return low ? 64 + __builtin_clzll(low) : ADDRESS_BITS;
}

static uint32_t trailing_zeros(address_t value)
{
	uint64_t high = value >> 64, low = (uint64_t)value;

	if (low)
		return __builtin_ctzll(low);
	return high ? 64 + __builtin_ctzll(high) : ADDRESS_BITS;
}

/* How many bits are the same for every change of class in the block: the smallest block that has
 * them all, but that the last may be the address behind it. */
static uint32_t common_bits(const struct builder *builder, const struct block *block)
{
	address_t first = range_first(builder->ranges, block->begin + 1);
	address_t last = range_first(builder->ranges, block->end - 1);

	if (first ==
	    last) /* nothing changes behind it: the bits down to its lowest one are enough */
		return block->left_bits - trailing_zeros(first);
	return leading_zeros(first ^ (last - 1)) - (ADDRESS_BITS - block->left_bits);
}

/* The block that a step of so many bits leads to. */
static struct block step_block(const struct builder *builder, const struct block *block,
			       uint32_t bits)
{
	uint32_t left_bits = block->left_bits - bits;
	address_t first = range_first(builder->ranges, block->begin + 1) >> left_bits << left_bits;

	return block_within(builder, block, block->begin, first, left_bits);
}

/* How many bits a step from this block is worth, 0: none. */
static uint32_t step_bits(const struct builder *builder, const struct block *block)
{
	uint32_t bits = common_bits(builder, block);
	struct block inner;

	if (bits > SYNFW_TRIE_STEP_MAX_BITS)
		bits = SYNFW_TRIE_STEP_MAX_BITS;
	inner = step_block(builder, block, bits);
	if (block_is_leaf(&inner))
		return bits > SYNFW_TRIE_NODE_BITS ? bits : 0;
	bits -= bits % SYNFW_TRIE_NODE_BITS;
	return bits >= MIN_STEP_BITS ? bits : 0;
}

static int step_id(const struct builder *builder, const struct block *block, uint32_t bits,
		   uint32_t *ret_id)
{
	struct block inner = step_block(builder, block, bits);
	struct synfw_trie_step step = {
		.value = (uint64_t)(inner.first >> inner.left_bits) & ((1ULL << bits) - 1),
		.bits = bits,
		.below = leaf_of(builder, block->begin),
		.above = leaf_of(builder, block->end - 1),
	};
	int error = block_id(builder, &inner, &step.within);

	return error ? error : trie_append_step(builder->trie, &step, ret_id);
}

static bool block_fits_list(const struct block *block)
{
	return block->left_bits <= IPV4_AT + SYNFW_TRIE_LIST_MAX_BITS &&
	       block->end - block->begin - 1 <= LIST_MAX_CHANGES;
}

static int list_id(const struct builder *builder, const struct block *block, uint32_t *ret_id)
{
	struct list list;

	list_fill(builder, block, &list);
	return trie_append_list(builder->trie, &list, ret_id);
}

static int runs_id(const struct builder *builder, const struct block *block, uint32_t *ret_id)
{
	struct runs runs;
	const struct entries entries = {
		.runs = &runs,
		.bits = builder->family == FAMILY_4 &&
					block->left_bits == IPV4_AT + SYNFW_TRIE_LAST_BITS
				? SYNFW_TRIE_LAST_BITS
				: SYNFW_TRIE_NODE_BITS,
	};
	int error;

	runs_begin(&runs);
	error = entries_fill(builder, block, &entries);
	return error ? error : trie_append_runs(builder->trie, &runs, entries.bits, ret_id);
}

static int block_id(const struct builder *builder, const struct block *block, uint32_t *ret_id)
{
	uint32_t bits;

	if (block_is_leaf(block)) {
		*ret_id = leaf_of(builder, block->begin);
		return 0;
	}
	if (builder->family == FAMILY_4)
		return block_fits_list(block) ? list_id(builder, block, ret_id)
					      : runs_id(builder, block, ret_id);
	bits = step_bits(builder, block);
	return bits ? step_id(builder, block, bits, ret_id) : runs_id(builder, block, ret_id);
}

static int trie_build(struct builder *builder, uint64_t first_cell, const struct entries *root,
		      struct trie *ret_trie)
{
	CLEANUP(trie_done) struct trie trie = {};
	const struct block all = {.left_bits = ADDRESS_BITS, .end = builder->ranges->count};
	int error = trie_begin(&trie, first_cell, root->bits, root->lines);

	builder->trie = &trie;
	/* IPv6 has many records of three cells, of which a line would hold two */
	trie.in_lines = builder->family == FAMILY_4;
	if (!error)
		error = entries_fill(builder, &all, root);
	if (error)
		return error;
	*ret_trie = trie;
	trie = (struct trie){};
	return 0;
}

int trie4_build(const struct ranges *ranges, uint64_t first_cell, struct trie *ret_trie)
{
	struct builder builder = {.ranges = ranges, .family = FAMILY_4};
	struct entries root = {.bits = SYNFW_TRIE_ROOT_BITS};

	if (ranges->count > VERY_MANY_RANGES)
		root = (struct entries){.bits = SYNFW_TRIE_LINE_ROOT_BITS, .lines = true};
	else if (ranges->count > MANY_RANGES)
		root.bits = SYNFW_TRIE_WIDE_ROOT_BITS;
	return trie_build(&builder, first_cell, &root, ret_trie);
}

int trie6_build(const struct ranges *ranges, uint64_t first_cell, struct trie *ret_trie)
{
	struct builder builder = {.ranges = ranges, .family = FAMILY_6};
	const struct entries root = {.bits = SYNFW_TRIE6_ROOT_BITS};

	return trie_build(&builder, first_cell, &root, ret_trie);
}
