/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_EVENT_BPF_H
#define SYNFW_PROCESS_EVENT_BPF_H

/* What is told of processes, and how much of it. What is left out is counted: nothing waits for
 * a reader. */
#include "scratch.bpf.h"

#define EVENT_LIMIT_TRIES 4
/* More than the clocks of two CPUs differ, and than a process is judged in. */
#define EVENT_SLACK_NS 1000000000ULL

static __always_inline __u32 event_bucket(__u32 action, __u32 flags)
{
	if (flags & (SYNFW_PROCESS_EVENT_MONITOR | SYNFW_PROCESS_EVENT_SPARED))
		return SYNFW_PROCESS_EVENTS_OF_NOTES;
	return action >= SYNFW_PROCESS_ISOLATE ? SYNFW_PROCESS_EVENTS_OF_ACTS
					       : SYNFW_PROCESS_EVENTS_OF_NOTES;
}

/* Takes one event from the limit. Without a lock: the last of several tries that another CPU
 * spoils counts as exhausted. A time further ahead than any event moves it was left by the rate
 * of a policy before. 1: it was there. */
__noinline int event_limit_take(__u32 slot, __u64 now_ns, __u32 bucket)
{
	const struct synfw_process_head *head = process_head(slot);
	struct synfw_process_runtime *runtime;
	__u32 zero = 0;
	int i;

	runtime = bpf_map_lookup_elem(&synfw_process_runtime, &zero);
	if (!head || !runtime || !head->limit_interval_ns)
		return true;
#pragma unroll
	for (i = 0; i < EVENT_LIMIT_TRIES; i++) {
		__u64 *place = &runtime->event_tat_boot_ns[bucket % SYNFW_NR_PROCESS_EVENT_BUCKETS];
		__u64 seen = *(const volatile __u64 *)place, tat_ns = seen;

		if (tat_ns >
		    now_ns + head->limit_tolerance_ns + head->limit_interval_ns + EVENT_SLACK_NS)
			tat_ns = 0;
		if (tat_ns > now_ns + head->limit_tolerance_ns)
			return false;
		if (tat_ns < now_ns)
			tat_ns = now_ns;
		if (__sync_val_compare_and_swap(place, seen, tat_ns + head->limit_interval_ns) ==
		    seen)
			return true;
	}
	return false;
}

/* `entry`: NULL if it has none. */
__noinline int event_send(const struct process_scratch *scratch, const struct synfw_process *entry,
			  __u32 action, __u32 flags)
{
	struct synfw_process_event *event;

	if (!scratch)
		return 0;
	if (!event_limit_take(scratch->slot, scratch->now_ns, event_bucket(action, flags))) {
		tally(SYNFW_PROCESS_TALLY_EVENTS_LIMITED);
		return 0;
	}
	event = bpf_ringbuf_reserve(&synfw_process_events, sizeof(*event), 0);
	if (!event) {
		tally(SYNFW_PROCESS_TALLY_EVENTS_LOST);
		return 0;
	}
	event->time_boot_ns = scratch->now_ns;
	event->start_boot_ns = entry ? entry->start_boot_ns : 0;
	event->pid = scratch->pid;
	event->parent = entry ? entry->parent : 0;
	event->uid = scratch->uid;
	event->gid = scratch->gid;
	event->score_before = scratch->score_before;
	event->score_after = scratch->score_after;
	event->counter = scratch->counter;
	event->trigger = scratch->trigger;
	event->action = action;
	event->flags = flags | (scratch->tail_cut ? SYNFW_PROCESS_EVENT_PATH_CUT : 0) |
		       (scratch->disguised ? SYNFW_PROCESS_EVENT_DISGUISED : 0);
	event->bytes = scratch->bytes;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	event->path_bytes = scratch->tail_bytes;
	event->peer_prefixlen = 0;
	__builtin_memset(event->reserved, 0, sizeof(event->reserved));
	__builtin_memset(&event->peer, 0, sizeof(event->peer));
	bpf_probe_read_kernel(event->path, sizeof(event->path), scratch->tail);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

#endif
