/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_SCORE_BPF_H
#define SYNFW_PROCESS_SCORE_BPF_H

/* Points of processes and executables: leaky buckets in exact integers, as the sources'
 * (<synfw/state.h>). */
#include "scratch.bpf.h"

#define LEVEL_MAX  (SYNFW_MAX_SCORE * SYNFW_SCORE_UNIT)
#define LOCK_TRIES 128

struct lock_loop {
	__u32 *lock;
	int locked;
};

static long lock_step(__u32 index, struct lock_loop *loop)
{
	loop->locked = !__sync_val_compare_and_swap(loop->lock, 0, 1);
	return loop->locked;
}

/*
 * The kernel has no lock for map values that tracing programs may take. Who holds this one does
 * a few additions and is not preempted; should it be (LSM programs and what user space runs may,
 * and a timer interrupts any), the other goes on without, and the worst is that points of one of
 * both are lost, or that points that were to be forgotten stay.
 */
__noinline int level_lock(__u32 *lock)
{
	struct lock_loop loop = {.lock = lock};

	if (!lock)
		return 0;
	bpf_loop(LOCK_TRIES, lock_step, &loop, 0);
	return loop.locked;
}

static __always_inline void level_unlock(__u32 *lock)
{
	*(volatile __u32 *)lock = 0;
}

static __always_inline __u64 level_leaked(__u64 level, __u64 since_ns, __u64 decay, __u64 now_ns)
{
	__u64 elapsed_ns = now_ns - since_ns;

	if (now_ns <= since_ns)
		return level;
	if (elapsed_ns > level / decay)
		return 0;
	return level - elapsed_ns * decay;
}

struct level_change {
	__u64 before, after;
};

static __always_inline void level_add(__u64 *level, __u64 *boot_ns, __u32 *lock, __u32 points,
				      __u64 decay, __u64 now_ns, struct level_change *change)
{
	int locked = level_lock(lock);

	points = points < SYNFW_MAX_SCORE ? points : SYNFW_MAX_SCORE;
	change->before = level_leaked(*level, *boot_ns, decay, now_ns);
	change->after = change->before + points * SYNFW_SCORE_UNIT;
	if (change->after > LEVEL_MAX)
		change->after = LEVEL_MAX;
	*level = change->after;
	if (!change->before || *boot_ns < now_ns)
		*boot_ns = now_ns;
	if (locked)
		level_unlock(lock);
}

static __always_inline void level_forget(__u64 *level, __u32 *lock)
{
	int locked = level_lock(lock);

	*level = 0;
	if (locked)
		level_unlock(lock);
}

static __always_inline struct synfw_executable *executable_of(const struct process_scratch *scratch)
{
	const struct synfw_executable_key key = {.file = scratch->file, .uid = scratch->uid};
	const struct synfw_executable none = {};
	struct synfw_executable *executable = bpf_map_lookup_elem(&synfw_executables, &key);

	if (executable)
		return executable;
	bpf_map_update_elem(&synfw_executables, &key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&synfw_executables, &key);
}

/* Adds scratch->points to the process in scratch->pid and to its executable. The score of the
 * subject is the higher one. */
__noinline int score_subject(struct process_scratch *scratch, __u64 decay)
{
	struct level_change process = {}, executable = {};
	struct synfw_executable *file;
	struct synfw_process *entry;

	scratch = scratch_again(scratch);
	if (!scratch || !decay)
		return 0;
	entry = bpf_map_lookup_elem(&synfw_processes, &scratch->pid);
	if (entry)
		level_add(&entry->level, &entry->level_boot_ns, &entry->lock, scratch->points,
			  decay, scratch->now_ns, &process);
	file = executable_of(scratch);
	if (file) {
		level_add(&file->level, &file->level_boot_ns, &file->lock, scratch->points, decay,
			  scratch->now_ns, &executable);
		file->pid = scratch->pid;
		bpf_get_current_comm(file->comm, sizeof(file->comm));
	}
	if (executable.after > process.after)
		process = executable;
	scratch->score_before = process.before / SYNFW_SCORE_UNIT;
	scratch->score_after = process.after / SYNFW_SCORE_UNIT;
	return 0;
}

#endif
