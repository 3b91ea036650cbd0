/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_ACT_BPF_H
#define SYNFW_PROCESS_ACT_BPF_H

/* What becomes of a process that was judged: points, the action, what is told. */
#include "event.bpf.h"
#include "judge.bpf.h"
#include "peers.bpf.h"
#include "score.bpf.h"
#include "table.bpf.h"

#define PF_KTHREAD 0x00200000

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
	scratch->action =
		scratch->fallback == SYNFW_PROCESS_FLAG ? SYNFW_PROCESS_FLAG : SYNFW_PROCESS_KILL;
}

/* Who was the first to set a flag is what it is held for. */
static __always_inline void flag_entry(const struct process_scratch *scratch,
				       struct synfw_process *entry, __u32 flags)
{
	__u32 before = __sync_fetch_and_or(&entry->flags, flags);

	if (!(flags & ~before))
		return;
	entry->flagged_boot_ns = scratch->now_ns;
	entry->counter = scratch->counter;
}

/* Does it to the process that runs. One that cannot be isolated for want of room is killed. */
static __always_inline void action_take(struct process_scratch *scratch,
					struct synfw_process *entry)
{
	__u32 action = scratch->action;

	if (action == SYNFW_PROCESS_ISOLATE && !entry)
		action = SYNFW_PROCESS_KILL;
	if (entry && action == SYNFW_PROCESS_ISOLATE)
		flag_entry(scratch, entry, SYNFW_PROCESS_FLAGGED | SYNFW_PROCESS_ISOLATED);
	else if (entry && action != SYNFW_PROCESS_SCORE)
		flag_entry(scratch, entry, SYNFW_PROCESS_FLAGGED);
	if (action == SYNFW_PROCESS_KILL)
		bpf_send_signal(SIGNAL_KILL);
	scratch->action = action;
}

/* Has the rule on memory that decided told of this image before? A process does the same with
 * its memory again and again. Two CPUs that are there at once tell it twice. */
static __always_inline bool is_told(const struct process_scratch *scratch,
				    struct synfw_process *entry, __u64 serial)
{
	__u64 bit = 1ULL << (scratch->index % SYNFW_MAX_MEMORY_RULES);

	if (entry->told_serial != serial) {
		entry->told_serial = serial;
		entry->told = 0;
	}
	if (entry->told & bit)
		return true;
	entry->told |= bit;
	return false;
}

/* Is an event worth telling? Each exec is; of memory each kill, all points that lead to nothing
 * yet, and what is new. */
static __always_inline bool is_news(const struct process_scratch *scratch,
				    struct synfw_process *entry, __u64 serial, bool acts)
{
	if (scratch->trigger == SYNFW_ON_EXEC || !entry || scratch->crossed)
		return true;
	if (scratch->action == SYNFW_PROCESS_SCORE ||
	    (acts && scratch->action == SYNFW_PROCESS_KILL))
		return true;
	if (scratch->bit != SYNFW_NO_PROCESS_BIT)
		return !is_told(scratch, entry, serial);
	return !(entry->flags & (scratch->action == SYNFW_PROCESS_ISOLATE ? SYNFW_PROCESS_ISOLATED
									  : SYNFW_PROCESS_FLAGGED));
}

/* Nothing is done to whoever runs a protected program, nor to PID 1. */
static __always_inline bool subject_is_spared(const struct process_scratch *scratch)
{
	return scratch->flags & SYNFW_PATH_PROTECTED || scratch->pid <= 1;
}

/* The rules have been asked about the process that runs, whose entry is `entry` (NULL: no room
 * for one). */
__noinline int act(struct process_scratch *scratch, struct synfw_process *entry)
{
	const struct synfw_process_head *head;
	bool spared, news;
	__u32 flags;

	if (!scratch)
		return 0;
	head = process_head(scratch->slot);
	spared = subject_is_spared(scratch);
	if (!head ||
	    (scratch->bit == SYNFW_NO_PROCESS_BIT && !scratch->points && !scratch->has_peers))
		return 0;
	/* first: what points lead to is compared with what is done */
	deny_fall_back(scratch);
	if (scratch->points && head->decay) {
		score_subject(scratch, head->decay);
		score_weigh(scratch, head);
	}
	if (scratch->has_peers && !spared)
		peers_begin(scratch, entry, head);
	flags = scratch->crossed ? SYNFW_PROCESS_EVENT_CROSSED : 0;
	news = is_news(scratch, entry, head->serial, !head->monitor && !spared);
	if (head->monitor) {
		flags |= SYNFW_PROCESS_EVENT_MONITOR;
	} else if (spared) {
		flags |= SYNFW_PROCESS_EVENT_SPARED;
		if (scratch->action != SYNFW_PROCESS_SCORE)
			tally(SYNFW_PROCESS_TALLY_SPARED);
	} else {
		action_take(scratch, entry);
	}
	if (news)
		event_send(scratch, entry, scratch->action, flags);
	return 0;
}

/* ---- the subject ----------------------------------------------------------------------------- */

/*
 * A judgement begins: by the generation in `slot`, of an event. All that a caller does not say
 * of the subject afterwards is as good as nothing: nobody, with arguments of which each may be
 * there. Returns the head, or NULL.
 */
static __always_inline const struct synfw_process_head *
subject_begin(struct process_scratch *scratch, __u32 slot, __u32 trigger)
{
	const struct synfw_process_head *head;
	__u32 bits;

	scratch->slot = slot % SYNFW_NR_GENERATION_SLOTS;
	scratch->trigger = trigger;
	scratch->pid = 0;
	scratch->uid = 0;
	scratch->gid = 0;
	scratch->cred = 0;
	scratch->bytes = 0;
	scratch->unsure = 0;
	scratch->args_state = ARGS_UNREADABLE;
	scratch->trial = false;
	scratch->now_ns = bpf_ktime_get_boot_ns();
	head = process_head(scratch->slot);
	if (!head)
		return NULL;
	bits = head->nr_bits < SYNFW_PROCESS_BITS ? head->nr_bits : SYNFW_PROCESS_BITS;
	scratch->nr_words = (bits + 63) / 64;
	return head;
}

static __always_inline void subject_of_task(struct process_scratch *scratch, __u64 task)
{
	const struct cred *cred = BPF_CORE_READ((struct task_struct *)task, cred);

	scratch->pid = BPF_CORE_READ((struct task_struct *)task, tgid);
	scratch->cred = (__u64)cred;
	scratch->uid = BPF_CORE_READ(cred, euid.val);
	scratch->gid = BPF_CORE_READ(cred, egid.val);
}

static __always_inline void subject_args(struct process_scratch *scratch, __u64 mm)
{
	scratch->args_at = BPF_CORE_READ((struct mm_struct *)mm, arg_start);
	scratch->args_end = BPF_CORE_READ((struct mm_struct *)mm, arg_end);
	scratch->args_first = true;
	scratch->args_state = ARGS_UNREAD;
}

/* ---- exec ------------------------------------------------------------------------------------ */

/* The lineage in a generation that is not in force yet, or only just not any more. */
static __always_inline void exec_other_slot(struct process_scratch *scratch, __u64 task, __u64 file,
					    __u32 slot)
{
	const struct synfw_process_head *head;
	struct synfw_process *entry;

	scratch->slot = !slot;
	head = process_head(!slot);
	if (!head ||
	    !(head->on_peer_block || (head->nr_bits && head->fields & SYNFW_PROCESS_ASKS_LINEAGE)))
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
	const struct synfw_process_head *head = subject_begin(scratch, slot, SYNFW_ON_EXEC);
	__u64 mm = (__u64)BPF_CORE_READ((struct task_struct *)task, mm);
	__u64 file = (__u64)BPF_CORE_READ((struct mm_struct *)mm, exe_file);
	struct synfw_process *entry = entry_of_task(scratch, task);

	if (entry) {
		bpf_get_current_comm(entry->comm, sizeof(entry->comm));
		entry_begin_image(entry, mm);
	}
	if (!head || !file)
		return;
	subject_of_task(scratch, task);
	if (synfw_process_head_is_used(head)) {
		tally(SYNFW_PROCESS_TALLY_EXECS);
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
