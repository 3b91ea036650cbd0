/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_TALK_BPF_H
#define SYNFW_PROCESS_TALK_BPF_H

/* `on-peer-block`, seen from the processes: who talks with whom is noted, and who talks with a
 * source that is blocked is flagged. */
#include "filter.bpf.h"
#include "process_event.bpf.h"
#include "process_peer_key.bpf.h"
#include "process_table.bpf.h"
#include "talk.bpf.h"

/* ---- notes ----------------------------------------------------------------------------------- */

static __always_inline bool talk_has(const struct synfw_talk *talk, const struct synfw_process *entry,
				     __u32 pid)
{
	int i;

#pragma unroll
	for (i = 0; i < SYNFW_TALKERS; i++)
		if (talk->talker[i].pid == pid &&
		    talk->talker[i].start_boot_ns == entry->start_boot_ns)
			return true;
	return false;
}

/* In the place of the one that came first. Who reads it meanwhile finds nobody there, or a pid
 * that began at another time. */
static __always_inline void talk_put(struct synfw_talk *talk, const struct synfw_talker *talker)
{
	__u32 place = __sync_fetch_and_add(&talk->next, 1) % SYNFW_TALKERS;
	struct synfw_talker *to = &talk->talker[place];

	*(volatile __u32 *)&to->pid = 0;
	*(volatile __u64 *)&to->start_boot_ns = talker->start_boot_ns;
	to->uid = talker->uid;
	to->gid = talker->gid;
	*(volatile __u32 *)&to->pid = talker->pid;
}

/* Notes that the process of a task talks with that source, of which `address` is one. */
static inline __noinline void talk_note(const struct synfw_process *entry, __u64 task,
					const union peer_key *address, const union peer_key *source)
{
	const struct cred *cred = BPF_CORE_READ((struct task_struct *)task, cred);
	struct synfw_talk *talk = bpf_map_lookup_elem(&synfw_talks, source);
	struct synfw_talk first = {};
	struct synfw_talker talker = {};

	talker.pid = BPF_CORE_READ((struct task_struct *)task, tgid);
	if (talk && talk_has(talk, entry, talker.pid))
		return;
	if (peer_is_nobody(address) || bpf_map_lookup_elem(&synfw_exempt, address))
		return;
	talker.start_boot_ns = entry->start_boot_ns;
	talker.uid = BPF_CORE_READ(cred, euid.val);
	talker.gid = BPF_CORE_READ(cred, egid.val);
	if (!talk) {
		first.talker[0] = talker;
		first.next = 1;
		if (!bpf_map_update_elem(&synfw_talks, source, &first, BPF_NOEXIST))
			return;
		/* another process was first; without room nobody is noted */
		talk = bpf_map_lookup_elem(&synfw_talks, source);
	}
	if (talk)
		talk_put(talk, &talker);
}

/* ---- blocked sources ------------------------------------------------------------------------- */

static __always_inline bool source_is_blocked(const union peer_key *source, __u64 now_ns, bool monitor)
{
	__u32 zero = 0;
	const struct synfw_runtime *runtime = bpf_map_lookup_elem(&synfw_runtime, &zero);
	const struct synfw_block *block;

	if (!runtime || !filter_has(&synfw_block_filter, SYNFW_BLOCK_FILTER_WORDS,
				    synfw_source_hash(source->word_be, runtime->seed)))
		return false;
	block = bpf_map_lookup_elem(&synfw_blocks, source);
	return block && block_is_live(block, now_ns) &&
	       (monitor || !(block->flags & SYNFW_BLOCK_MONITOR));
}

static __always_inline void talker_flag(struct synfw_process *entry, const struct synfw_talker *talker,
					const struct talk_case *found)
{
	__u32 flags;

	if (!talker_hold(entry, talker->pid, found, &flags))
		return;
	if (flags & SYNFW_PROCESS_EVENT_SPARED)
		tally(SYNFW_PROCESS_TALLY_SPARED);
	if (!event_limit_take(found->slot, found->now_ns, SYNFW_PROCESS_EVENTS_OF_NOTES))
		tally(SYNFW_PROCESS_TALLY_EVENTS_LIMITED);
	else if (!talker_tell(&synfw_process_events, entry, talker, found, flags))
		tally(SYNFW_PROCESS_TALLY_EVENTS_LOST);
}

/* The process that runs, of that entry, talks with that address. The note is made first: who
 * blocks the source at the same moment finds it, if the block is not found here. */
static inline __noinline void talk_found(struct synfw_process *entry, const struct synfw_process_head *head,
					 const union peer_key *address)
{
	__u64 task = bpf_get_current_task();
	union peer_key source = *address;
	struct talk_case found = {};
	struct synfw_talker talker = {};

	if (entry->flags & talk_known(head->monitor))
		return;
	peer_key_cut(&source, head->ipv6_prefixlen);
	talk_note(entry, task, address, &source);
	found.now_ns = bpf_ktime_get_boot_ns();
	if (!source_is_blocked(&source, found.now_ns, head->monitor))
		return;
	__builtin_memcpy(&found.source, &source, sizeof(found.source));
	found.slot = active_slot();
	found.monitor = head->monitor;
	talker.start_boot_ns = entry->start_boot_ns;
	talker.pid = bpf_get_current_pid_tgid() >> 32;
	talker.uid = BPF_CORE_READ((struct task_struct *)task, cred, euid.val);
	talker.gid = BPF_CORE_READ((struct task_struct *)task, cred, egid.val);
	talker_flag(entry, &talker, &found);
}

/* User space has blocked a source. */
static __always_inline void talkers_flag(const union peer_key *source)
{
	const struct synfw_process_head *head = process_head(active_slot());
	const struct synfw_talk *talk = bpf_map_lookup_elem(&synfw_talks, source);
	struct talk_case found = {};
	struct synfw_process *entry;
	int i;

	if (!head || !head->on_peer_block || !talk)
		return;
	__builtin_memcpy(&found.source, source, sizeof(found.source));
	found.now_ns = bpf_ktime_get_boot_ns();
	found.slot = active_slot();
	found.monitor = head->monitor;
#pragma unroll
	for (i = 0; i < SYNFW_TALKERS; i++) {
		entry = talker_entry(&synfw_processes, &talk->talker[i]);
		if (entry)
			talker_flag(entry, &talk->talker[i], &found);
	}
}

#endif
