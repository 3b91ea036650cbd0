/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_BLOCK_BPF_H
#define SYNFW_BLOCK_BPF_H

/* Blocked sources: who is one, and how one becomes one. See <synfw/state.h>. */
#include "common/filter.bpf.h"
#include "runtime.bpf.h"
#include "source.bpf.h"
#include "walk.bpf.h"

#define BLOCK_NO_HINT ~0ULL /* of a place: ask the map */

/* False for all but those that are blocked, or were, and a few whose hash is the same. */
static __always_inline bool source_is_suspected(const struct image *image, struct walk *walk)
{
	struct synfw_runtime *runtime = runtime_at_hand();
	struct source source;

	if (!runtime || filter_is_empty(&synfw_block_filter, SYNFW_BLOCK_FILTER_WORDS))
		return false;
	source_of(&source, image, &walk->pkt);
	return filter_has(&synfw_block_filter, SYNFW_BLOCK_FILTER_WORDS,
			  source_hash(walk, runtime, &source));
}

/* 0, or 1 + counter of the rule that the source is blocked for. What a policy that only monitors
 * blocked is not blocked for one that blocks. */
__noinline int source_is_blocked(struct walk *walk)
{
	const struct synfw_block *block;
	struct source source;
	struct image image;

	if (!walk || !image_open(&image, walk->generation % SYNFW_NR_GENERATION_SLOTS))
		return 0;
	source_of(&source, &image, &walk->pkt);
	block = bpf_map_lookup_elem(&synfw_blocks, &source);
	if (!block || !block_is_live(block, walk_now(walk)))
		return 0;
	if (block->flags & SYNFW_BLOCK_MONITOR && !image_header(&image)->monitor)
		return 0;
	return 1 + block->counter;
}

static __always_inline void block_filter_add(__u64 hash)
{
	filter_add(&synfw_block_filter, SYNFW_BLOCK_FILTER_WORDS, hash);
}

/* May the place be given to another source? Its block is removed when it has expired. A place
 * that two CPUs hold, after 65,536 insertions between two lines of this one, is free when either
 * ends. */
static __always_inline bool block_place_is_free(const struct synfw_block_place *place, __u64 now_ns)
{
	const struct synfw_block *block;

	if (place->expires_boot_ns > now_ns && place->expires_boot_ns != BLOCK_NO_HINT)
		return false;
	block = bpf_map_lookup_elem(&synfw_blocks, &place->source);
	if (!block)
		return true;
	if (block_is_live(block, now_ns))
		return false;
	bpf_map_delete_elem(&synfw_blocks, &place->source);
	return true;
}

struct blocks_sweep {
	__u64 now_ns;
	bool freed;
};

static long block_sweep(void *blocks, const struct source *source, const struct synfw_block *block,
			struct blocks_sweep *sweep)
{
	if (block->cause == SYNFW_BLOCK_OPERATOR && !block_is_live(block, sweep->now_ns) &&
	    !bpf_map_delete_elem(blocks, source))
		sweep->freed = true;
	return 0;
}

/* Frees what user space put in and has expired: it has no place in the ring. Else a list of
 * addresses that an operator once blocked for an hour could keep the datapath from blocking for
 * ever. */
static __always_inline bool blocks_make_room(struct synfw_runtime *runtime, __u64 now_ns)
{
	struct blocks_sweep sweep = {.now_ns = now_ns};

	if (!sweep_is_due(&runtime->block_swept_ms, now_ns))
		return false;
	bpf_for_each_map_elem(&synfw_blocks, block_sweep, &sweep, 0);
	return sweep.freed;
}

/* Tries one place of the ring for scratch->block: it takes one of its own from the cursor, so no
 * two CPUs look at the same one. A function of its own, so that the verifier goes through it once.
 * 1: done. */
__noinline int block_try(__u64 now_ns)
{
	struct synfw_runtime *runtime = runtime_at_hand();
	struct scratch *scratch = scratch_at_hand();
	struct synfw_block_place *place;
	__u64 expires_ns;
	__u32 key;

	if (!scratch || !runtime)
		return 0;
	key = __sync_fetch_and_add(&runtime->block_cursor, 1) % SYNFW_MAX_BLOCKS;
	place = bpf_map_lookup_elem(&synfw_block_ring, &key);
	expires_ns = scratch->block.expires_boot_ns;
	if (!place || !block_place_is_free(place, now_ns))
		return 0;
	block_filter_add(scratch->source_hash);
	/* refused when user space has filled the map without the ring: the next place may be one
	 * whose entry can go */
	if (bpf_map_update_elem(&synfw_blocks, &scratch->source, &scratch->block, BPF_ANY) &&
	    (!blocks_make_room(runtime, now_ns) ||
	     bpf_map_update_elem(&synfw_blocks, &scratch->source, &scratch->block, BPF_ANY)))
		return 0;
	__builtin_memcpy(&place->source, &scratch->source, sizeof(place->source));
	place->expires_boot_ns = expires_ns == BLOCK_FOREVER ? BLOCK_NO_HINT : expires_ns;
	return 1;
}

/* Puts scratch->block into the map, with a place in the ring. False: none was found. */
static __always_inline bool block_insert(__u64 now_ns)
{
	int i;

#pragma clang loop unroll(disable)
	for (i = 0; i < SYNFW_BLOCK_PROBES; i++)
		if (block_try(now_ns))
			return true;
	tally(SYNFW_TALLY_BLOCKS_FULL);
	return false;
}

/* Does `expires_ns` come after the other? */
static __always_inline bool block_is_longer(__u64 expires_ns, __u64 other_ns)
{
	if (other_ns == BLOCK_FOREVER)
		return false;
	return expires_ns == BLOCK_FOREVER || expires_ns > other_ns;
}

/* How long the next offence costs. */
static __always_inline __u64 block_for_ns(const struct synfw_scoring *scoring, __u32 offences)
{
	return scoring->block_for_ns[offences < 2 ? offences : 2];
}

/* What scratch->block becomes. `old`: the entry so far, if it counts in the policy's mode. */
static __always_inline void block_compose(struct scratch *scratch, const struct walk *walk,
					  const struct synfw_block *old, __u32 cause, __u32 counter)
{
	struct synfw_block *block = &scratch->block;

	block->offences = old ? old->offences : 0;
	if (cause == SYNFW_BLOCK_SCORE && block->offences + 1)
		block->offences++;
	block->since_boot_ns = walk->now_ns;
	block->score = scratch->score_after / SYNFW_SCORE_UNIT;
	block->counter = counter;
	block->cause = cause;
	block->flags = walk->monitor ? SYNFW_BLOCK_MONITOR : 0;
	block->pid = cause == SYNFW_BLOCK_PEER ? scratch->block_pid : 0;
	__builtin_memcpy(block->part, scratch->sum, sizeof(block->part));
}

/*
 * Blocks the source: for `for_ns` or, when the cause is its score, for what its offences cost.
 * 1: a block was made, or made longer; scratch->block says which.
 *
 * Two CPUs may find at the same time that a score has reached drop-at. The second one sees the
 * block of the first and leaves it; when it does not see it yet, both write the same offence.
 * When one CPU renews an entry that another is about to free for its room, the block may be
 * lost: the score is still there and the next packet makes it again.
 */
__noinline int block_source(struct walk *walk, __u64 for_ns, __u32 cause, __u32 counter)
{
	const struct synfw_block *entry, *old;
	struct scratch *scratch;
	struct image image;
	__u64 now_ns, expires_ns;

	if (!walk || !image_open(&image, walk->generation % SYNFW_NR_GENERATION_SLOTS))
		return 0;
	scratch = scratch_of(walk, &image);
	if (!scratch)
		return 0;
	now_ns = walk_now(walk);
	entry = bpf_map_lookup_elem(&synfw_blocks, &scratch->source);
	old = entry && entry->flags & SYNFW_BLOCK_MONITOR && !walk->monitor ? NULL : entry;
	if (cause == SYNFW_BLOCK_SCORE)
		for_ns = block_for_ns(image_scoring(&image), old ? old->offences : 0);
	expires_ns = for_ns ? clock_later(now_ns, for_ns) : BLOCK_FOREVER;
	if (old && block_is_live(old, now_ns) &&
	    ((cause == SYNFW_BLOCK_SCORE && old->cause == cause) ||
	     !block_is_longer(expires_ns, old->expires_boot_ns)))
		return 0;
	block_compose(scratch, walk, old, cause, counter);
	scratch->block.expires_boot_ns = expires_ns;
	/* what user space put in has no place in the ring */
	if (entry && entry->cause != SYNFW_BLOCK_OPERATOR) {
		block_filter_add(scratch->source_hash);
		if (!bpf_map_update_elem(&synfw_blocks, &scratch->source, &scratch->block,
					 BPF_EXIST))
			return 1;
	}
	return block_insert(now_ns);
}

#endif
