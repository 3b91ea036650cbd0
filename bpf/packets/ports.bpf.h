/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PORTS_BPF_H
#define SYNFW_PORTS_BPF_H

/* Destination ports that a source has tried, see <synfw/state.h>. */
#include "entry.bpf.h"
#include "newcomer.bpf.h"
#include "runtime.bpf.h"
#include "walk.bpf.h"

#define NO_SLOT 0xff

/* More than the clocks of two CPUs differ. */
#define PORT_SLACK_MS 1000

/* How long ago a port was tried, modulo 49 days. One that another CPU has noted with a later
 * clock is as young as can be. */
static __always_inline __u32 port_age_ms(__u32 now_ms, __u32 at_ms)
{
	__u32 age_ms = now_ms - at_ms;

	return age_ms > (__u32)-PORT_SLACK_MS ? 0 : age_ms;
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

static __always_inline void port_store(struct synfw_port_scan *scan,
				       const struct schedule *schedule,
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
						const struct schedule *schedule,
						volatile struct port_search *search)
{
	bool own = entry->port_counter == counter, elsewhere;

	search->moved_ms = entry->port_at_boot_ms;
	search->moved = entry->port;
	search->moves = own && entry->port != search->port && entry_held(entry, schedule->now_ns) &&
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
	entry_hold(entry, schedule->now_ns, schedule->interval_ns);
	return elsewhere;
}

/* How many ports the source has tried with this one, when there are others, else 1. 0: unknown.
 * A read-only program counts the port that is still in the entry as one more. */
static __always_inline __u32 ports_count(struct scratch *scratch, __u64 tag)
{
	volatile struct port_search *search = &scratch->ports;
	__u32 now_ms = search->now_ms, count;
	__u16 port = search->port;

	if (search->moves && !read_only) {
		search->port = search->moved;
		search->now_ms = search->moved_ms;
		if (!ports_try(tag))
			return 0;
		search->port = port;
		search->now_ms = now_ms;
	}
	count = ports_try(tag);
	return count && search->moves && read_only ? count + 1 : count;
}

/* The port is the first that its source tried. False: another rule was told so before. */
static __always_inline bool newcomer_takes_port(struct scratch *scratch, __u32 counter)
{
	struct newcomer *newcomer = &scratch->newcomer;

	if (newcomer->port_counter)
		return false;
	newcomer->port_counter = counter;
	newcomer->port = scratch->ports.port;
	newcomer->port_at_boot_ms = scratch->ports.now_ms;
	newcomer->port_window_ns = scratch->schedule.interval_ns;
	return true;
}

/* How many ports the packet's source has tried for the rule within the window. 0: unknown. */
static __always_inline __u32 ports_tried(struct walk *walk, const struct image *image,
					 struct scratch *scratch, __u32 counter, __u64 seed)
{
	struct synfw_source *entry = entry_of(walk, image, scratch);
	volatile struct port_search *search = &scratch->ports;
	bool elsewhere, asked_before;

	if (!entry)
		return 0;
	search->port = walk->pkt.l4_dst;
	search->now_ms = scratch->schedule.now_ns / NS_PER_MS;
	search->window_ms = scratch->schedule.interval_ns / NS_PER_MS;
	if (walk->noted & NOTED_NEWCOMER) {
		if (newcomer_takes_port(scratch, counter))
			return 1;
		newcomer_settle(walk);
	}
	asked_before = walk->noted & NOTED_ENTRY;
	bpf_spin_lock(&entry->lock);
	elsewhere = entry_take(entry, scratch, image_scoring(image), scratch->schedule.now_ns,
			       asked_before, &scratch->lost) &&
		    ports_are_elsewhere(entry, counter, &scratch->schedule, search);
	bpf_spin_unlock(&entry->lock);
	entry_taken(walk, &scratch->lost);
	return elsewhere ? ports_count(scratch, synfw_source_hash(scratch->source.word_be, seed))
			 : 1;
}

#endif
