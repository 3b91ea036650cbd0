/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_LIMIT_BPF_H
#define SYNFW_LIMIT_BPF_H

/* Whether a packet exceeds the limit of a rule that it matches otherwise. */
#include "packet.bpf.h"
#include "ports.bpf.h"
#include "rate.bpf.h"
#include "runtime.bpf.h"
#include "source.bpf.h"
#include "walk.bpf.h"

/* Rates with less patience than this are asked by the exact time. */
#define FINE_BELOW_NS (200 * NS_PER_MS)

/* Effects lie in page 0, see synfw_header. */
static __always_inline const struct synfw_effect *effect_at(const struct image *image, __u32 number)
{
	__u32 line = image_header(image)->effect_base + number - 1;

	return (const struct synfw_effect *)(image->page0 + line % SYNFW_PAGE_LINES);
}

/* Does a jiffy matter? Where a rate lets through at once (`burst`) what takes it many of them, it
 * does not: who uses the whole burst again and again, at the moment when it is there, is refused
 * one packet in a burst that lasts a hundred jiffies. */
static __always_inline bool limit_is_fine(const struct synfw_effect *effect)
{
	return effect->limit != SYNFW_LIMIT_PORTS && effect->tolerance_ns < FINE_BELOW_NS;
}

/* What it takes to ask a limit of the rule with that counter: false when something is missing. */
static __always_inline bool limit_open(struct walk *walk, __u32 number, struct image *image,
				       struct scratch **ret_scratch)
{
	const struct synfw_effect *effect;
	struct scratch *scratch;

	if (!walk || !image_open(image, walk->generation % SYNFW_NR_GENERATION_SLOTS))
		return false;
	scratch = scratch_of(walk, image);
	if (!scratch)
		return false;
	effect = effect_at(image, number);
	scratch->schedule.interval_ns = effect->interval_ns;
	scratch->schedule.tolerance_ns = effect->tolerance_ns;
	scratch->schedule.now_ns = limit_is_fine(effect) ? walk_now_exactly(walk) : walk_now(walk);
	*ret_scratch = scratch;
	return true;
}

/* For what there is of the limit elsewhere than in the entry. */
static __always_inline __u64 limit_seed(const struct image *image, __u32 number, __u32 counter)
{
	const struct synfw_runtime *runtime = runtime_at_hand();

	return runtime ? synfw_limit_seed(runtime->seed, counter, effect_at(image, number)->since)
		       : 0;
}

/* 1: the packet exceeds the rate of a rule; `counter` is the rule's, `number` its effect's. */
__noinline int rate_is_exceeded(struct walk *walk, __u32 number, __u32 counter)
{
	struct scratch *scratch;
	struct image image;

	if (!limit_open(walk, number, &image, &scratch))
		return 0;
	if (effect_at(&image, number)->limit == SYNFW_LIMIT_RATE)
		return rule_rate_exceeded(&scratch->schedule, counter);
	return source_rate_exceeded(walk, &image, scratch, counter,
				    limit_seed(&image, number, counter));
}

/* 1: with this packet the source has tried too many ports. */
__noinline int ports_are_exceeded(struct walk *walk, __u32 number, __u32 counter)
{
	struct scratch *scratch;
	struct image image;

	if (!limit_open(walk, number, &image, &scratch) || !has_ports(&walk->pkt))
		return 0;
	return ports_tried(walk, &image, scratch, counter, limit_seed(&image, number, counter)) >
	       effect_at(&image, number)->over;
}

/* Does a rule with an effect match a packet that all its fields match? Yes, unless it has a limit
 * that the packet does not exceed. */
static __always_inline bool limit_lets_match(const struct image *image, struct walk *walk,
					     __u32 number, __u32 counter)
{
	switch (effect_at(image, number)->limit) {
	case SYNFW_LIMIT_RATE:
	case SYNFW_LIMIT_SOURCE_RATE:
		return rate_is_exceeded(walk, number, counter);
	case SYNFW_LIMIT_PORTS:
		return ports_are_exceeded(walk, number, counter);
	default:
		return true;
	}
}

#endif
