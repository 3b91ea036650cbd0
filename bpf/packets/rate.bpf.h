/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_RATE_BPF_H
#define SYNFW_RATE_BPF_H

/* Rates, of a rule as a whole and of each source: virtual schedules, see <synfw/state.h>. */
#include "entry.bpf.h"
#include "newcomer.bpf.h"
#include "runtime.bpf.h"
#include "walk.bpf.h"

/* More than the clocks of two CPUs differ, which have read them before they took a lock. */
#define SCHEDULE_SLACK_NS 1000000000ULL

/* What a schedule goes by. No packet moves a time further ahead than this: what lies there was
 * left by another rate, of a policy before or of a rule that had the counter, and says nothing
 * of this one. */
static __always_inline __u64 schedule_tat(const struct schedule *schedule, __u64 tat_ns)
{
	__u64 latest_ns = clock_later(schedule->now_ns, schedule->tolerance_ns);

	latest_ns = clock_later(latest_ns, schedule->interval_ns);
	return tat_ns > clock_later(latest_ns, SCHEDULE_SLACK_NS) ? 0 : tat_ns;
}

static __always_inline bool schedule_refuses(const struct schedule *schedule, __u64 tat_ns)
{
	return tat_ns > clock_later(schedule->now_ns, schedule->tolerance_ns);
}

static __always_inline __u64 schedule_next(const struct schedule *schedule, __u64 tat_ns)
{
	return clock_later(tat_ns > schedule->now_ns ? tat_ns : schedule->now_ns,
			   schedule->interval_ns);
}

static __always_inline bool rule_rate_exceeded(const struct schedule *schedule, __u32 counter)
{
	struct synfw_rule_rate *rate = bpf_map_lookup_elem(&synfw_rule_rates, &counter);
	bool exceeded;
	__u64 tat_ns;

	if (!rate)
		return false;
	bpf_spin_lock(&rate->lock);
	tat_ns = schedule_tat(schedule, rate->tat_boot_ns);
	exceeded = schedule_refuses(schedule, tat_ns);
	if (!exceeded && !read_only)
		rate->tat_boot_ns = schedule_next(schedule, tat_ns);
	bpf_spin_unlock(&rate->lock);
	return exceeded;
}

/* The way with the tag, else the one with the smallest time, which is free if that has passed. */
static __always_inline struct synfw_source_rate *rate_way(struct synfw_rate_set *set, __u64 tag)
{
	struct synfw_source_rate *way = &set->way[0];
	int i;

#pragma unroll
	for (i = 0; i < SYNFW_RATE_WAYS; i++) {
		if (set->way[i].tag == tag)
			return &set->way[i];
		if (set->way[i].tat_boot_ns < way->tat_boot_ns)
			way = &set->way[i];
	}
	return way;
}

/* Of a source that is held to several rates at the same time: those that are not in its entry. */
__noinline int other_rate_exceeded(__u64 tag)
{
	__u32 key = tag % SYNFW_RATE_SETS;
	struct synfw_rate_set *set = bpf_map_lookup_elem(&synfw_source_rates, &key);
	const struct scratch *scratch = scratch_at_hand();
	const struct schedule *schedule;
	struct synfw_source_rate *way;
	bool exceeded, lost;
	__u64 tat_ns;

	if (!set || !scratch)
		return 0;
	schedule = &scratch->schedule;
	bpf_spin_lock(&set->lock);
	way = rate_way(set, tag);
	tat_ns = way->tag == tag ? schedule_tat(schedule, way->tat_boot_ns) : 0;
	lost = way->tag != tag && way->tat_boot_ns > schedule->now_ns;
	exceeded = schedule_refuses(schedule, tat_ns);
	if (!exceeded && !read_only) {
		way->tag = tag;
		way->tat_boot_ns = schedule_next(schedule, tat_ns);
	}
	bpf_spin_unlock(&set->lock);
	if (lost)
		tally(SYNFW_TALLY_RATES_LOST);
	return exceeded;
}

/* With the entry's lock held: is the rate of the rule not in it? Then the entry is held until it
 * has passed, so that it is not looked for in vain. */
static __always_inline bool rate_is_elsewhere(struct synfw_source *entry, __u32 counter,
					      const struct schedule *schedule)
{
	bool elsewhere = entry->flags & SYNFW_ENTRY_RATES_ELSEWHERE ||
			 (entry->rate_counter && entry->tat_boot_ns > schedule->now_ns);

	if (entry->rate_counter == counter || !elsewhere)
		return false;
	if (!read_only) {
		entry->flags |= SYNFW_ENTRY_RATES_ELSEWHERE;
		entry_hold(entry, schedule->now_ns,
			   clock_later(schedule->tolerance_ns, schedule->interval_ns));
	}
	return true;
}

/* The first packet of a source exceeds no rate. False: another rule was told so before. */
static __always_inline bool newcomer_takes_rate(struct scratch *scratch, __u32 counter)
{
	struct newcomer *newcomer = &scratch->newcomer;

	if (newcomer->rate_counter)
		return false;
	newcomer->rate_counter = counter;
	newcomer->rate_interval_ns = scratch->schedule.interval_ns;
	newcomer->rate_tolerance_ns = scratch->schedule.tolerance_ns;
	return true;
}

static __always_inline bool source_rate_exceeded(struct walk *walk, const struct image *image,
						 struct scratch *scratch, __u32 counter, __u64 seed)
{
	struct synfw_source *entry = entry_of(walk, image, scratch);
	const struct schedule *schedule = &scratch->schedule;
	bool known, elsewhere, exceeded = false, asked_before;
	__u64 tat_ns = 0;

	if (!entry)
		return false;
	if (walk->noted & NOTED_NEWCOMER) {
		if (newcomer_takes_rate(scratch, counter))
			return false;
		newcomer_settle(walk);
	}
	asked_before = walk->noted & NOTED_ENTRY;
	bpf_spin_lock(&entry->lock);
	known = entry_take(entry, scratch, image_scoring(image), schedule->now_ns, asked_before,
			   &scratch->lost);
	elsewhere = known && rate_is_elsewhere(entry, counter, schedule);
	if (!elsewhere) {
		if (known && entry->rate_counter == counter)
			tat_ns = schedule_tat(schedule, entry->tat_boot_ns);
		exceeded = schedule_refuses(schedule, tat_ns);
		if (!exceeded && !read_only) {
			entry->rate_counter = counter;
			entry->tat_boot_ns = schedule_next(schedule, tat_ns);
		}
	}
	bpf_spin_unlock(&entry->lock);
	entry_taken(walk, &scratch->lost);
	if (!elsewhere)
		return exceeded;
	return other_rate_exceeded(synfw_source_hash(scratch->source.word_be, seed));
}

#endif
