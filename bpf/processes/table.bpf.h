/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_TABLE_BPF_H
#define SYNFW_PROCESS_TABLE_BPF_H

/* What is remembered of processes: from fork to the exit of the last thread, see
 * <synfw/process.h>. */
#include "class.bpf.h"
#include "scratch.bpf.h"

#define EEXIST		  17
#define PF_EXITING	  0x00000004
#define SIGNAL_KILL	  9
#define NR_LIVING_PARENTS 32 /* that are asked for the lineage of a process that is not known */

static inline __noinline struct synfw_process *process_entry(__u32 pid)
{
	return bpf_map_lookup_elem(&synfw_processes, &pid);
}

#define MEMBERS_FILE  0
#define MEMBERS_ANON  1
#define MEMBERS_SHMEM 3

static __always_inline __s64 resident_bytes(const struct mm_struct *mm)
{
	__s64 pages;

	if (bpf_core_type_exists(struct mm_rss_stat)) {
		const struct mm_struct___atomic *counted = (const void *)mm;
		__s64 count[4] = {};

		bpf_core_read(count, sizeof(count), &counted->rss_stat);
		pages = count[MEMBERS_FILE] + count[MEMBERS_ANON] + count[MEMBERS_SHMEM];
	} else {
		const struct mm_struct___percpu *counted = (const void *)mm;

		pages = BPF_CORE_READ(counted, rss_stat[MEMBERS_FILE].count) +
			BPF_CORE_READ(counted, rss_stat[MEMBERS_ANON].count) +
			BPF_CORE_READ(counted, rss_stat[MEMBERS_SHMEM].count);
	}
	return pages > 0 ? pages * PAGE_BYTES : 0;
}

/* What a process has when it begins, or is first seen, is no request and no growth. */
static __always_inline void entry_begin_memory(struct synfw_process *entry,
					       const struct mm_struct *mm)
{
	entry->mapped_bytes = BPF_CORE_READ(mm, total_vm) * PAGE_BYTES;
	entry->resident_bytes = resident_bytes(mm);
}

/* Who was not flagged for whom it talked with, as it is protected or the policy monitors, is told
 * of anew: it runs another file, or there is another policy. A packet that flags it meanwhile wins.
 */
static __always_inline void talked_forget(struct synfw_process *entry)
{
	__u32 flags = *(volatile __u32 *)&entry->flags;

	if (flags & SYNFW_PROCESS_TALKED_ANY && !(flags & SYNFW_PROCESS_FLAGGED))
		__sync_val_compare_and_swap(&entry->flags, flags,
					    flags & ~SYNFW_PROCESS_TALKED_ANY);
}

/* It runs a file from its beginning. */
static __always_inline void entry_begin_image(struct synfw_process *entry, __u64 mm)
{
	__u64 file = (__u64)BPF_CORE_READ((struct mm_struct *)mm, exe_file);

	entry_begin_memory(entry, (const void *)mm);
	entry->told = 0;
	__sync_fetch_and_and(&entry->flags, ~SYNFW_PROCESS_DISGUISED);
	talked_forget(entry);
	if (file)
		file_identify(&entry->file, file);
	else
		entry->file.kind = 0;
}

/* A new entry for a process of which nothing but itself is known, in scratch->entry. */
static __always_inline void entry_reset(struct process_scratch *scratch, __u64 task)
{
	const struct task_struct *leader = BPF_CORE_READ((struct task_struct *)task, group_leader);
	const struct task_struct *parent = BPF_CORE_READ(leader, real_parent);
	struct synfw_process *entry = &scratch->entry;

	__builtin_memset(entry, 0, sizeof(*entry));
	entry->start_boot_ns = BPF_CORE_READ(leader, start_boottime);
	entry->parent = BPF_CORE_READ(parent, tgid);
	entry->parent_start_boot_ns = BPF_CORE_READ(parent, group_leader, start_boottime);
	entry_begin_image(entry, (__u64)BPF_CORE_READ((struct task_struct *)task, mm));
	bpf_probe_read_kernel(entry->comm, sizeof(entry->comm), &leader->comm);
}

/* Puts scratch->entry into the table, in the place of another one only if it `replaces` that. 0:
 * there was no room. */
__noinline int entry_insert(struct process_scratch *scratch, __u32 pid, __u32 replaces)
{
	long err;

	scratch = scratch_again(scratch);
	if (!scratch)
		return 0;
	err = bpf_map_update_elem(&synfw_processes, &pid, &scratch->entry,
				  replaces ? BPF_ANY : BPF_NOEXIST);
	if (!err || err == -EEXIST)
		return 1;
	tally(SYNFW_PROCESS_TALLY_FULL);
	return 0;
}

static __always_inline void process_exited(__u64 task)
{
	__u32 pid = BPF_CORE_READ((struct task_struct *)task, tgid);

	if (BPF_CORE_READ((struct task_struct *)task, signal, live.counter))
		return;
	bpf_map_delete_elem(&synfw_processes, &pid);
}

static __always_inline bool task_exits(__u64 task)
{
	return BPF_CORE_READ((struct task_struct *)task, flags) & PF_EXITING;
}

/*
 * A new entry for a process that has none, or one of a process that had its number before. A task
 * that exits gets none, as nobody would take it away again: it was told of before the task gives
 * back its memory, while which it may be looked at. One that begins to exit meanwhile is looked at
 * once more. `replaces`: it had one when it was looked for. One that the fork has made since then
 * stays: it has what the parent is held for. 0: it has none.
 */
__noinline int entry_make(struct process_scratch *scratch, __u64 task, __u32 replaces)
{
	__u32 pid = BPF_CORE_READ((struct task_struct *)task, tgid);

	if (!scratch || task_exits(task))
		return 0;
	entry_reset(scratch, task);
	if (!entry_insert(scratch, pid, replaces))
		return 0;
	if (!task_exits(task))
		return 1;
	process_exited(task);
	return 0;
}

/* The entry of a process, if there is room for one. */
static inline __noinline struct synfw_process *entry_of_task(struct process_scratch *scratch,
							     __u64 task)
{
	__u32 pid = BPF_CORE_READ((struct task_struct *)task, tgid);
	struct synfw_process *entry = process_entry(pid);

	if (entry && entry->start_boot_ns == BPF_CORE_READ((struct task_struct *)task, group_leader,
							   start_boottime))
		return entry;
	return entry_make(scratch, task, entry != NULL) ? process_entry(pid) : NULL;
}

/* ---- lineage --------------------------------------------------------------------------------- */

static __always_inline void terms_copy(__u64 *to, const __u64 *from)
{
	int i;

#pragma unroll
	for (i = 0; i < SYNFW_LINEAGE_WORDS; i++)
		to[i] = from[i];
}

/* What the child of a process that runs `self` is told. */
static __always_inline void lineage_inherit(struct synfw_lineage *lineage)
{
	terms_copy(lineage->parent, lineage->self);
	terms_or(lineage->ancestors, lineage->self);
	lineage->unsure &= ~SYNFW_UNSURE_PARENT;
	if (lineage->unsure & SYNFW_UNSURE_SELF)
		lineage->unsure |= SYNFW_UNSURE_PARENT | SYNFW_UNSURE_ANCESTORS;
}

/* The subject's parent is what forked it and what it ran until now: it is that which started the
 * file. */
static __always_inline void lineage_take(struct process_scratch *scratch,
					 const struct synfw_lineage *lineage)
{
	terms_copy(scratch->parent, lineage->parent);
	terms_or(scratch->parent, lineage->self);
	terms_copy(scratch->ancestors, lineage->ancestors);
	terms_or(scratch->ancestors, scratch->parent);
	scratch->unsure = lineage->unsure;
	if (lineage->unsure & SYNFW_UNSURE_SELF)
		scratch->unsure |= SYNFW_UNSURE_PARENT | SYNFW_UNSURE_ANCESTORS;
}

struct parents_loop {
	struct process_scratch *scratch;
	__u64 task;
	__u64 serial;
	__u32 slot;
};

/* One parent further up. 1: the end, or one whose own lineage is known. */
static long parents_step(__u32 index, struct parents_loop *loop)
{
	const struct task_struct *child = (const void *)loop->task;
	__u64 task = (__u64)BPF_CORE_READ(child, group_leader, real_parent);
	struct process_scratch *scratch = loop->scratch;
	const struct synfw_lineage *lineage;
	const struct synfw_process *entry;
	__u32 pid;

	pid = BPF_CORE_READ((struct task_struct *)task, tgid);
	if (!pid || task == loop->task)
		return 1;
	loop->task = task;
	entry = process_entry(pid);
	if (!entry)
		return 0;
	lineage = &entry->lineage[loop->slot % SYNFW_NR_GENERATION_SLOTS];
	if (lineage->serial != loop->serial)
		return 0;
	if (!index) {
		terms_or(scratch->parent, lineage->self);
		if (lineage->unsure & SYNFW_UNSURE_SELF)
			scratch->unsure |= SYNFW_UNSURE_PARENT;
	}
	terms_or(scratch->ancestors, lineage->self);
	terms_or(scratch->ancestors, lineage->ancestors);
	if (lineage->unsure)
		scratch->unsure |= SYNFW_UNSURE_ANCESTORS;
	return 0;
}

/* The lineage of a process that is not known: its living parents', as far as they are. */
__noinline int lineage_of_parents(struct process_scratch *scratch, __u64 task, __u64 serial)
{
	struct parents_loop loop = {.scratch = scratch, .task = task, .serial = serial};
	int i;

	if (!scratch)
		return 0;
	loop.slot = scratch->slot;
#pragma unroll
	for (i = 0; i < SYNFW_LINEAGE_WORDS; i++) {
		scratch->parent[i] = 0;
		scratch->ancestors[i] = 0;
	}
	scratch->unsure = 0;
	bpf_loop(NR_LIVING_PARENTS, parents_step, &loop, 0);
	return 0;
}

/* The subject's lineage, before its entry is changed. */
static __always_inline void lineage_of_subject(struct process_scratch *scratch,
					       const struct synfw_process *entry, __u64 task,
					       __u64 serial)
{
	const struct synfw_lineage *lineage;

	if (entry) {
		lineage = &entry->lineage[scratch->slot % SYNFW_NR_GENERATION_SLOTS];
		if (lineage->serial == serial) {
			lineage_take(scratch, lineage);
			return;
		}
	}
	lineage_of_parents(scratch, task, serial);
}

/* The entry of a process that has executed a file: scratch->self is what it runs, and what it
 * ran is among its ancestors. Its parent stays who forked it. */
static __always_inline void lineage_store(const struct process_scratch *scratch,
					  struct synfw_process *entry, __u64 serial)
{
	struct synfw_lineage *lineage = &entry->lineage[scratch->slot % SYNFW_NR_GENERATION_SLOTS];
	__u32 unsure = scratch->unsure & SYNFW_UNSURE_ANCESTORS;

	if (lineage->serial != serial) {
		terms_copy(lineage->parent, scratch->parent);
		unsure |= scratch->unsure & SYNFW_UNSURE_PARENT;
	} else {
		unsure |= lineage->unsure & SYNFW_UNSURE_PARENT;
	}
	if (self_is_unsure(scratch))
		unsure |= SYNFW_UNSURE_SELF;
	terms_copy(lineage->ancestors, scratch->ancestors);
	terms_copy(lineage->self, scratch->self);
	lineage->path_flags = scratch->flags;
	lineage->unsure = unsure;
	lineage->serial = serial;
}

/* ---- fork ------------------------------------------------------------------------------------ */

/* scratch->entry becomes that of a child of `parent`. */
static __always_inline void entry_inherit(struct process_scratch *scratch,
					  const struct synfw_process *parent)
{
	struct synfw_process *entry = &scratch->entry;
	int i;

	entry->flags = parent->flags;
	/* who was not flagged for it, as it is protected or the policy monitors, has no heirs */
	if (!(entry->flags & SYNFW_PROCESS_FLAGGED))
		entry->flags &= ~SYNFW_PROCESS_TALKED_ANY;
	entry->file = parent->file;
#pragma unroll
	for (i = 0; i < SYNFW_NR_GENERATION_SLOTS; i++) {
		entry->lineage[i] = parent->lineage[i];
		lineage_inherit(&entry->lineage[i]);
	}
	entry->level = parent->level;
	entry->level_boot_ns = parent->level_boot_ns;
	entry->peers_block_ns = parent->peers_block_ns;
	entry->peers_score = parent->peers_score;
	entry->counter = parent->counter;
	entry->counter_peers = parent->counter_peers;
	entry->flagged_boot_ns = parent->flagged_boot_ns;
	entry->talked_with = parent->talked_with;
	entry->talked_prefixlen = parent->talked_prefixlen;
}

/* A child of that process is not in the table. What it would have inherited is lost to it, but
 * not isolation: until user space has found room for all, nobody who is not remembered has a
 * network. */
static __always_inline void child_lost(const struct synfw_process *parent)
{
	__u32 zero = 0;
	struct synfw_process_runtime *runtime = bpf_map_lookup_elem(&synfw_process_runtime, &zero);

	if (!parent || !(parent->flags & SYNFW_PROCESS_ISOLATED))
		return;
	if (runtime)
		runtime->isolated_lost = true;
	bpf_send_signal(SIGNAL_KILL);
}

static __always_inline void process_not_remembered(__u32 parent_pid)
{
	tally(SYNFW_PROCESS_TALLY_FULL);
	child_lost(process_entry(parent_pid));
}

static __always_inline void process_forked(struct process_scratch *scratch, __u64 parent,
					   __u64 child)
{
	__u32 parent_pid = BPF_CORE_READ((struct task_struct *)parent, tgid);
	__u32 pid = BPF_CORE_READ((struct task_struct *)child, tgid);
	const struct synfw_process *entry = process_entry(parent_pid);

	entry_reset(scratch, child);
	scratch->entry.parent = parent_pid;
	scratch->entry.parent_start_boot_ns =
		BPF_CORE_READ((struct task_struct *)parent, group_leader, start_boottime);
	if (entry)
		entry_inherit(scratch, entry);
	if (!entry_insert(scratch, pid, true))
		child_lost(entry);
}

#endif
