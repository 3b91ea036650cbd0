/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "renumber.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#include "blocks.h"
#include "datapath/counters.h"
#include "peers.h"
#include "policy/rule_names.h"
#include "scores.h"

/* Of a rule on processes or memory, in what remembers sources; 0: there is none of that name. */
static uint16_t process_counter_by_name(const struct manifest *manifest, const char *name)
{
	size_t i;

	for (i = 0; i < manifest->nr_process_rules; i++)
		if (!strcmp(manifest->process_rules[i].name, name))
			return SYNFW_COUNTER_OF_PROCESSES + manifest->process_rules[i].counter;
	return 0;
}

uint16_t *renumber_by_name(const struct manifest *live, const struct manifest *next)
{
	CLEANUP(cleanup_free) const struct manifest_rule **sorted = counters_sort_rules(next);
	CLEANUP(cleanup_free)
	uint16_t *becomes = calloc(RULE_NAMES_COUNTERS, sizeof(*becomes));
	const struct manifest_rule *rule, *same;
	size_t i;

	if (!sorted || !becomes)
		return NULL;
	for (rule = live->rules; rule < live->rules + live->nr_rules; rule++) {
		same = counters_find_rule(sorted, next->nr_rules, rule->name);
		if (same)
			becomes[rule->counter] = same->counter;
	}
	for (i = 0; i < live->nr_process_rules; i++)
		becomes[SYNFW_COUNTER_OF_PROCESSES + live->process_rules[i].counter] =
			process_counter_by_name(next, live->process_rules[i].name);
	return TAKE_PTR(becomes);
}

static uint16_t renumbered(uint16_t counter, const uint16_t *becomes)
{
	return counter < RULE_NAMES_COUNTERS ? becomes[counter] : 0;
}

/* A part without a rule says nothing; its points stay in the sum. How many of `count` are left,
 * the first ones of *parts then. */
static int renumber_parts(struct synfw_score_part parts[SYNFW_SCORE_PARTS], int count,
			  const uint16_t *becomes)
{
	int i, kept = 0;

	for (i = 0; i < count && i < SYNFW_SCORE_PARTS; i++) {
		struct synfw_score_part part = parts[i];

		parts[i] = (struct synfw_score_part){0};
		part.counter = renumbered(part.counter, becomes);
		if (part.counter)
			parts[kept++] = part;
	}
	return kept;
}

static struct synfw_block renumber_block(const struct synfw_block *block, const uint16_t *becomes)
{
	struct synfw_block changed = *block;

	changed.counter = renumbered(block->counter, becomes);
	renumber_parts(changed.part, SYNFW_SCORE_PARTS, becomes);
	return changed;
}

/* ---- beside the packet path ---- */

/* Read again before it is written: what the packet path does to it in between, microseconds, is
 * lost. */
static int rename_block(const struct object *object, const struct synfw_addr6 *source,
			const uint16_t *becomes, struct fault *fault)
{
	int fd = object->map_fd[OBJECT_BLOCKS];
	struct synfw_block block, changed;

	if (!bpf_map_lookup_elem(fd, source, &block)) {
		changed = renumber_block(&block, becomes);
		if (!memcmp(&changed, &block, sizeof(changed)) ||
		    !bpf_map_update_elem(fd, source, &changed, BPF_EXIST))
			return 0;
	}
	return errno == ENOENT ? 0
			       : fault_system(fault, -errno, "cannot rename the cause of a block");
}

static int renumber_blocks(const struct object *object, const uint16_t *becomes,
			   struct fault *fault)
{
	CLEANUP(cleanup_free) struct blocked *blocks = NULL;
	struct synfw_block changed;
	size_t count = 0, i;
	int err = blocks_read(object, fault, &blocks, &count);

	for (i = 0; !err && i < count; i++) {
		changed = renumber_block(&blocks[i].block, becomes);
		if (memcmp(&changed, &blocks[i].block, sizeof(changed)))
			err = rename_block(object, &blocks[i].source, becomes, fault);
	}
	return err;
}

/* A rate or a port of a rule that is gone is none. Those elsewhere cannot be found, neither here
 * nor by another rule: their tag has the revision that the rule came with. */
static void renumber_limits(struct synfw_source *entry, const uint16_t *becomes)
{
	entry->rate_counter = renumbered(entry->rate_counter, becomes);
	if (!entry->rate_counter)
		entry->tat_boot_ns = 0;
	entry->port_counter = renumbered(entry->port_counter, becomes);
}

static bool renumber_entry(struct synfw_source *entry, struct synfw_more_parts *more, void *context)
{
	struct synfw_score_part parts[SYNFW_SCORE_PARTS] = {entry->part};
	const struct synfw_source entry_before = *entry;
	const struct synfw_more_parts more_before = *more;
	const uint16_t *becomes = context;

	memcpy(parts + 1, more->part, sizeof(more->part));
	synfw_entry_set_nr_parts(entry,
				 renumber_parts(parts, synfw_entry_nr_parts(entry), becomes));
	entry->part = parts[0];
	memcpy(more->part, parts + 1, sizeof(more->part));
	renumber_limits(entry, becomes);
	return memcmp(&entry_before, entry, sizeof(*entry)) ||
	       memcmp(&more_before, more, sizeof(*more));
}

/* Each counter that a rule of the policy has becomes itself, all others no rule. */
static uint16_t *counters_of(const struct manifest *policy)
{
	uint16_t *stays = calloc(RULE_NAMES_COUNTERS, sizeof(*stays)), counter;
	size_t i;

	if (!stays)
		return NULL;
	for (i = 0; i < policy->nr_rules; i++)
		stays[policy->rules[i].counter] = policy->rules[i].counter;
	for (i = 0; i < policy->nr_process_rules; i++) {
		counter = SYNFW_COUNTER_OF_PROCESSES + policy->process_rules[i].counter;
		stays[counter] = counter;
	}
	return stays;
}

int renumber_has_lost(const struct manifest *live, const struct manifest *next, struct fault *fault,
		      bool *ret_lost)
{
	CLEANUP(cleanup_free) uint16_t *stays = counters_of(next);
	const struct manifest_process_rule *process_rule;
	const struct manifest_rule *rule;
	size_t i;

	if (!stays)
		return fault_system(fault, -ENOMEM, "cannot compare the rules of two policies");
	*ret_lost = false;
	for (i = 0; i < live->nr_rules; i++) {
		rule = &live->rules[i];
		*ret_lost |= rule->remembered && !stays[rule->counter];
	}
	for (i = 0; i < live->nr_process_rules; i++) {
		process_rule = &live->process_rules[i];
		*ret_lost |= !stays[SYNFW_COUNTER_OF_PROCESSES + process_rule->counter];
	}
	return 0;
}

int renumber_forget(const struct object *object, const struct manifest *policy, struct fault *fault)
{
	CLEANUP(cleanup_free) uint16_t *stays = counters_of(policy);
	int err;

	if (!stays)
		return fault_system(fault, -ENOMEM, "cannot forget the rules that are gone");
	err = renumber_blocks(object, stays, fault);
	if (!err)
		err = peers_forget_rules(object, stays, fault);
	return err ? err : scores_change(object, renumber_entry, stays, fault);
}

/* ---- another datapath ---- */

/* As the packet path would have: without a place in the ring an entry is never taken for its room.
 */
static int note_place(const struct object *to, uint32_t place, const struct blocked *blocked,
		      struct fault *fault)
{
	const struct synfw_block_place taken = {
		.source = blocked->source,
		/* the map is asked about a block without an end */
		.expires_boot_ns = blocked->block.expires_boot_ns ? blocked->block.expires_boot_ns
								  : UINT64_MAX,
	};

	if (bpf_map_update_elem(to->map_fd[OBJECT_BLOCK_RING], &place, &taken, BPF_ANY))
		return fault_system(fault, -errno, "cannot keep a block");
	return 0;
}

static int move_cursor(const struct object *to, uint32_t cursor, struct fault *fault)
{
	struct synfw_runtime runtime;
	uint32_t key = 0;
	int fd = to->map_fd[OBJECT_RUNTIME];

	if (bpf_map_lookup_elem(fd, &key, &runtime))
		return fault_system(fault, -errno, "cannot keep the blocks");
	runtime.block_cursor = cursor;
	if (bpf_map_update_elem(fd, &key, &runtime, BPF_EXIST))
		return fault_system(fault, -errno, "cannot keep the blocks");
	return 0;
}

int renumber_copy_blocks(const struct object *from, const struct object *to,
			 const uint16_t *becomes, struct fault *fault)
{
	CLEANUP(blocks_writer_close) struct blocks_writer writer = BLOCKS_WRITER_NONE;
	CLEANUP(cleanup_free) struct blocked *blocks = NULL;
	struct synfw_block changed;
	size_t count = 0, i;
	int err = blocks_read(from, fault, &blocks, &count);

	if (!err)
		err = blocks_writer_open(to, fault, &writer);
	for (i = 0; !err && i < count; i++) {
		changed = renumber_block(&blocks[i].block, becomes);
		err = blocks_put(&writer, &blocks[i].source, &changed, fault);
		if (!err)
			err = note_place(to, i, &blocks[i], fault);
	}
	return err ? err : move_cursor(to, count, fault);
}
