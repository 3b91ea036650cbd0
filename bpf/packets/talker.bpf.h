/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_TALKER_BPF_H
#define SYNFW_TALKER_BPF_H

/* `on-peer-block`, seen from the packet path: a source has just been blocked, and who talks with it
 * is flagged. Sources are not blocked often, so this is not on the way of packets. What is told
 * of processes here is limited, and counted where it is not told, with blocked sources. */
#include "common/talk.bpf.h"
#include "event.bpf.h"

/* Maps of the process half. */
struct talker_maps {
	void *talks, *processes, *events;
};

static __always_inline void talker_flag(const struct image *image, const struct talker_maps *maps,
					const struct synfw_talker *note,
					const struct talk_case *found)
{
	/* another process may take the place meanwhile */
	const struct synfw_talker talker = *(const volatile struct synfw_talker *)note;
	struct synfw_process *entry = talker_entry(maps->processes, &talker, found->now_ns);
	struct synfw_runtime *runtime = runtime_at_hand();
	__u32 flags;

	if (!entry || !runtime || !talker_hold(entry, &talker, found, &flags))
		return;
	if (!event_limit_take(runtime, SYNFW_EVENTS_OF_SOURCES, image_logging(image),
			      found->now_ns))
		tally(SYNFW_TALLY_EVENTS_LIMITED);
	else if (!talker_tell(maps->events, entry, &talker, found, flags))
		tally(SYNFW_TALLY_EVENTS_LOST);
}

/* scratch->source is blocked. */
__noinline int talkers_flag(struct walk *walk)
{
	struct scratch *scratch = scratch_at_hand();
	struct talk_case found = {};
	const struct synfw_talk *talk;
	struct talker_maps maps;
	struct image image;
	__u32 zero = 0;
	int i;

	if (!walk || !scratch ||
	    !image_open(&image, walk->generation % SYNFW_NR_GENERATION_SLOTS) ||
	    !image_header(&image)->on_peer_block)
		return 0;
	maps.talks = bpf_map_lookup_elem(&synfw_link_talks, &zero);
	maps.processes = bpf_map_lookup_elem(&synfw_link_processes, &zero);
	maps.events = bpf_map_lookup_elem(&synfw_link_events, &zero);
	if (!maps.talks || !maps.processes || !maps.events)
		return 0;
	talk_fence();
	talk = bpf_map_lookup_elem(maps.talks, &scratch->source);
	found.ipv6_prefixlen = image_scoring(&image)->ipv6_prefixlen;
	if (!talk ||
	    talk->ipv6_prefixlen != talk_prefixlen(scratch->source.word_be, found.ipv6_prefixlen))
		return 0;
	__builtin_memcpy(&found.source, &scratch->source, sizeof(found.source));
	found.now_ns = walk_now_exactly(walk);
	found.slot = walk->generation;
	found.monitor = walk->monitor;
#pragma unroll
	for (i = 0; i < SYNFW_TALKERS; i++) {
		talker_flag(&image, &maps, &talk->talker[i], &found);
		found.now_ns++; /* `release` tells heirs from strangers by the time */
	}
	return 0;
}

#endif
