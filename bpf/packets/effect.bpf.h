/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_EFFECT_BPF_H
#define SYNFW_EFFECT_BPF_H

/* What the rules that a packet matched do beyond its verdict: they are noted during the walk,
 * and done at its end, when it is certain that nothing spares the source. */
#include "block.bpf.h"
#include "dynamic.bpf.h"
#include "event.bpf.h"
#include "limit.bpf.h"
#include "score.bpf.h"
#include "talker.bpf.h"
#include "walk.bpf.h"

/* A member is not written again for an expiry that is later by less. */
#define MEMBER_STEP_NS (100 * NS_PER_MS)

static __always_inline void effect_note(struct walk *walk, struct scratch *scratch,
					const struct synfw_effect *effect, __u32 counter)
{
	if (effect->block_ns > scratch->block_ns) {
		scratch->block_ns = effect->block_ns;
		scratch->block_counter = counter;
		walk->noted |= NOTED_EFFECT;
	}
	if (effect->add_to) {
		scratch->adds_to |= 1U << ((effect->add_to - 1) % SYNFW_MAX_DYNAMIC_SETS);
		walk->noted |= NOTED_EFFECT;
	}
	if (effect->log && !(walk->noted & NOTED_LOG)) {
		scratch->log_counter = counter;
		walk->noted |= NOTED_LOG;
	}
}

/* A rule that is not monitored matched: its points, and its effect `number`, 0: none. */
__noinline int rule_note(struct walk *walk, __u32 counter, __u32 points, __u32 number)
{
	struct scratch *scratch;
	struct image image;

	if (!walk || !image_open(&image, walk->generation % SYNFW_NR_GENERATION_SLOTS))
		return 0;
	scratch = scratch_of(walk, &image);
	if (!scratch)
		return 0;
	if (points) {
		parts_add(scratch->part, part_word(counter, 1, points));
		scratch->score_counter = counter;
		walk->noted |= NOTED_SCORE;
	}
	if (number)
		effect_note(walk, scratch, effect_at(&image, number), counter);
	return 0;
}

static __always_inline bool member_stays(const struct synfw_member *member, __u64 expires_ns,
					 __u64 now_ns)
{
	__u64 old_ns = *(const volatile __u64 *)&member->expires_ns;

	return !old_ns || (expires_ns && old_ns > now_ns && expires_ns <= old_ns + MEMBER_STEP_NS);
}

/* Counted from the time on, which the verifier does not know: it would follow each step of a
 * count from 0, and give up. */
struct members_sweep {
	__u64 now_ns, visited;
	bool freed;
};

/* One that is renewed at this very moment may be lost: the next packet that matches puts it in
 * again. */
static long member_sweep(void *members, const struct source *source,
			 const struct synfw_member *member, struct members_sweep *sweep)
{
	__u64 expires_ns = *(const volatile __u64 *)&member->expires_ns;

	if (expires_ns && expires_ns <= sweep->now_ns && !bpf_map_delete_elem(members, source))
		sweep->freed = true;
	return ++sweep->visited - sweep->now_ns >= SYNFW_SET_SWEEP_MEMBERS;
}

/* Takes out of a full set what has expired: with no process running nobody else would, and the
 * set would take nobody in any more. False: that was not the time, or there is none. */
static __always_inline bool members_make_room(void *members, __u32 number, __u64 now_ns)
{
	struct synfw_runtime *runtime = runtime_at_hand();
	struct members_sweep sweep = {.now_ns = now_ns, .visited = now_ns};

	if (!runtime ||
	    !sweep_is_due(&runtime->set_swept_ms[number % SYNFW_MAX_DYNAMIC_SETS], now_ns))
		return false;
	bpf_for_each_map_elem(members, member_sweep, &sweep, 0);
	return sweep.freed;
}

/* Puts the packet's source into a dynamic set of its generation. A live member stays at least as
 * long as it would have. A function of its own, so that the verifier goes through it once and not
 * for each set. */
__noinline int member_add(struct walk *walk, __u32 number)
{
	const struct synfw_runtime *runtime = runtime_at_hand();
	const struct synfw_dynamic_sets *sets;
	struct synfw_member member = {};
	const struct synfw_member *old;
	struct source source;
	__u32 slot, set;
	__u64 timeout_ns;
	void *members;

	if (!walk || !runtime || number >= SYNFW_MAX_DYNAMIC_SETS)
		return 0;
	slot = walk->generation % SYNFW_NR_GENERATION_SLOTS;
	set = slot * SYNFW_MAX_DYNAMIC_SETS + number;
	sets = bpf_map_lookup_elem(&synfw_dynamic_sets, &slot);
	members = bpf_map_lookup_elem(&synfw_members, &set);
	if (!sets || !members)
		return 0;
	address_key(&source, walk->pkt.family, &walk->pkt.src);
	timeout_ns = sets->set[number % SYNFW_MAX_DYNAMIC_SETS].timeout_ns;
	if (timeout_ns)
		member.expires_ns = clock_later(walk_now(walk), timeout_ns);
	old = bpf_map_lookup_elem(members, &source);
	if (old && member_stays(old, member.expires_ns, walk_now(walk)))
		return 0;
	filter_add(&synfw_member_filter, SYNFW_MEMBER_FILTER_WORDS,
		   synfw_source_hash(source.word_be, runtime->seed));
	if (!bpf_map_update_elem(members, &source, &member, BPF_ANY))
		return 0;
	if (!members_make_room(members, number, walk_now(walk)) ||
	    bpf_map_update_elem(members, &source, &member, BPF_ANY))
		tally(SYNFW_TALLY_SETS_FULL);
	return 0;
}

static __always_inline void members_add(struct walk *walk, __u32 adds_to)
{
	__u32 i;

#pragma clang loop unroll(disable)
	for (i = 0; i < SYNFW_MAX_DYNAMIC_SETS; i++)
		if (adds_to >> i & 1)
			member_add(walk, i);
}

static __always_inline bool logging_wants(const struct image *image, __u32 kind)
{
	return !read_only && image_logging(image)->events >> kind & 1;
}

/* The source has just been blocked, or for longer. */
static __always_inline void blocked_tell(struct xdp_md *ctx, struct walk *walk,
					 const struct image *image, __u32 counter)
{
	if (logging_wants(image, SYNFW_EVENT_BLOCK))
		event_tell(ctx, walk, SYNFW_EVENT_BLOCK, counter);
	talkers_flag(walk);
}

/* The source's score, and what comes of it. */
static __always_inline void score_source(struct xdp_md *ctx, struct walk *walk,
					 const struct image *image, struct scratch *scratch)
{
	const struct synfw_scoring *scoring = image_scoring(image);
	__u64 flag_at = scoring->flag_at * SYNFW_SCORE_UNIT,
	      drop_at = scoring->drop_at * SYNFW_SCORE_UNIT;
	__u32 counter = scratch->score_counter;

	if (!scoring->decay || !score_add(walk))
		return;
	if (drop_at && scratch->score_after >= drop_at) {
		walk->decision.verdict = SYNFW_DROP;
		walk->decision.reason = SYNFW_REASON_SCORE;
		walk->decision.counter = counter;
	}
	if (flag_at && scratch->score_before < flag_at && scratch->score_after >= flag_at &&
	    logging_wants(image, SYNFW_EVENT_FLAG))
		event_tell(ctx, walk, SYNFW_EVENT_FLAG, counter);
	if (!read_only && drop_at && scratch->score_after >= drop_at &&
	    block_source(walk, 0, SYNFW_BLOCK_SCORE, counter))
		blocked_tell(ctx, walk, image, counter);
}

/* Is there anything to be held against the source? */
static __always_inline bool effects_are_noted(const struct image *image, const struct walk *walk)
{
	return walk->noted & NOTED_EFFECT ||
	       (walk->noted & NOTED_SCORE && image_scoring(image)->decay);
}

/* Holds against the source what the rules noted. Inlined, so that what it calls finds the stack
 * that it needs: no chain of calls may have more than 512 bytes. */
static __always_inline void effects_apply(struct xdp_md *ctx, struct walk *walk,
					  const struct image *image)
{
	struct scratch *scratch = scratch_at_hand();

	if (!scratch)
		return;
	if (walk->noted & NOTED_SCORE)
		score_source(ctx, walk, image, scratch);
	if (read_only || !(walk->noted & NOTED_EFFECT))
		return;
	if (scratch->block_ns &&
	    block_source(walk, scratch->block_ns, SYNFW_BLOCK_RULE, scratch->block_counter))
		blocked_tell(ctx, walk, image, scratch->block_counter);
	if (scratch->adds_to)
		members_add(walk, scratch->adds_to);
}

#endif
