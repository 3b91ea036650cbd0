/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/trie.h"
#include "compile/trie6_blocks.h"

#include <stdbool.h>

#include <synfw/cleanup.h>

/* Of more, a list is not looked for: its widths are tried one by one. */
#define LIST6_MAX_RANGES 4096

#define LIST6_MIN_BITS	 (2 * SYNFW_TRIE_NODE_BITS)

/* A step takes the place of at least two levels, or a record of runs is as short. */
#define MIN_STEP_BITS (2 * SYNFW_TRIE_NODE_BITS)

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
static uint32_t common_bits(const struct trie_builder *builder, const struct block *block)
{
	address_t first = range_first(builder->ranges, block->begin + 1);
	address_t last = range_first(builder->ranges, block->end - 1);

	if (first ==
	    last) /* nothing changes behind it: the bits down to its lowest one are enough */
		return block->left_bits - trailing_zeros(first);
	return leading_zeros(first ^ (last - 1)) - (ADDRESS_BITS - block->left_bits);
}

/* The block that a step of so many bits leads to. */
static struct block step_block(const struct trie_builder *builder, const struct block *block,
			       uint32_t bits)
{
	uint32_t left_bits = block->left_bits - bits;
	address_t first = range_first(builder->ranges, block->begin + 1) >> left_bits << left_bits;

	return block_within(builder, block, block->begin, first, left_bits);
}

/* How many bits a step from this block is worth, 0: none. *ret_last: nothing is behind it. */
static uint32_t step_bits(const struct trie_builder *builder, const struct block *block,
			  bool *ret_last)
{
	uint32_t bits = common_bits(builder, block);
	struct block inner;

	if (bits > SYNFW_TRIE_STEP_MAX_BITS)
		bits = SYNFW_TRIE_STEP_MAX_BITS;
	inner = step_block(builder, block, bits);
	*ret_last = block_is_leaf(&inner) && bits > SYNFW_TRIE_NODE_BITS;
	return *ret_last || bits >= MIN_STEP_BITS ? bits : 0;
}

static int step_id(const struct trie_builder *builder, const struct block *block, uint32_t bits,
		   uint32_t *ret_id)
{
	struct block inner = step_block(builder, block, bits);
	struct synfw_trie_step step = {
		.value = (uint64_t)(inner.first >> inner.left_bits) & ((1ULL << bits) - 1),
		.bits = bits,
		.below = leaf_of(builder, block->begin),
		.above = leaf_of(builder, block->end - 1),
	};
	int error = builder->block_id(builder, &inner, &step.within);

	return error ? error : trie_append_step(builder->trie, &step, ret_id);
}

/* Is one address the only one of another class than those around it, and far? */
static bool block_fits_tail(const struct trie_builder *builder, const struct block *block)
{
	return block->end - block->begin == 3 && block->left_bits > SYNFW_TRIE_STEP_MAX_BITS &&
	       range_first(builder->ranges, block->begin + 2) ==
		       range_first(builder->ranges, block->begin + 1) + 1;
}

static int tail_id(const struct trie_builder *builder, const struct block *block, uint32_t *ret_id)
{
	address_t left = range_first(builder->ranges, block->begin + 1)
			 << (ADDRESS_BITS - block->left_bits);
	const struct synfw_trie6_tail tail = {
		.high = left >> 64,
		.low = (uint64_t)left,
		.below = leaf_of(builder, block->begin),
		.within = leaf_of(builder, block->begin + 1),
		.above = leaf_of(builder, block->begin + 2),
	};

	return trie_append_tail6(builder->trie, &tail, ret_id);
}

/* What a list of so many bits would have. */
struct list6_plan {
	uint32_t bits;
	uint32_t nr_keys, nr_records; /* those that keys lead to */
	uint32_t nr_classes, class_id[SYNFW_TRIE6_LIST_CLASSES];
};

static bool plan_class(struct list6_plan *plan, uint32_t class_id)
{
	for (uint32_t i = 0; i < plan->nr_classes; i++)
		if (plan->class_id[i] == class_id)
			return true;
	if (plan->nr_classes == SYNFW_TRIE6_LIST_CLASSES || class_id > UINT16_MAX)
		return false;
	plan->class_id[plan->nr_classes++] = class_id;
	return true;
}

/* Changes of class in a block, as the widest list sees them: all that the widths are compared by.
 */
struct changes6 {
	uint32_t bits; /* of the widest list */
	uint32_t count;
	uint32_t class_before;
	struct change6 {
		uint32_t number;
		uint32_t class_id;
		bool exact; /* it is the first address of its number */
	} list[LIST6_MAX_RANGES];
};

static void changes6_read(const struct trie_builder *builder, const struct block *block,
			  struct changes6 *changes)
{
	uint32_t widest = block->left_bits < SYNFW_TRIE6_LIST_MAX_BITS ? block->left_bits
								       : SYNFW_TRIE6_LIST_MAX_BITS;
	uint32_t left_bits = block->left_bits - widest;
	address_t inside = ((address_t)1 << left_bits) - 1;

	changes->bits = widest;
	changes->count = block->end - block->begin - 1;
	changes->class_before = range_class(builder->ranges, block->begin);
	for (uint32_t i = 0; i < changes->count; i++) {
		size_t range = block->begin + 1 + i;
		address_t offset = range_first(builder->ranges, range) - block->first;

		changes->list[i] = (struct change6){
			.number = offset >> left_bits,
			.class_id = range_class(builder->ranges, range),
			.exact = !(offset & inside),
		};
	}
}

/* Counts before anything is built: a key for each number within which the class changes, but for
 * one that only ends what the number before it is. */
static bool list6_planned(const struct changes6 *changes, uint32_t bits,
			  struct list6_plan *ret_plan)
{
	uint32_t shift = changes->bits - bits, inside = (1U << shift) - 1;
	struct list6_plan plan = {.bits = bits};
	uint32_t open = 0; /* the number behind a key */

	if (!plan_class(&plan, changes->class_before))
		return false;
	for (uint32_t i = 0; i < changes->count; i++) {
		const struct change6 *first = &changes->list[i];
		uint32_t number = first->number >> shift;
		bool is_leaf = first->exact && !(first->number & inside);

		for (; i + 1 < changes->count && changes->list[i + 1].number >> shift == number;
		     i++)
			is_leaf = false;
		if (!plan_class(&plan, changes->list[i].class_id))
			return false;
		if (plan.nr_keys && number == open && is_leaf) {
			open = 0;
			continue;
		}
		plan.nr_records += !is_leaf;
		if (++plan.nr_keys > SYNFW_TRIE6_LIST_KEYS)
			return false;
		open = number + 1;
	}
	*ret_plan = plan;
	return true;
}

/* The list that leads to the fewest records, and of these the widest. One that goes on behind it is
 * at least as wide as two records of runs, as it may lead there by a record more. Apart, as 48 KiB
 * of stack are not for what calls itself. */
static __attribute__((noinline)) bool list6_plan(const struct trie_builder *builder,
						 const struct block *block,
						 struct list6_plan *ret_plan)
{
	struct changes6 changes;
	struct list6_plan plan;
	bool fits = false;

	if (block->end - block->begin > LIST6_MAX_RANGES)
		return false;
	changes6_read(builder, block, &changes);
	for (uint32_t bits = changes.bits;
	     !(fits && !ret_plan->nr_records) && (bits == changes.bits || bits >= LIST6_MIN_BITS);
	     bits--) {
		if (!list6_planned(&changes, bits, &plan) ||
		    (fits && plan.nr_records >= ret_plan->nr_records))
			continue;
		*ret_plan = plan;
		fits = true;
	}
	return fits;
}

static void list6_set(const struct trie_builder *builder, const struct entries *entries,
		      uint32_t first, uint32_t end, uint32_t id)
{
	list6_add(entries->record, first, id);
}

static int list6_fill(const struct trie_builder *builder, const struct block *block,
		      const struct list6_plan *plan, struct synfw_trie6_list *ret_record)
{
	struct list6 list;
	const struct entries entries = {.bits = plan->bits, .record = &list, .set = list6_set};
	int error;

	list6_begin(&list, plan->bits);
	error = entries_fill(builder, block, &entries);
	return error ? error : list6_record(builder->trie, &list, ret_record);
}

static int list6_id(const struct trie_builder *builder, const struct block *block,
		    const struct list6_plan *plan, uint32_t *ret_id)
{
	struct synfw_trie6_list list;
	int error = list6_fill(builder, block, plan, &list);

	return error ? error : trie_append_list6(builder->trie, &list, ret_id);
}

/* Does a record of runs say all, as whatever changes does so where one of its entries begins? */
static bool block_fits_runs(const struct trie_builder *builder, const struct block *block)
{
	address_t inside;

	if (block->left_bits < SYNFW_TRIE_NODE_BITS)
		return true;
	inside = ((address_t)1 << (block->left_bits - SYNFW_TRIE_NODE_BITS)) - 1;
	for (size_t range = block->begin + 1; range < block->end; range++)
		if (range_first(builder->ranges, range) & inside)
			return false;
	return true;
}

int trie6_block_id(const struct trie_builder *builder, const struct block *block, uint32_t *ret_id)
{
	struct list6_plan plan;
	uint32_t bits;
	bool last, fits;

	if (block_is_leaf(block)) {
		*ret_id = leaf_of(builder, block->begin);
		return 0;
	}
	if (block_fits_tail(builder, block))
		return tail_id(builder, block, ret_id);
	bits = step_bits(builder, block, &last);
	if (last)
		return step_id(builder, block, bits, ret_id);
	if (block_fits_runs(builder, block))
		return runs_id(builder, block, SYNFW_TRIE_NODE_BITS, ret_id);
	fits = list6_plan(builder, block, &plan);
	/* a list that leads to no record says all at once */
	if (bits && !(fits && !plan.nr_records))
		return step_id(builder, block, bits, ret_id);
	return fits ? list6_id(builder, block, &plan, ret_id)
		    : runs_id(builder, block, SYNFW_TRIE_NODE_BITS, ret_id);
}

int trie6_root_list(const struct trie_builder *builder, const struct block *block,
		    struct synfw_trie6_list *ret_list)
{
	struct list6_plan plan;

	*ret_list = (struct synfw_trie6_list){.base = leaf_of(builder, block->begin)};
	if (block_is_leaf(block))
		return 0;
	return list6_plan(builder, block, &plan)
		       ? list6_fill(builder, block, &plan, ret_list)
		       : builder->block_id(builder, block, &ret_list->base);
}

int trie6_build(const struct ranges *ranges, uint64_t first_cell, struct trie *ret_trie)
{
	CLEANUP(trie_done)
	struct trie trie = {
		.first_cell = first_cell,
		.root_bits = SYNFW_TRIE6_ROOT_BITS,
		.lists_bits = trie6_choose_lists(ranges),
	};
	const struct trie_builder builder = {&trie, ranges, trie6_block_id};
	const struct entries root = {.bits = trie.root_bits, .set = root_set};
	int error;

	if (trie.lists_bits)
		return trie6_lists_build(ranges, first_cell, trie.lists_bits, ret_trie);
	error = trie_begin(&trie, ranges);
	return error ? error : trie_build(&builder, &root, ret_trie);
}
