/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_SCORE_BPF_H
#define SYNFW_SCORE_BPF_H

/* Scores of sources: leaky buckets in exact integers, see <synfw/state.h>. */
#include "runtime.bpf.h"
#include "source.bpf.h"
#include "walk.bpf.h"

#define SCORE_LEVEL_MAX (SYNFW_MAX_SCORE * SYNFW_SCORE_UNIT)

_Static_assert(2 * SCORE_LEVEL_MAX > SCORE_LEVEL_MAX, "a level and a packet's points can be added");

/* The level now. Divided, not multiplied first: the product may not fit. A clock that another CPU has
 * read a moment later stands still. */
static __always_inline __u64 score_leaked(const struct synfw_score *score, __u64 decay, __u64 now_ns)
{
	__u64 elapsed_ns = now_ns - score->updated_boot_ns;

	if (now_ns <= score->updated_boot_ns)
		return score->level;
	if (elapsed_ns > score->level / decay)
		return 0;
	return score->level - elapsed_ns * decay;
}

static __always_inline bool score_is_of(const struct synfw_score *score, const struct scratch *scratch)
{
	const __u64 *have = (const void *)&score->source, *want = (const void *)&scratch->source;

	return have[0] == want[0] && have[1] == want[1];
}

static __always_inline void part_add(struct synfw_score_part *part, __u32 hits, __u32 points)
{
	__u32 sum = part->points + points;

	part->points = sum < points ? ~0U : sum;
	hits += part->hits;
	part->hits = hits > 0xffff ? 0xffff : hits;
}

/* Adds what one rule gave to the rule's part, or to an unused one. Those of a fifth rule have none. */
static __always_inline void parts_add(struct synfw_score_part parts[SYNFW_SCORE_PARTS],
				      const struct synfw_score_part *given)
{
	int i;

#pragma unroll
	for (i = 0; i < SYNFW_SCORE_PARTS; i++) {
		if (parts[i].counter && parts[i].counter != given->counter)
			continue;
		parts[i].counter = given->counter;
		part_add(&parts[i], given->hits, given->points);
		return;
	}
}

/* The source's way of its set, with the level now; the lowest one when it has none. */
static __always_inline struct synfw_score *score_way(struct synfw_score_set *set,
						     const struct scratch *scratch, __u64 decay,
						     __u64 now_ns, __u64 *ret_level, bool *ret_lost)
{
	__u64 level, lowest = ~0ULL;
	struct synfw_score *way = &set->way[0];
	int i;

	*ret_lost = false;
#pragma unroll
	for (i = 0; i < SYNFW_SCORE_WAYS; i++) {
		if (!set->way[i].level || !score_is_of(&set->way[i], scratch))
			continue;
		*ret_level = score_leaked(&set->way[i], decay, now_ns);
		return &set->way[i];
	}
#pragma unroll
	for (i = 0; i < SYNFW_SCORE_WAYS; i++) {
		level = set->way[i].level ? score_leaked(&set->way[i], decay, now_ns) : 0;
		if (level < lowest) {
			lowest = level;
			way = &set->way[i];
		}
	}
	*ret_lost = lowest;
	*ret_level = 0;
	return way;
}

/* Adds the packet's points to its source's: scratch has the score before and after, and all parts. */
__noinline int score_add(struct walk *walk)
{
	__u64 now_ns, decay, before, after;
	struct synfw_score_set *set;
	struct synfw_score *way;
	struct scratch *scratch;
	struct image image;
	bool lost;
	__u32 key, points;
	int i;

	if (!walk || !image_open(&image, walk->generation % SYNFW_NR_GENERATION_SLOTS))
		return 0;
	scratch = scratch_of(walk, &image);
	if (!scratch)
		return 0;
	key = scratch->source_hash % SYNFW_SCORE_SETS;
	set = bpf_map_lookup_elem(&synfw_scores, &key);
	decay = image_scoring(&image)->decay;
	if (!set || !decay)
		return 0;
	now_ns = walk_now(walk);
	points = walk->decision.score < SYNFW_MAX_SCORE ? walk->decision.score : SYNFW_MAX_SCORE;

	bpf_spin_lock(&set->lock);
	way = score_way(set, scratch, decay, now_ns, &before, &lost);
	after = before + points * SYNFW_SCORE_UNIT;
	if (after > SCORE_LEVEL_MAX)
		after = SCORE_LEVEL_MAX;
	if (before)
		__builtin_memcpy(scratch->sum, way->part, sizeof(scratch->sum));
#pragma unroll
	for (i = 0; i < SYNFW_SCORE_PARTS; i++)
		if (scratch->part[i].counter)
			parts_add(scratch->sum, &scratch->part[i]);
	if (!read_only) {
		__builtin_memcpy(&way->source, &scratch->source, sizeof(way->source));
		__builtin_memcpy(way->part, scratch->sum, sizeof(way->part));
		if (!before || way->updated_boot_ns < now_ns)
			way->updated_boot_ns = now_ns;
		way->level = after;
	}
	bpf_spin_unlock(&set->lock);

	if (lost)
		tally(SYNFW_TALLY_SCORES_LOST);
	scratch->score_before = before;
	scratch->score_after = after;
	return 1;
}

#endif
