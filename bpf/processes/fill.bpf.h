/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_FILL_BPF_H
#define SYNFW_PROCESS_FILL_BPF_H

/*
 * The processes that were there before the programs or before a generation: an iterator over all
 * tasks makes the entries that are missing and, for a generation that is not in force yet, their
 * lineage; for the one in force only after some had found no room. Two passes: what each runs,
 * then what its parents run. A child that is forked meanwhile inherits what its parent has by
 * then, so a further pair of passes completes those that were missed.
 */
#include "act.bpf.h"

static __always_inline void fill_self(struct process_scratch *scratch, struct synfw_process *entry,
				      __u64 file, __u64 serial)
{
	struct synfw_lineage *lineage = &entry->lineage[scratch->slot % SYNFW_NR_GENERATION_SLOTS];

	if (lineage->serial == serial)
		return;
	class_of_process(scratch, entry, file, false);
	/* an exec meanwhile knows better */
	if (*(volatile __u64 *)&lineage->serial == serial)
		return;
	__builtin_memset(lineage, 0, sizeof(*lineage));
	terms_copy(lineage->self, scratch->self);
	lineage->path_flags = scratch->flags;
	lineage->unsure = self_is_unsure(scratch) ? SYNFW_UNSURE_SELF : 0;
	lineage->serial = serial;
}

static __always_inline void fill_parents(struct process_scratch *scratch,
					 struct synfw_process *entry, __u64 task, __u64 serial)
{
	struct synfw_lineage *lineage = &entry->lineage[scratch->slot % SYNFW_NR_GENERATION_SLOTS];

	if (lineage->serial != serial)
		return;
	lineage_of_parents(scratch, task, serial);
	terms_or(lineage->parent, scratch->parent);
	terms_or(lineage->ancestors, scratch->ancestors);
	lineage->unsure |= scratch->unsure;
}

/* What an entry says of memory is of when the process was last looked at, which is long ago
 * where no rule in force has asked for it: the timer was not attached. From now on it counts
 * anew. */
static __always_inline void fill_memory(struct synfw_process *entry, __u64 mm)
{
	const struct synfw_process_head *head = process_head(active_slot());

	if (!head || !(head->trigger[SYNFW_ON_ALLOCATION] || head->trigger[SYNFW_ON_GROWTH]))
		entry_begin_memory(entry, (const void *)mm);
}

/* Nobody can get those flags meanwhile: the generation in force has nothing that gives them. */
static __always_inline void fill_release(__u64 task, __u32 flags)
{
	struct synfw_process *entry =
		process_entry(BPF_CORE_READ((struct task_struct *)task, tgid));

	if (entry)
		__sync_fetch_and_and(&entry->flags, ~flags);
}

/* One socket: somebody is talked with. */
static long talks_step(__u32 index, struct sockets_loop *loop)
{
	union peer_key address = {};

	if (index >= loop->count)
		return 1;
	if (!peer_of_file(loop, index, &address) || peer_is_spared(&address))
		return 0;
	peer_key_cut(&address, loop->ipv6_prefixlen);
	talk_note(loop->talker, loop->task, &address, loop->ipv6_prefixlen);
	return 0;
}

/* The threads of a process have the same files, as a rule; its first may have ended. */
static __always_inline bool files_are_seen(__u64 task)
{
	const struct task_struct *leader = BPF_CORE_READ((struct task_struct *)task, group_leader);

	return (__u64)leader != task &&
	       BPF_CORE_READ(leader, files) == BPF_CORE_READ((struct task_struct *)task, files);
}

/* Who talked before there was a hook. */
static __always_inline void fill_talks(const struct synfw_process *entry, __u64 task,
				       const struct synfw_process_head *head)
{
	struct sockets_loop loop = {.ipv6_prefixlen = head->ipv6_prefixlen};
	struct synfw_talker talker = {};

	if (!head->on_peer_block || files_are_seen(task))
		return;
	talker_begin(&talker, entry, BPF_CORE_READ((struct task_struct *)task, tgid));
	loop.talker = &talker;
	loop.task = task;
	if (sockets_of(&loop, task))
		bpf_loop(SYNFW_MAX_PEER_FILES, talks_step, &loop, 0);
}

static __always_inline void process_fill(struct process_scratch *scratch, __u64 task)
{
	__u64 mm = (__u64)BPF_CORE_READ((struct task_struct *)task, mm);
	__u64 file = mm ? (__u64)BPF_CORE_READ((struct mm_struct *)mm, exe_file) : 0;
	const struct synfw_process_state *state;
	const struct synfw_process_head *head;
	struct synfw_process *entry;
	__u32 zero = 0;

	state = bpf_map_lookup_elem(&synfw_process_state, &zero);
	if (!state || !file || BPF_CORE_READ((struct task_struct *)task, flags) & PF_KTHREAD)
		return;
	if (state->fill_pass == SYNFW_FILL_RELEASE) {
		fill_release(task, state->release_flags);
		return;
	}
	scratch->slot = state->fill_slot % SYNFW_NR_GENERATION_SLOTS;
	head = process_head(scratch->slot);
	entry = entry_of_task(scratch, task);
	if (!head || !entry || !synfw_process_head_is_used(head))
		return;
	if (state->fill_pass == SYNFW_FILL_PARENTS) {
		fill_parents(scratch, entry, task, head->serial);
		return;
	}
	talked_forget(entry);
	fill_memory(entry, mm);
	fill_self(scratch, entry, file, head->serial);
	fill_talks(entry, task, head);
}

#endif
