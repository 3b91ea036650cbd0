/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_TALK_BPF_H
#define SYNFW_PROCESS_TALK_BPF_H

/* `on-peer-block`, seen from the processes: who talks with whom is noted, and who talks with a
 * source that is blocked is flagged. */
#include "common/filter.bpf.h"
#include "common/talk.bpf.h"
#include "event.bpf.h"
#include "peer_key.bpf.h"
#include "table.bpf.h"

/* ---- notes ----------------------------------------------------------------------------------- */

static __always_inline struct synfw_talker *talk_find(struct synfw_talk *talk,
						      const struct synfw_talker *talker)
{
	int i;

#pragma unroll
	for (i = 0; i < SYNFW_TALKERS; i++)
		if (talk->talker[i].pid == talker->pid &&
		    talk->talker[i].start_boot_ns == talker->start_boot_ns)
			return &talk->talker[i];
	return NULL;
}

/* In the place of the one that came first. Who reads it meanwhile finds nobody there, or a pid
 * that began at another time. */
static __always_inline void talk_put(struct synfw_talk *talk, const struct synfw_talker *talker)
{
	__u32 place = __sync_fetch_and_add(&talk->next, 1) % SYNFW_TALKERS;
	struct synfw_talker *to = &talk->talker[place];

	*(volatile __u32 *)&to->pid = 0;
	*(volatile __u64 *)&to->start_boot_ns = talker->start_boot_ns;
	*(volatile __u64 *)&to->seen_boot_ns = talker->seen_boot_ns;
	to->uid = talker->uid;
	to->gid = talker->gid;
	*(volatile __u32 *)&to->pid = talker->pid;
}

static __always_inline void talker_begin(struct synfw_talker *talker,
					 const struct synfw_process *entry, __u32 pid)
{
	talker->start_boot_ns = entry->start_boot_ns;
	talker->seen_boot_ns = bpf_ktime_get_boot_ns();
	talker->pid = pid;
}

/* Not with each datagram: to read this takes longer than the rest. */
static __always_inline void talker_complete(struct synfw_talker *talker, __u64 task)
{
	const struct cred *cred = BPF_CORE_READ((struct task_struct *)task, cred);

	talker->uid = BPF_CORE_READ(cred, euid.val);
	talker->gid = BPF_CORE_READ(cred, egid.val);
}

/* Notes that the process of a task talks with that source. Without room nobody is noted. */
static inline __noinline void talk_note(struct synfw_talker *talker, __u64 task,
					const union peer_key *source, __u32 ipv6_prefixlen)
{
	struct synfw_talk *talk = bpf_map_lookup_elem(&synfw_talks, source);
	struct synfw_talk first = {.next = 1};
	struct synfw_talker *note;

	first.ipv6_prefixlen = talk_prefixlen(source->word_be, ipv6_prefixlen);
	if (!talk || talk->ipv6_prefixlen != first.ipv6_prefixlen) {
		talker_complete(talker, task);
		first.talker[0] = *talker;
		if (!bpf_map_update_elem(&synfw_talks, source, &first,
					 talk ? BPF_ANY : BPF_NOEXIST))
			return;
		/* another process was first */
		talk = bpf_map_lookup_elem(&synfw_talks, source);
		if (!talk)
			return;
	}
	note = talk_find(talk, talker);
	if (!note) {
		talker_complete(talker, task);
		talk_put(talk, talker);
	} else if (talker->seen_boot_ns > note->seen_boot_ns + SYNFW_TALK_STEP_NS) {
		note->seen_boot_ns = talker->seen_boot_ns;
	}
}

/* Who can never be blocked, though another address of the same source may be. What `protect` names
 * is not known here. */
static __always_inline bool peer_is_spared(const union peer_key *address)
{
	return peer_is_nobody(address) || bpf_map_lookup_elem(&synfw_exempt, address);
}

/* ---- blocked sources ------------------------------------------------------------------------- */

static __always_inline bool source_is_blocked(const union peer_key *source, __u64 now_ns,
					      bool monitor)
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

static __always_inline void talker_flag(struct synfw_process *entry,
					const struct synfw_talker *talker,
					const struct talk_case *found)
{
	__u32 flags;

	if (!talker_hold(entry, talker, found, &flags))
		return;
	if (flags & SYNFW_PROCESS_EVENT_SPARED)
		tally(SYNFW_PROCESS_TALLY_SPARED);
	if (!event_limit_take(found->slot, found->now_ns, SYNFW_PROCESS_EVENTS_OF_NOTES))
		tally(SYNFW_PROCESS_TALLY_EVENTS_LIMITED);
	else if (!talker_tell(&synfw_process_events, entry, talker, found, flags))
		tally(SYNFW_PROCESS_TALLY_EVENTS_LOST);
}

static __always_inline void case_begin(struct talk_case *found,
				       const struct synfw_process_head *head,
				       const union peer_key *source)
{
	__builtin_memcpy(&found->source, source, sizeof(found->source));
	found->now_ns = bpf_ktime_get_boot_ns();
	found->slot = active_slot();
	found->monitor = head->monitor;
	found->ipv6_prefixlen = head->ipv6_prefixlen;
}

/* The process that runs, of that entry, talks with that address. It is noted whether or not it is
 * flagged already: it may be released. */
static inline __noinline void talk_found(struct synfw_process *entry,
					 const struct synfw_process_head *head,
					 const union peer_key *address)
{
	union peer_key source = *address;
	struct synfw_talker talker = {};
	struct talk_case found;

	if (peer_is_spared(address))
		return;
	peer_key_cut(&source, head->ipv6_prefixlen);
	talker_begin(&talker, entry, bpf_get_current_pid_tgid() >> 32);
	talk_note(&talker, bpf_get_current_task(), &source, head->ipv6_prefixlen);
	if (entry->flags & talk_known(head->monitor))
		return;
	talk_fence();
	if (!source_is_blocked(&source, talker.seen_boot_ns, head->monitor))
		return;
	case_begin(&found, head, &source);
	talker_complete(&talker, bpf_get_current_task());
	talker_flag(entry, &talker, &found);
}

/* User space has blocked a source. */
static __always_inline void talkers_flag(const union peer_key *source)
{
	const struct synfw_process_head *head = process_head(active_slot());
	const struct synfw_talk *talk;
	struct synfw_process *entry;
	struct synfw_talker talker;
	struct talk_case found;
	int i;

	if (!head || !head->on_peer_block)
		return;
	talk_fence();
	talk = bpf_map_lookup_elem(&synfw_talks, source);
	if (!talk || talk->ipv6_prefixlen != talk_prefixlen(source->word_be, head->ipv6_prefixlen))
		return;
	case_begin(&found, head, source);
#pragma unroll
	for (i = 0; i < SYNFW_TALKERS; i++) {
		talker = *(const volatile struct synfw_talker *)&talk->talker[i];
		entry = talker_entry(&synfw_processes, &talker, found.now_ns);
		if (entry)
			talker_flag(entry, &talker, &found);
		found.now_ns++; /* `release` tells heirs from strangers by the time */
	}
}

#endif
