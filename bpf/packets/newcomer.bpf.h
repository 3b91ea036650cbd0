/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_NEWCOMER_BPF_H
#define SYNFW_NEWCOMER_BPF_H

/*
 * A source without an entry, as each one of a flood is. What its limits say is known without a
 * look: it has no rate and tried no port. So what its packet leaves behind is noted, and written
 * with its score, or at the packet's end, under one lock where each would take its own.
 *
 * Until then another CPU may make the entry that source's. Each of the two packets is judged as
 * the first one, and so exceeds nothing; what both leave behind is added up. Of what
 * an entry has no room for, a rate of another rule or a second port, what this packet leaves is
 * lost, and counted (SYNFW_TALLY_RATES_LOST, SYNFW_TALLY_SCANS_LOST): one packet of a source's
 * first microsecond.
 */
#include "entry.bpf.h"
#include "runtime.bpf.h"
#include "walk.bpf.h"

/* With the lock held, of an entry that is the source's now. What has exceeded the rate by then
 * changes nothing, as any packet that does. */
static __always_inline void newcomer_leave_rate(struct synfw_source *entry,
						const struct newcomer *newcomer, __u64 now_ns,
						volatile struct entry_lost *lost)
{
	bool own = entry->rate_counter == newcomer->rate_counter;
	bool passed = entry->tat_boot_ns <= now_ns;
	__u64 tat_ns = own && !passed ? entry->tat_boot_ns : now_ns;

	if (!own &&
	    (entry->flags & SYNFW_ENTRY_RATES_ELSEWHERE || (entry->rate_counter && !passed))) {
		lost->rate = true;
		return;
	}
	if (tat_ns > clock_later(now_ns, newcomer->rate_tolerance_ns))
		return;
	entry->rate_counter = newcomer->rate_counter;
	entry->tat_boot_ns = clock_later(tat_ns, newcomer->rate_interval_ns);
}

/* As newcomer_leave_rate. */
static __always_inline void newcomer_leave_port(struct synfw_source *entry,
						const struct newcomer *newcomer, __u64 now_ns,
						volatile struct entry_lost *lost)
{
	if (entry->flags & SYNFW_ENTRY_PORTS_ELSEWHERE ||
	    (entry->port_counter &&
	     (entry->port_counter != newcomer->port_counter || entry->port != newcomer->port))) {
		lost->ports = true;
		return;
	}
	entry->port_counter = newcomer->port_counter;
	entry->port = newcomer->port;
	entry->port_at_boot_ms = newcomer->port_at_boot_ms;
	entry_hold(entry, now_ns, newcomer->port_window_ns);
}

/* With the lock held, of an entry that is the source's now: what the packet left so far. */
static __always_inline void newcomer_leave(struct synfw_source *entry, const struct walk *walk,
					   const struct newcomer *newcomer, __u64 now_ns,
					   volatile struct entry_lost *lost)
{
	if (!(walk->noted & NOTED_NEWCOMER) || read_only)
		return;
	if (newcomer->rate_counter)
		newcomer_leave_rate(entry, newcomer, now_ns, lost);
	if (newcomer->port_counter)
		newcomer_leave_port(entry, newcomer, now_ns, lost);
}

/* Makes the entry that was chosen the source's, who is no newcomer from then on. */
__noinline int newcomer_settle(struct walk *walk)
{
	struct synfw_source *entry;
	struct scratch *scratch;
	struct image image;
	__u64 now_ns;

	if (!walk || !image_open(&image, walk->generation % SYNFW_NR_GENERATION_SLOTS))
		return 0;
	scratch = scratch_at_hand();
	if (!scratch)
		return 0;
	entry = entry_at(scratch->entry);
	if (!entry)
		return 0;
	now_ns = walk_now(walk);
	bpf_spin_lock(&entry->lock);
	entry_take(entry, scratch, image_scoring(&image), now_ns, false, &scratch->lost);
	newcomer_leave(entry, walk, &scratch->newcomer, now_ns, &scratch->lost);
	bpf_spin_unlock(&entry->lock);
	entry_taken(walk, &scratch->lost);
	return 0;
}

#endif
