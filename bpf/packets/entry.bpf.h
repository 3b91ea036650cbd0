/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_ENTRY_BPF_H
#define SYNFW_ENTRY_BPF_H

/*
 * The entry of a packet's source, see struct synfw_source. It is chosen once a packet, without
 * its lock, and its number is kept; whoever then works on it takes the lock and looks again
 * whose it is.
 */
#include "runtime.bpf.h"
#include "source.bpf.h"
#include "walk.bpf.h"

#define SCORE_LEVEL_MAX (SYNFW_MAX_SCORE * SYNFW_SCORE_UNIT)

_Static_assert(2 * SCORE_LEVEL_MAX > SCORE_LEVEL_MAX, "a level and a packet's points can be added");

/* The level now, without a division. A clock that another CPU has read a moment later stands
 * still. */
static __always_inline __u64 score_leaked(const struct synfw_source *entry,
					  const struct synfw_scoring *scoring, __u64 now_ns)
{
	__u64 updated_ns = synfw_entry_updated_ns(entry), leaked;
	__u64 elapsed_ns = synfw_entry_moment_ns(now_ns) - updated_ns;

	if (now_ns <= updated_ns)
		return entry->level;
	if (elapsed_ns > scoring->longest_ns)
		return 0;
	leaked = elapsed_ns * scoring->decay;
	return leaked < entry->level ? entry->level - leaked : 0;
}

static __always_inline bool entry_is_of(const struct synfw_source *entry,
					const struct scratch *scratch)
{
	const __u64 *have = (const void *)&entry->source, *want = (const void *)&scratch->source;

	return have[0] == want[0] && have[1] == want[1];
}

static __always_inline struct synfw_source *entry_at(__u32 key)
{
	return bpf_map_lookup_elem(&synfw_sources, &key);
}

#define ENTRY_ELSEWHERE (SYNFW_ENTRY_RATES_ELSEWHERE | SYNFW_ENTRY_PORTS_ELSEWHERE)

static __always_inline __u64 entry_unit(__u64 now_ns)
{
	return now_ns >> SYNFW_ENTRY_HELD_SHIFT;
}

/* Units that an entry with ports, or with anything elsewhere, is in use for them; 0: it is not. */
static __always_inline __u16 entry_held(const struct synfw_source *entry, __u64 now_ns)
{
	__u16 units = entry->times - entry_unit(now_ns);

	if (!entry->port_counter && !(entry->flags & ENTRY_ELSEWHERE))
		return 0;
	return units > (SYNFW_ENTRY_HELD_MAX_NS >> SYNFW_ENTRY_HELD_SHIFT) + 1 ? 0 : units;
}

/* With the lock held, of an entry that has ports, or something elsewhere, by now: it is in use that
 * long at least. */
static __always_inline void entry_hold(struct synfw_source *entry, __u64 now_ns, __u64 for_ns)
{
	__u16 units;

	if (for_ns > SYNFW_ENTRY_HELD_MAX_NS)
		for_ns = SYNFW_ENTRY_HELD_MAX_NS;
	units = entry_unit(now_ns + for_ns) + 1 - entry_unit(now_ns);
	if (entry_held(entry, now_ns) < units)
		entry->times = synfw_entry_times(synfw_entry_updated_ns(entry),
						 entry_unit(now_ns) + units);
}

/* 0: what the entry says is over. Else the more, the later it is given up. */
static __always_inline __u64 entry_worth(const struct synfw_source *entry,
					 const struct synfw_scoring *scoring, __u64 now_ns)
{
	__u64 level = scoring->decay ? score_leaked(entry, scoring, now_ns) : 0;

	if (!level && entry->tat_boot_ns <= now_ns && !entry_held(entry, now_ns))
		return 0;
	return (entry->flags & SYNFW_ENTRY_CAME_AGAIN ? 2 * SCORE_LEVEL_MAX : 1) + level;
}

/* The way that a source without an entry takes. */
static __always_inline __u32 entry_victim(const struct synfw_source *first,
					  const struct synfw_source *second,
					  const struct synfw_scoring *scoring, __u64 now_ns)
{
	__u64 first_worth = entry_worth(first, scoring, now_ns);
	__u64 second_worth = entry_worth(second, scoring, now_ns);

	if (first_worth != second_worth)
		return second_worth < first_worth;
	if (first->tat_boot_ns != second->tat_boot_ns)
		return second->tat_boot_ns < first->tat_boot_ns;
	return entry_held(second, now_ns) < entry_held(first, now_ns);
}

/* The way that the source is to have, who leaves nothing behind yet. */
static __always_inline __u32 entry_for_newcomer(struct walk *walk, const struct image *image,
						struct scratch *scratch,
						const struct synfw_source *first,
						const struct synfw_source *second)
{
	scratch->newcomer.rate_counter = 0;
	scratch->newcomer.port_counter = 0;
	walk->noted |= NOTED_NEWCOMER;
	return entry_victim(first, second, image_scoring(image), walk_now(walk));
}

/* The entry that is the source's, or is to become it; never NULL. */
static __always_inline struct synfw_source *entry_of(struct walk *walk, const struct image *image,
						     struct scratch *scratch)
{
	__u32 key = scratch->source_hash % SYNFW_SOURCE_SETS * SYNFW_SOURCE_WAYS;
	const struct synfw_source *first, *second;

	if (walk->noted & (NOTED_ENTRY | NOTED_NEWCOMER))
		return entry_at(scratch->entry);
	first = entry_at(key);
	second = entry_at(key + 1);
	if (!first || !second)
		return NULL;
	/* the first, when both are: so does user space */
	if (!entry_is_of(first, scratch)) {
		if (entry_is_of(second, scratch))
			key++;
		else
			key += entry_for_newcomer(walk, image, scratch, first, second);
	}
	scratch->entry = key;
	return entry_at(key);
}

/* Asks the memory for the lines of the set before they are needed, so that they come while the
 * rules are asked. By stores: they wait for their lines in a buffer of their own, while the rest of
 * the packet goes on. What comes after a load that waits cannot be retired, and a processor holds
 * no more of it than takes half the time. */
static __always_inline void entry_expect(const struct scratch *scratch)
{
	__u32 key = scratch->source_hash % SYNFW_SOURCE_SETS * SYNFW_SOURCE_WAYS;
	struct synfw_source *first = entry_at(key), *second = entry_at(key + 1);

	if (!first || !second || read_only)
		return;
	*(volatile __u8 *)&first->touched = 0;
	*(volatile __u8 *)&second->touched = 0;
}

/* With the lock held, of an entry that is another source's. */
static __always_inline void entry_lose(const struct synfw_source *entry,
				       const struct synfw_scoring *scoring, __u64 now_ns,
				       volatile struct entry_lost *lost)
{
	bool held = entry_held(entry, now_ns);

	lost->score = scoring->decay && score_leaked(entry, scoring, now_ns);
	lost->rate =
		entry->tat_boot_ns > now_ns || (held && entry->flags & SYNFW_ENTRY_RATES_ELSEWHERE);
	lost->ports = held && (entry->port_counter || entry->flags & SYNFW_ENTRY_PORTS_ELSEWHERE);
}

/*
 * With the lock held: makes the entry the source's. `asked_before`: by this packet, for another
 * rule. A read-only program leaves the entry as it is; false: it is not the source's, and says
 * nothing.
 */
static __always_inline bool entry_take(struct synfw_source *entry, const struct scratch *scratch,
				       const struct synfw_scoring *scoring, __u64 now_ns,
				       bool asked_before, volatile struct entry_lost *lost)
{
	__u64 *source = (void *)&entry->source;

	lost->score = false;
	lost->rate = false;
	lost->ports = false;
	if (entry->flags & SYNFW_ENTRY_USED && entry_is_of(entry, scratch)) {
		if (!read_only && !asked_before)
			entry->flags |= SYNFW_ENTRY_CAME_AGAIN;
		return true;
	}
	if (read_only)
		return false;
	entry_lose(entry, scoring, now_ns, lost);
	source[0] = scratch->source.half_be[0];
	source[1] = scratch->source.half_be[1];
	entry->level = 0;
	entry->times = synfw_entry_times(now_ns, entry_unit(now_ns));
	entry->tat_boot_ns = 0;
	entry->rate_counter = 0;
	entry->port_counter = 0;
	entry->flags = SYNFW_ENTRY_USED;
	return true;
}

/* After the lock. */
static __always_inline void entry_taken(struct walk *walk, const volatile struct entry_lost *lost)
{
	walk->noted = (walk->noted & ~NOTED_NEWCOMER) | NOTED_ENTRY;
	if (lost->score)
		tally(SYNFW_TALLY_SCORES_LOST);
	if (lost->rate)
		tally(SYNFW_TALLY_RATES_LOST);
	if (lost->ports)
		tally(SYNFW_TALLY_SCANS_LOST);
}

#endif
