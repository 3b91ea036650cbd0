/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_ACT_BPF_H
#define SYNFW_PROCESS_ACT_BPF_H

/* What becomes of a process that was judged: points, the action, what is told. */
#include "process_judge.bpf.h"
#include "process_score.bpf.h"
#include "process_table.bpf.h"

#define PF_KTHREAD 0x00200000

static inline __noinline void event_send(const struct process_scratch *scratch,
					 const struct synfw_process *entry, __u32 action,
					 __u32 flags)
{
	struct synfw_process_event *event =
		bpf_ringbuf_reserve(&synfw_process_events, sizeof(*event), 0);

	if (!event) {
		tally(SYNFW_PROCESS_TALLY_EVENTS_LOST);
		return;
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
	event->flags = flags | (scratch->tail_cut ? SYNFW_PROCESS_EVENT_PATH_CUT : 0);
	event->bytes = scratch->bytes;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	event->path_bytes = scratch->tail_bytes;
	__builtin_memset(event->reserved, 0, sizeof(event->reserved));
	bpf_probe_read_kernel(event->path, sizeof(event->path), scratch->tail);
	bpf_ringbuf_submit(event, 0);
}

/* Reaching either threshold counts once; being above act-at, each time. */
static __always_inline void score_weigh(struct process_scratch *scratch,
					const struct synfw_process_head *head)
{
	__u32 before = scratch->score_before, after = scratch->score_after;
	__u32 action = SYNFW_PROCESS_SCORE;

	if (head->flag_at && after >= head->flag_at) {
		action = SYNFW_PROCESS_FLAG;
		scratch->crossed |= before < head->flag_at;
	}
	if (head->act_at && after >= head->act_at) {
		action = head->act;
		scratch->crossed |= before < head->act_at;
	}
	if (action > scratch->action)
		scratch->action = action;
}

/* `deny` that comes here was not denied before: what it falls back to. */
static __always_inline void deny_fall_back(struct process_scratch *scratch)
{
	if (scratch->action != SYNFW_PROCESS_DENY)
		return;
	scratch->action = scratch->fallback == SYNFW_PROCESS_FLAG ? SYNFW_PROCESS_FLAG
								  : SYNFW_PROCESS_KILL;
}

static __always_inline void flag_entry(const struct process_scratch *scratch,
				       struct synfw_process *entry, __u32 flags)
{
	if (!(entry->flags & SYNFW_PROCESS_FLAGGED))
		entry->flagged_boot_ns = scratch->now_ns;
	entry->counter = scratch->counter;
	entry->flags |= flags;
}

static __always_inline void peers_keep(const struct process_scratch *scratch,
				       struct synfw_process *entry)
{
	entry->peers_block_ns = scratch->peers_block_ns;
	entry->peers_score = scratch->peers_score;
	entry->counter_peers = scratch->counter_peers;
	entry->flags |= SYNFW_PROCESS_PEERS;
}

/* Does it to the process that runs. One that cannot be isolated for want of room is killed. */
static __always_inline void action_take(struct process_scratch *scratch, struct synfw_process *entry)
{
	__u32 action = scratch->action;

	if (action == SYNFW_PROCESS_ISOLATE && !entry)
		action = SYNFW_PROCESS_KILL;
	if (entry && scratch->has_peers)
		peers_keep(scratch, entry);
	if (entry && action == SYNFW_PROCESS_ISOLATE)
		flag_entry(scratch, entry, SYNFW_PROCESS_FLAGGED | SYNFW_PROCESS_ISOLATED);
	else if (entry && action != SYNFW_PROCESS_SCORE)
		flag_entry(scratch, entry, SYNFW_PROCESS_FLAGGED);
	if (action == SYNFW_PROCESS_KILL)
		bpf_send_signal(SIGNAL_KILL);
	scratch->action = action;
}

/* A flag that a memory rule has set is not told again for each further mapping. */
static __always_inline bool is_news(const struct process_scratch *scratch,
				    const struct synfw_process *entry)
{
	return scratch->trigger == SYNFW_ON_EXEC || scratch->action != SYNFW_PROCESS_FLAG || !entry ||
	       !(entry->flags & SYNFW_PROCESS_FLAGGED) || entry->counter != scratch->counter;
}

/* The rules have been asked about the process that runs, whose entry is `entry` (NULL: no room for one). */
static inline __noinline void act(struct process_scratch *scratch, struct synfw_process *entry)
{
	const struct synfw_process_head *head = process_head(scratch->slot);
	bool news;

	if (!head || (scratch->bit == SYNFW_NO_PROCESS_BIT && !scratch->points && !scratch->has_peers))
		return;
	if (scratch->points && head->decay) {
		score_subject(scratch, head->decay);
		score_weigh(scratch, head);
	}
	deny_fall_back(scratch);
	if (head->monitor) {
		event_send(scratch, entry, scratch->action,
			   SYNFW_PROCESS_EVENT_MONITOR |
				   (scratch->crossed ? SYNFW_PROCESS_EVENT_CROSSED : 0));
		return;
	}
	if (scratch->flags & SYNFW_PATH_PROTECTED || scratch->pid <= 1) {
		if (scratch->action != SYNFW_PROCESS_SCORE)
			tally(SYNFW_PROCESS_TALLY_SPARED);
		event_send(scratch, entry, scratch->action, SYNFW_PROCESS_EVENT_SPARED);
		return;
	}
	news = is_news(scratch, entry);
	action_take(scratch, entry);
	if (news)
		event_send(scratch, entry, scratch->action,
			   scratch->crossed ? SYNFW_PROCESS_EVENT_CROSSED : 0);
}

/* ---- exec ------------------------------------------------------------------------------------ */

static __always_inline void subject_of_task(struct process_scratch *scratch, __u64 task)
{
	const struct cred *cred = BPF_CORE_READ((struct task_struct *)task, cred);

	scratch->pid = BPF_CORE_READ((struct task_struct *)task, tgid);
	scratch->cred = (__u64)cred;
	scratch->uid = BPF_CORE_READ(cred, euid.val);
	scratch->gid = BPF_CORE_READ(cred, egid.val);
	scratch->bytes = 0;
	scratch->now_ns = bpf_ktime_get_boot_ns();
}

static __always_inline void subject_args(struct process_scratch *scratch, __u64 mm)
{
	scratch->args_at = BPF_CORE_READ((struct mm_struct *)mm, arg_start);
	scratch->args_end = BPF_CORE_READ((struct mm_struct *)mm, arg_end);
	scratch->args_first = true;
	scratch->args_state = ARGS_UNREAD;
}

static __always_inline void subject_words(struct process_scratch *scratch,
					  const struct synfw_process_head *head)
{
	__u32 bits = head->nr_bits < SYNFW_PROCESS_BITS ? head->nr_bits : SYNFW_PROCESS_BITS;

	scratch->nr_words = (bits + 63) / 64;
}

/* The lineage in a generation that is not in force yet, or only just not any more. */
static __always_inline void exec_other_slot(struct process_scratch *scratch, __u64 task, __u64 file,
					    __u32 slot)
{
	const struct synfw_process_head *head;
	struct synfw_process *entry;

	scratch->slot = !slot;
	head = process_head(!slot);
	if (!head || !head->nr_bits || !(head->fields & SYNFW_PROCESS_ASKS_LINEAGE))
		return;
	entry = process_entry(scratch->pid);
	if (!entry)
		return;
	lineage_of_subject(scratch, entry, task, head->serial);
	class_of_file(scratch, file, false);
	lineage_store(scratch, entry, head->serial);
}

static __always_inline void process_executed(struct process_scratch *scratch, __u64 task)
{
	__u32 slot = active_slot();
	const struct synfw_process_head *head = process_head(slot);
	__u64 mm = (__u64)BPF_CORE_READ((struct task_struct *)task, mm);
	__u64 file = (__u64)BPF_CORE_READ((struct mm_struct *)mm, exe_file);
	struct synfw_process *entry = entry_of_task(scratch, task);

	if (entry) {
		bpf_get_current_comm(entry->comm, sizeof(entry->comm));
		entry_begin_memory(entry, (const void *)mm);
	}
	if (!head || !file)
		return;
	scratch->slot = slot;
	scratch->trigger = SYNFW_ON_EXEC;
	subject_of_task(scratch, task);
	if (head->nr_bits) {
		tally(SYNFW_PROCESS_TALLY_EXECS);
		subject_words(scratch, head);
		subject_args(scratch, mm);
		lineage_of_subject(scratch, entry, task, head->serial);
		class_of_file(scratch, file, true);
		judge(scratch);
		if (entry)
			lineage_store(scratch, entry, head->serial);
		act(scratch, entry);
	}
	exec_other_slot(scratch, task, file, slot);
}

#endif
