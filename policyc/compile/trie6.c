/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/trie.h"

#include <synfw/cleanup.h>

#define ADDRESS_BITS 128

/* A step takes the place of at least two levels, or a record of runs is as short. */
#define MIN_STEP_BITS (2 * SYNFW_TRIE_NODE_BITS)

/* 2^left_bits addresses from `first` on, and the ranges in them: range `begin` has the first address,
 * those up to `end` begin behind it. */
struct block {
	address_t first;
	uint32_t left_bits;
	size_t begin, end;
};

struct builder {
	struct trie *trie;
	const struct ranges *ranges;
};

static address_t block_size(uint32_t left_bits)
{
	return (address_t)1 << left_bits;
}

/* The part of a block's ranges that is in the block within it. `*from` is where to look on. */
static struct block block_within(const struct builder *builder, size_t *from, size_t end,
				 address_t first, uint32_t left_bits)
{
	address_t last = first + (block_size(left_bits) - 1);
	struct block block = {.first = first, .left_bits = left_bits};

	while (*from + 1 < end && range_first(builder->ranges, *from + 1) <= first)
		++*from;
	block.begin = *from;
	while (*from + 1 < end && range_first(builder->ranges, *from + 1) <= last)
		++*from;
	block.end = *from + 1;
	return block;
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

/* How many bits are the same for every change of class in the block, in whole levels: the smallest
 * block that has them all, but that the last may be the address behind it. */
static uint32_t step_bits(const struct builder *builder, const struct block *block)
{
	address_t first = range_first(builder->ranges, block->begin + 1);
	address_t last = range_first(builder->ranges, block->end - 1);
	uint32_t bits = block->left_bits, before = ADDRESS_BITS - block->left_bits;

	if (first == last) {
		/* nothing changes behind it, so the bits down to its lowest one are enough */
		uint32_t zeros = trailing_zeros(first);

		bits = zeros < bits ? bits - zeros : 0;
		bits += (SYNFW_TRIE_NODE_BITS - bits % SYNFW_TRIE_NODE_BITS) % SYNFW_TRIE_NODE_BITS;
	} else if (first != last - 1) {
		bits = leading_zeros(first ^ (last - 1)) - before;
	}
	if (bits > SYNFW_TRIE_STEP_MAX_BITS)
		bits = SYNFW_TRIE_STEP_MAX_BITS;
	return bits - bits % SYNFW_TRIE_NODE_BITS;
}

static int block_id(const struct builder *builder, const struct block *block, uint32_t *ret_id);

static int step_id(const struct builder *builder, const struct block *block, uint32_t bits,
		   uint32_t *ret_id)
{
	const struct ranges *ranges = builder->ranges;
	uint32_t left_bits = block->left_bits - bits, within;
	address_t value = range_first(ranges, block->begin + 1) >> left_bits;
	size_t from = block->begin;
	struct block inner = block_within(builder, &from, block->end, value << left_bits, left_bits);
	struct synfw_trie_step *step;
	uint64_t *cells;
	int error = block_id(builder, &inner, &within);

	if (!error)
		error = trie_append(builder->trie, sizeof(*step) / sizeof(*cells), &cells, ret_id);
	if (error)
		return error;
	step = (struct synfw_trie_step *)cells;
	*step = (struct synfw_trie_step){
		.value = (uint64_t)value & ((1ULL << bits) - 1),
		.bits = bits,
		.below = SYNFW_TRIE_LEAF | ranges->range[block->begin].class_id,
		.within = within,
		.above = SYNFW_TRIE_LEAF | ranges->range[block->end - 1].class_id,
	};
	*ret_id |= SYNFW_TRIE_STEP;
	return 0;
}

static int node_id(const struct builder *builder, const struct block *block, uint32_t *ret_id)
{
	uint32_t left_bits = block->left_bits - SYNFW_TRIE_NODE_BITS;
	uint32_t entries[1 << SYNFW_TRIE_NODE_BITS];
	size_t from = block->begin;

	for (uint32_t i = 0; i < 1U << SYNFW_TRIE_NODE_BITS; i++) {
		struct block inner = block_within(builder, &from, block->end,
						  block->first + ((address_t)i << left_bits), left_bits);
		int error = block_id(builder, &inner, &entries[i]);

		if (error)
			return error;
	}
	return trie_append_runs(builder->trie, entries, SYNFW_TRIE_NODE_BITS, ret_id);
}

static int block_id(const struct builder *builder, const struct block *block, uint32_t *ret_id)
{
	uint32_t bits;

	if (block->end == block->begin + 1) {
		*ret_id = SYNFW_TRIE_LEAF | builder->ranges->range[block->begin].class_id;
		return 0;
	}
	bits = step_bits(builder, block);
	return bits >= MIN_STEP_BITS ? step_id(builder, block, bits, ret_id)
				     : node_id(builder, block, ret_id);
}

int trie6_build(const struct ranges *ranges, uint64_t first_cell, struct trie *ret_trie)
{
	CLEANUP(trie_done) struct trie trie = {};
	const struct builder builder = {.trie = &trie, .ranges = ranges};
	const uint32_t left_bits = ADDRESS_BITS - SYNFW_TRIE6_ROOT_BITS;
	int error = trie_begin(first_cell, SYNFW_TRIE6_ROOT_BITS, &trie);
	size_t from = 0;

	for (uint32_t i = 0; !error && i < 1U << SYNFW_TRIE6_ROOT_BITS; i++) {
		struct block block = block_within(&builder, &from, ranges->count,
						  (address_t)i << left_bits, left_bits);
		uint32_t id;

		error = block_id(&builder, &block, &id);
		if (!error)
			((uint32_t *)trie.cells)[i] = id;
	}
	if (error)
		return error;
	*ret_trie = trie;
	trie = (struct trie){};
	return 0;
}
