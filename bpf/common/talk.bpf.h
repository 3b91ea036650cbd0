/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_TALK_BPF_H
#define SYNFW_TALK_BPF_H

/* A process talks with a source that is blocked: what is held against it, and told. By the packet
 * path and by the process programs, see <synfw/talk.h>; the maps are given, as each has its own
 * way to them. */
#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <synfw/process.h>
#include <synfw/talk.h>

/* What is the same for all who talk with the source. */
struct talk_case {
	struct synfw_addr6 source;
	__u64 now_ns;
	__u32 slot; /* of the generation in force */
	__u16 monitor;
	__u16 ipv6_prefixlen;
};

/* Between what one side writes and what it then looks for: the other side does it the other way
 * round, and one of the two must see what the other wrote. An atomic operation whose result is
 * used orders all others, on any processor. */
static __always_inline void talk_fence(void)
{
	__u64 place = 0, before = __sync_fetch_and_add(&place, 1);

	asm volatile("" : : "r"(before));
}

/* That a note counts under: no policy takes other parts of an IPv4 address. */
static __always_inline __u32 talk_prefixlen(const __be32 *word_be, __u32 ipv6_prefixlen)
{
	bool is_ipv4 = !word_be[0] && !word_be[1] && word_be[2] == bpf_htonl(0xffff);

	return is_ipv4 ? 0 : ipv6_prefixlen;
}

/* The flags that say that it is known of a process already. */
static __always_inline __u32 talk_known(__u32 monitor)
{
	return monitor ? SYNFW_PROCESS_TALKED | SYNFW_PROCESS_TALKED_MONITOR : SYNFW_PROCESS_TALKED;
}

/* One whose lineage is not known, as there was no room for its parent, is not. */
static __always_inline bool talker_is_protected(const struct synfw_process *entry, __u32 pid,
						__u32 slot)
{
	return pid <= 1 ||
	       entry->lineage[slot % SYNFW_NR_GENERATION_SLOTS].path_flags & SYNFW_PATH_PROTECTED;
}

/* False: that is known, or the entry is another process's by now. Else the flags of the event that
 * it is worth. Of two CPUs that find out at once one is told so. */
static __always_inline bool talker_hold(struct synfw_process *entry,
					const struct synfw_talker *talker,
					const struct talk_case *found, __u32 *ret_event_flags)
{
	__u32 flags = SYNFW_PROCESS_TALKED | SYNFW_PROCESS_FLAGGED, before;

	*ret_event_flags = 0;
	if (found->monitor) {
		flags = SYNFW_PROCESS_TALKED_MONITOR;
		*ret_event_flags = SYNFW_PROCESS_EVENT_MONITOR;
	} else if (talker_is_protected(entry, talker->pid, found->slot)) {
		flags = SYNFW_PROCESS_TALKED;
		*ret_event_flags = SYNFW_PROCESS_EVENT_SPARED;
	}
	before = __sync_fetch_and_or(&entry->flags, flags);
	/* It may have ended since, and its room be used again: taken back, unless the new one got
	 * flags of its own in between. Then it is flagged for nothing, until it is released. */
	if (*(volatile __u64 *)&entry->start_boot_ns != talker->start_boot_ns) {
		__sync_val_compare_and_swap(&entry->flags, before | flags, before);
		return false;
	}
	if (before & talk_known(found->monitor))
		return false;
	entry->talked_with = found->source;
	entry->talked_prefixlen = found->ipv6_prefixlen;
	if (flags & ~before & SYNFW_PROCESS_FLAGGED) {
		entry->flagged_boot_ns = found->now_ns;
		entry->counter = 0;
	}
	return true;
}

/* The process of a note that counts, if it still runs. */
static __always_inline struct synfw_process *
talker_entry(void *processes, const struct synfw_talker *talker, __u64 now_ns)
{
	struct synfw_process *entry;
	__u32 pid = talker->pid;

	/* signed: another CPU may have noted it after `now_ns` was read */
	if (!pid || (__s64)(now_ns - talker->seen_boot_ns) > (__s64)SYNFW_TALK_NS)
		return NULL;
	entry = bpf_map_lookup_elem(processes, &pid);
	return entry && entry->start_boot_ns == talker->start_boot_ns ? entry : NULL;
}

/* False: there was no room. */
static __always_inline bool talker_tell(void *events, const struct synfw_process *entry,
					const struct synfw_talker *talker,
					const struct talk_case *found, __u32 flags)
{
	struct synfw_process_event *event = bpf_ringbuf_reserve(events, sizeof(*event), 0);

	if (!event)
		return false;
	__builtin_memset(event, 0, sizeof(*event));
	event->time_boot_ns = found->now_ns;
	event->start_boot_ns = talker->start_boot_ns;
	event->pid = talker->pid;
	event->parent = entry->parent;
	event->uid = talker->uid;
	event->gid = talker->gid;
	event->trigger = SYNFW_ON_PEER_BLOCK;
	event->action = SYNFW_PROCESS_FLAG;
	event->flags = flags;
	__builtin_memcpy(event->comm, entry->comm, sizeof(event->comm));
	event->peer_prefixlen = found->ipv6_prefixlen;
	event->peer = found->source;
	bpf_ringbuf_submit(event, 0);
	return true;
}

#endif
