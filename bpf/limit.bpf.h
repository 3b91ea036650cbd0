/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_LIMIT_BPF_H
#define SYNFW_LIMIT_BPF_H

/* Rates and ports tried: whether a packet exceeds the limit of a rule that it matches otherwise.
 * See <synfw/state.h>. */
#include "entry.bpf.h"
#include "runtime.bpf.h"
#include "source.bpf.h"
#include "walk.bpf.h"

#define NO_SLOT 0xff

/* Rates with less patience than this are asked by the exact time. */
#define FINE_BELOW_NS (50 * NS_PER_MS)

/* Effects lie in page 0, see synfw_header. */
static __always_inline const struct synfw_effect *effect_at(const struct image *image, __u32 number)
{
	__u32 line = image_header(image)->effect_base + number - 1;

	return (const struct synfw_effect *)(image->page0 + line % SYNFW_PAGE_LINES);
}

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

/* Is the entry's rate that of another rule, so that this one's is elsewhere? */
static __always_inline bool rate_is_elsewhere(const struct synfw_source *entry, __u32 counter,
					      __u64 now_ns)
{
	return entry->rate_counter && entry->rate_counter != counter &&
	       (entry->flags & SYNFW_ENTRY_RATES_ELSEWHERE || entry->tat_boot_ns > now_ns);
}

static __always_inline bool source_rate_exceeded(struct walk *walk, const struct image *image,
						 struct scratch *scratch, __u32 counter, __u64 seed)
{
	struct synfw_source *entry = entry_of(walk, image, scratch);
	const struct schedule *schedule = &scratch->schedule;
	bool known, elsewhere, exceeded = false, came = walk->noted & NOTED_ENTRY;
	struct entry_lost lost;
	__u64 tat_ns = 0;

	if (!entry)
		return false;
	bpf_spin_lock(&entry->lock);
	known = entry_take(entry, scratch, image_scoring(image), schedule->now_ns, came, &lost);
	elsewhere = known && rate_is_elsewhere(entry, counter, schedule->now_ns);
	if (elsewhere) {
		if (!read_only)
			entry->flags |= SYNFW_ENTRY_RATES_ELSEWHERE;
	} else {
		if (known && entry->rate_counter == counter)
			tat_ns = schedule_tat(schedule, entry->tat_boot_ns);
		exceeded = schedule_refuses(schedule, tat_ns);
		if (!exceeded && !read_only) {
			entry->rate_counter = counter;
			entry->tat_boot_ns = schedule_next(schedule, tat_ns);
		}
	}
	bpf_spin_unlock(&entry->lock);
	entry_taken(walk, &lost);
	if (!elsewhere)
		return exceeded;
	return other_rate_exceeded(synfw_source_hash(scratch->source.word_be, seed ^ counter));
}

/* How long ago a port was tried. One that another CPU has noted with a later clock is as young
 * as can be, and not 49 days old. What is kept is never older than two windows, which are a day
 * at most. */
static __always_inline __u32 port_age_ms(__u32 now_ms, __u32 at_ms)
{
	__u32 age_ms = now_ms - at_ms;

	return age_ms > ~0U / 2 ? 0 : age_ms;
}

/* Goes through the ports of a source; those that have left the window are set free. All that is
 * found is kept in the scratch area and not in registers: the verifier would follow each place
 * that a port may have through the rest of the loop. */
static __always_inline void ports_search(struct synfw_port_scan *scan,
					 volatile struct port_search *search)
{
	__u32 i;

	search->count = 0;
	search->oldest_ms = 0;
	search->same = NO_SLOT;
	search->free = NO_SLOT;
	search->oldest = 0;
#pragma clang loop unroll(disable)
	for (i = 0; i < SYNFW_MAX_DISTINCT_PORTS + 1; i++) {
		struct synfw_port_try *try = &scan->port[i];
		__u32 age_ms = port_age_ms(search->now_ms, try->at_boot_ms);

		if (i >= search->nr_ports)
			break;
		if (!try->used || age_ms >= search->window_ms) {
			if (!read_only)
				try->used = 0;
			search->free = i;
		} else if (try->port == search->port) {
			search->same = i;
		} else {
			search->count++;
			if (age_ms >= search->oldest_ms) {
				search->oldest_ms = age_ms;
				search->oldest = i;
			}
		}
	}
}

static __always_inline __u32 port_slot(const volatile struct port_search *search)
{
	__u32 slot = search->same;

	if (slot == NO_SLOT)
		slot = search->free;
	if (slot == NO_SLOT)
		slot = search->nr_ports;
	return slot < SYNFW_MAX_DISTINCT_PORTS + 1 ? slot : search->oldest;
}

static __always_inline void port_store(struct synfw_port_scan *scan, const struct schedule *schedule,
				       const volatile struct port_search *search)
{
	__u32 slot = port_slot(search);

	if (slot >= SYNFW_MAX_DISTINCT_PORTS + 1)
		return;
	scan->port[slot].port = search->port;
	scan->port[slot].used = 1;
	scan->port[slot].at_boot_ms = search->now_ms;
	scan->nr_ports = slot < search->nr_ports ? search->nr_ports : slot + 1;
	scan->until_boot_ns = clock_later(schedule->now_ns, schedule->interval_ns);
}

/* Adds scratch->ports.port, tried at its now_ms, to the ports of the tag: how many these are
 * then, within the window. 0: the place is another source's. */
__noinline int ports_try(__u64 tag)
{
	__u32 key = tag % SYNFW_PORT_SCANS;
	struct synfw_port_scan *scan = bpf_map_lookup_elem(&synfw_port_scans, &key);
	struct scratch *scratch = scratch_at_hand();
	volatile struct port_search *search;
	const struct schedule *schedule;
	bool live, lost;

	if (!scan || !scratch)
		return 0;
	search = &scratch->ports;
	schedule = &scratch->schedule;
	bpf_spin_lock(&scan->lock);
	live = scan->until_boot_ns > schedule->now_ns;
	lost = live && scan->tag != tag && scan->nr_ports > 1;
	if (!lost) {
		search->nr_ports = live && scan->tag == tag ? scan->nr_ports : 0;
		ports_search(scan, search);
		if (!read_only) {
			scan->tag = tag;
			port_store(scan, schedule, search);
		}
	}
	bpf_spin_unlock(&scan->lock);
	if (lost)
		tally(SYNFW_TALLY_SCANS_LOST);
	return lost ? 0 : search->count + 1;
}

/* With the entry's lock held. False: it is the only port that the source tried for the rule, as
 * far as is known, and the entry says so now. True: it belongs to others, of which search->moved
 * may still be in the entry. */
static __always_inline bool ports_are_elsewhere(struct synfw_source *entry, __u32 counter,
						volatile struct port_search *search)
{
	bool own = entry->port_counter == counter, elsewhere;

	search->moved_ms = entry->port_at_boot_ms;
	search->moved = entry->port;
	search->moves = own && entry->port != search->port &&
			port_age_ms(search->now_ms, entry->port_at_boot_ms) < search->window_ms;
	elsewhere = entry->flags & SYNFW_ENTRY_PORTS_ELSEWHERE || search->moves ||
		    (entry->port_counter && !own);
	if (read_only)
		return elsewhere;
	if (elsewhere)
		entry->flags |= SYNFW_ENTRY_PORTS_ELSEWHERE;
	if (!elsewhere || own) {
		entry->port_counter = elsewhere ? 0 : counter;
		entry->port = search->port;
		entry->port_at_boot_ms = search->now_ms;
	}
	return elsewhere;
}

/* How many ports the source has tried with this one, when there are others, else 1. 0: unknown. */
static __always_inline __u32 ports_count(struct scratch *scratch, __u64 tag)
{
	volatile struct port_search *search = &scratch->ports;
	__u32 now_ms = search->now_ms;
	__u16 port = search->port;

	if (search->moves && !read_only) {
		search->port = search->moved;
		search->now_ms = search->moved_ms;
		if (!ports_try(tag))
			return 0;
		search->port = port;
		search->now_ms = now_ms;
	}
	return ports_try(tag) + (search->moves && read_only);
}

static __always_inline bool ports_exceeded(struct walk *walk, const struct image *image,
					   struct scratch *scratch, __u32 counter, __u32 over)
{
	struct synfw_source *entry = entry_of(walk, image, scratch);
	volatile struct port_search *search = &scratch->ports;
	bool elsewhere, came = walk->noted & NOTED_ENTRY;
	struct synfw_runtime *runtime = runtime_at_hand();
	struct entry_lost lost;

	if (!entry || !runtime)
		return false;
	search->port = walk->pkt.l4_dst;
	search->now_ms = scratch->schedule.now_ns / NS_PER_MS;
	search->window_ms = scratch->schedule.interval_ns / NS_PER_MS;
	bpf_spin_lock(&entry->lock);
	elsewhere = entry_take(entry, scratch, image_scoring(image), scratch->schedule.now_ns, came,
			       &lost) &&
		    ports_are_elsewhere(entry, counter, search);
	bpf_spin_unlock(&entry->lock);
	entry_taken(walk, &lost);
	return (elsewhere ? ports_count(scratch, synfw_source_hash(scratch->source.word_be,
								   runtime->seed ^ counter))
			  : 1) > over;
}

static __always_inline bool has_ports(const struct packet *pkt)
{
	return pkt->region == SYNFW_L4_TCP || pkt->region == SYNFW_L4_UDP ||
	       pkt->region == SYNFW_L4_SCTP;
}

/* Does a jiffy matter? Where a rate lets through at once (`burst`) what takes it several
 * jiffies, it does not: what comes in one of them is within the burst. */
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

/* 1: the packet exceeds the rate of a rule; `counter` is the rule's, `number` its effect's. */
__noinline int rate_is_exceeded(struct walk *walk, __u32 number, __u32 counter)
{
	struct synfw_runtime *runtime = runtime_at_hand();
	struct scratch *scratch;
	struct image image;

	if (!runtime || !limit_open(walk, number, &image, &scratch))
		return 0;
	if (effect_at(&image, number)->limit == SYNFW_LIMIT_RATE)
		return rule_rate_exceeded(&scratch->schedule, counter);
	return source_rate_exceeded(walk, &image, scratch, counter, runtime->seed);
}

/* 1: with this packet the source has tried too many ports. */
__noinline int ports_are_exceeded(struct walk *walk, __u32 number, __u32 counter)
{
	struct scratch *scratch;
	struct image image;

	if (!limit_open(walk, number, &image, &scratch) || !has_ports(&walk->pkt))
		return 0;
	return ports_exceeded(walk, &image, scratch, counter, effect_at(&image, number)->over);
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
