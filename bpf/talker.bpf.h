/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_TALKER_BPF_H
#define SYNFW_TALKER_BPF_H

/* `on-peer-block`, seen from the packet path: a source has just been blocked, and who talks with it
 * is flagged. Sources are not blocked often, so this is not on the way of packets. */
#include "event.bpf.h"
#include "talk.bpf.h"

static __always_inline void talker_flag(struct walk *walk, const struct image *image, void *processes,
					void *events, const struct synfw_talker *talker,
					const struct talk_case *found)
{
	struct synfw_process *entry = talker_entry(processes, talker);
	struct synfw_runtime *runtime = runtime_at_hand();
	__u32 flags;

	if (!entry || !runtime || !talker_hold(entry, talker->pid, found, &flags))
		return;
	if (!event_limit_take(runtime, SYNFW_EVENTS_OF_SOURCES, image_logging(image), found->now_ns))
		tally(SYNFW_TALLY_EVENTS_LIMITED);
	else if (!talker_tell(events, entry, talker, found, flags))
		tally(SYNFW_TALLY_EVENTS_LOST);
}

/* scratch->source is blocked. */
__noinline int talkers_flag(struct walk *walk)
{
	struct scratch *scratch = scratch_at_hand();
	void *talks, *processes, *events;
	const struct synfw_talk *talk;
	struct talk_case found = {};
	struct image image;
	__u32 zero = 0;
	int i;

	if (!walk || !scratch || !image_open(&image, walk->generation % SYNFW_NR_GENERATION_SLOTS) ||
	    !image_header(&image)->on_peer_block)
		return 0;
	talks = bpf_map_lookup_elem(&synfw_link_talks, &zero);
	processes = bpf_map_lookup_elem(&synfw_link_processes, &zero);
	events = bpf_map_lookup_elem(&synfw_link_events, &zero);
	if (!talks || !processes || !events)
		return 0;
	talk = bpf_map_lookup_elem(talks, &scratch->source);
	if (!talk)
		return 0;
	__builtin_memcpy(&found.source, &scratch->source, sizeof(found.source));
	found.now_ns = walk_now_exactly(walk);
	found.slot = walk->generation;
	found.monitor = walk->monitor;
#pragma unroll
	for (i = 0; i < SYNFW_TALKERS; i++)
		talker_flag(walk, &image, processes, events, &talk->talker[i], &found);
	return 0;
}

#endif
