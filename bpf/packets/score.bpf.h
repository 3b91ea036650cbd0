/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_SCORE_BPF_H
#define SYNFW_SCORE_BPF_H

/* Scores of sources: leaky buckets in exact integers, see <synfw/state.h>. */
#include "entry.bpf.h"
#include "newcomer.bpf.h"
#include "runtime.bpf.h"
#include "source.bpf.h"
#include "walk.bpf.h"

/*
 * A struct synfw_score_part as one word. A processor that stores it in pieces and loads it whole
 * waits until all stores before have reached the cache, and in a flood some of them wait for
 * memory.
 */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first member is the lowest");
_Static_assert(offsetof(struct synfw_score_part, hits) == 2 &&
		       offsetof(struct synfw_score_part, points) == 4,
	       "members of a part");

static __always_inline __u64 part_word(__u32 counter, __u32 hits, __u32 points)
{
	return counter | (__u64)hits << 16 | (__u64)points << 32;
}

static __always_inline __u32 part_counter(__u64 part)
{
	return part & 0xffff;
}

/* The sum of two parts of the same rule; saturates. */
static __always_inline __u64 part_sum(__u64 part, __u64 given)
{
	__u32 hits = (part >> 16 & 0xffff) + (given >> 16 & 0xffff);
	__u32 points = part >> 32, sum = points + (given >> 32);

	return part_word(part_counter(given), hits > 0xffff ? 0xffff : hits,
			 sum < points ? ~0U : sum);
}

/* Adds what one rule gave to the rule's part, or to an unused one. Those of a fifth rule have
 * none. */
static __always_inline void parts_add(__u64 parts[SYNFW_SCORE_PARTS], __u64 given)
{
	int i;

#pragma unroll
	for (i = 0; i < SYNFW_SCORE_PARTS; i++) {
		if (parts[i] && part_counter(parts[i]) != part_counter(given))
			continue;
		parts[i] = part_sum(parts[i], given);
		return;
	}
}

/* The points of the source so far, and those of this packet, rule by rule: in scratch->sum. */
static __always_inline void parts_gather(struct scratch *scratch, const struct synfw_source *entry,
					 const struct synfw_more_parts *more, bool counts)
{
	const __u64 *others = (const void *)more->part;
	int i, nr_parts = synfw_entry_nr_parts(entry);

	if (counts && nr_parts) {
		scratch->sum[0] = *(const __u64 *)&entry->part;
#pragma unroll
		for (i = 1; i < SYNFW_SCORE_PARTS; i++)
			if (i < nr_parts)
				scratch->sum[i] = others[i - 1];
	}
#pragma unroll
	for (i = 0; i < SYNFW_SCORE_PARTS; i++)
		if (scratch->part[i])
			parts_add(scratch->sum, scratch->part[i]);
}

static __always_inline void parts_store(const struct scratch *scratch, struct synfw_source *entry,
					struct synfw_more_parts *more)
{
	__u64 *others = (void *)more->part;
	int i, nr_parts = !!scratch->sum[0];

	*(__u64 *)&entry->part = scratch->sum[0];
#pragma unroll
	for (i = 1; i < SYNFW_SCORE_PARTS; i++)
		if (scratch->sum[i]) {
			others[i - 1] = scratch->sum[i];
			nr_parts = i + 1;
		}
	synfw_entry_set_nr_parts(entry, nr_parts);
}

static __always_inline void level_store(struct synfw_source *entry, __u64 level, bool counts,
					__u64 now_ns)
{
	if (!counts || synfw_entry_updated_ns(entry) < now_ns)
		entry->times = synfw_entry_times(now_ns, entry->times);
	entry->level = level;
}

/* Adds the packet's points to its source's: scratch has the score before and after, and all
 * parts. */
__noinline int score_add(struct walk *walk)
{
	const struct synfw_scoring *scoring;
	struct synfw_more_parts *more;
	struct synfw_source *entry;
	struct scratch *scratch;
	__u64 now_ns, before = 0, after;
	struct image image;
	__u32 key, points;
	bool asked_before;

	if (!walk || !image_open(&image, walk->generation % SYNFW_NR_GENERATION_SLOTS))
		return 0;
	scratch = scratch_of(walk, &image);
	scoring = image_scoring(&image);
	if (!scratch || !scoring->decay)
		return 0;
	entry = entry_of(walk, &image, scratch);
	key = scratch->entry;
	more = bpf_map_lookup_elem(&synfw_more_parts, &key);
	if (!entry || !more)
		return 0;
	now_ns = walk_now(walk);
	asked_before = walk->noted & NOTED_ENTRY;
	points = walk->decision.score < SYNFW_MAX_SCORE ? walk->decision.score : SYNFW_MAX_SCORE;

	bpf_spin_lock(&entry->lock);
	if (entry_take(entry, scratch, scoring, now_ns, asked_before, &scratch->lost))
		before = score_leaked(entry, scoring, now_ns);
	newcomer_leave(entry, walk, &scratch->newcomer, now_ns, &scratch->lost);
	after = before + points * SYNFW_SCORE_UNIT;
	if (after > SCORE_LEVEL_MAX)
		after = SCORE_LEVEL_MAX;
	parts_gather(scratch, entry, more, before);
	if (!read_only) {
		parts_store(scratch, entry, more);
		level_store(entry, after, before, now_ns);
	}
	bpf_spin_unlock(&entry->lock);

	entry_taken(walk, &scratch->lost);
	scratch->score_before = before;
	scratch->score_after = after;
	return 1;
}

#endif
