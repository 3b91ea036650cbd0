/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rules on processes: tracepoints judge each exec and remember who forked whom, cgroup hooks refuse
 * the network to who is isolated. Each program is attached only where a policy needs it. What runs
 * when a policy is gone, or its tables are not there, does nothing.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "process_act.bpf.h"
#include "process_ask.bpf.h"
#include "process_fill.bpf.h"
#include "process_isolate.bpf.h"
#include "process_kernel.bpf.h"
#include "process_lsm.bpf.h"
#include "process_maps.bpf.h"
#include "process_memory.bpf.h"

#define EBADF 9

/* The image and the credentials are the new ones, and no instruction of it has run: a signal that
 * is sent here is taken before any does. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(synfw_exec, struct task_struct *task)
{
	struct process_scratch *scratch = scratch_take();

	if (!scratch) {
		tally(SYNFW_PROCESS_TALLY_UNREADABLE);
		return 0;
	}
	process_executed(scratch, address_of(scratch, task));
	scratch_give_back(scratch);
	return 0;
}

/* Before the child runs. A thread is no process. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(synfw_fork, struct task_struct *parent, struct task_struct *child)
{
	struct process_scratch *scratch;

	if (parent->tgid == child->tgid)
		return 0;
	scratch = scratch_take();
	if (!scratch) {
		tally(SYNFW_PROCESS_TALLY_FULL);
		return 0;
	}
	process_forked(scratch, address_of(scratch, parent), address_of(scratch, child));
	scratch_give_back(scratch);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(synfw_exit, struct task_struct *task)
{
	process_exited((__u64)task);
	return 0;
}

SEC("iter/task")
int synfw_fill(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;
	struct process_scratch *scratch;

	if (!task)
		return 0;
	scratch = scratch_take();
	if (!scratch)
		return 0;
	process_fill(scratch, address_of(scratch, task));
	scratch_give_back(scratch);
	return 0;
}

/* Run by user space, never attached: the answer to synfw_process_question. */
SEC("raw_tp")
int synfw_ask(void *context)
{
	struct synfw_process_question *question = question_at_hand();
	struct process_scratch *scratch;

	if (!question || !read_only)
		return 0;
	question->answered = false;
	scratch = scratch_take();
	if (!scratch)
		return 0;
	process_ask(scratch, question);
	scratch_give_back(scratch);
	return 0;
}

/* Run by user space, never attached: which file is behind a descriptor of the caller. */
SEC("raw_tp")
int synfw_identify(void *context)
{
	const struct task_struct *task = (const void *)bpf_get_current_task();
	const struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct synfw_process_state *state;
	struct file *file = NULL, **files;
	__u32 zero = 0, fd;

	state = bpf_map_lookup_elem(&synfw_process_state, &zero);
	if (!state)
		return 0;
	fd = state->fd;
	state->error = -EBADF;
	if (fd >= BPF_CORE_READ(table, max_fds))
		return 0;
	files = BPF_CORE_READ(table, fd);
	bpf_probe_read_kernel(&file, sizeof(file), &files[fd]);
	if (!file)
		return 0;
	file_identify(&state->file, (__u64)file);
	state->error = 0;
	return 0;
}

SEC("cgroup/connect4")
int synfw_connect4(struct bpf_sock_addr *context)
{
	return call_judge();
}

SEC("cgroup/connect6")
int synfw_connect6(struct bpf_sock_addr *context)
{
	return call_judge();
}

SEC("cgroup/sendmsg4")
int synfw_sendmsg4(struct bpf_sock_addr *context)
{
	return call_judge();
}

SEC("cgroup/sendmsg6")
int synfw_sendmsg6(struct bpf_sock_addr *context)
{
	return call_judge();
}

SEC("cgroup/bind4")
int synfw_bind4(struct bpf_sock_addr *context)
{
	return call_judge();
}

SEC("cgroup/bind6")
int synfw_bind6(struct bpf_sock_addr *context)
{
	return call_judge();
}

/* In the interrupt, whatever it interrupts: ticks are timers, too. Where they are switched off for a CPU that
 * runs a single process (nohz_full) nothing is seen. */
SEC("tp_btf/hrtimer_expire_entry")
int BPF_PROG(synfw_sample)
{
	struct process_scratch *scratch;
	struct mm_struct *mm;
	__u64 task;

	if (!sample_is_due())
		return 0;
	task = bpf_get_current_task();
	mm = BPF_CORE_READ((struct task_struct *)task, mm);
	/* a thread of the kernel that works in the memory of a process is not that process */
	if (!mm || BPF_CORE_READ((struct task_struct *)task, flags) & PF_KTHREAD)
		return 0;
	scratch = scratch_take();
	if (!scratch)
		return 0;
	memory_changed(scratch, task, mm);
	scratch_give_back(scratch);
	return 0;
}

/* Every search for room in an address space. */
SEC("tp_btf/vm_unmapped_area")
int BPF_PROG(synfw_unmapped, unsigned long address, struct vm_unmapped_area_info *info)
{
	const struct synfw_process_head *head = process_head(active_slot());
	struct process_scratch *scratch;
	struct synfw_process *entry;
	__u64 bytes = info->length;

	if (!head || !head->trigger[SYNFW_ON_ALLOCATION])
		return 0;
	if (bytes <= head->allocation_min_bytes + HUGE_BYTES) {
		entry = process_entry(bpf_get_current_pid_tgid() >> 32);
		if (entry)
			request_note(entry, bytes);
		return 0;
	}
	scratch = scratch_take();
	if (!scratch)
		return 0;
	memory_request(scratch, bpf_get_current_task(), bytes);
	scratch_give_back(scratch);
	return 0;
}

struct syscall_enter {
	__u64 common;
	__u64 number;
	__u64 argument[6];
};

SEC("tp/syscalls/sys_enter_mmap")
int synfw_mmap(struct syscall_enter *context)
{
	if (protection_is_wx(context->argument[2]))
		wx_found(context->argument[1]);
	return 0;
}

SEC("tp/syscalls/sys_enter_mprotect")
int synfw_mprotect(struct syscall_enter *context)
{
	if (protection_is_wx(context->argument[2]))
		wx_found(context->argument[1]);
	return 0;
}

SEC("tp/syscalls/sys_enter_pkey_mprotect")
int synfw_pkey_mprotect(struct syscall_enter *context)
{
	if (protection_is_wx(context->argument[2]))
		wx_found(context->argument[1]);
	return 0;
}

SEC("tp/syscalls/sys_enter_shmat")
int synfw_shmat(struct syscall_enter *context)
{
	__u64 flags = context->argument[2];

	if (flags & SHM_EXEC && !(flags & SHM_RDONLY))
		wx_found(0);
	return 0;
}

/* ---- BPF LSM: loaded only where the kernel takes it ------------------------------------------ */

SEC("?lsm/bprm_creds_from_file")
int BPF_PROG(synfw_deny, struct linux_binprm *bprm, struct file *file, int verdict_before)
{
	struct process_scratch *scratch;
	bool denied;

	if (verdict_before)
		return verdict_before;
	scratch = scratch_take();
	if (!scratch)
		return 0;
	denied = exec_is_denied(scratch, bpf_get_current_task(), address_of(scratch, bprm->cred),
				address_of(scratch, file));
	scratch_give_back(scratch);
	if (denied)
		return -EPERM;
	return 0;
}

/* Sees every way to map, without a cost for other calls. */
SEC("?lsm/mmap_file")
int BPF_PROG(synfw_mmap_file, struct file *file, unsigned long asked, unsigned long protection,
	     unsigned long flags, int verdict_before)
{
	if (!verdict_before && (protection & WRITE_AND_EXECUTE) == WRITE_AND_EXECUTE)
		wx_found(0);
	return verdict_before;
}

SEC("?lsm/file_mprotect")
int BPF_PROG(synfw_file_mprotect, struct vm_area_struct *area, unsigned long asked,
	     unsigned long protection, int verdict_before)
{
	if (!verdict_before && (protection & WRITE_AND_EXECUTE) == WRITE_AND_EXECUTE)
		wx_found(area->vm_end - area->vm_start);
	return verdict_before;
}

SEC("?lsm/socket_accept")
int BPF_PROG(synfw_accept, struct socket *socket, struct socket *accepted, int verdict_before)
{
	if (verdict_before)
		return verdict_before;
	if (call_judge() == CALL_REFUSED)
		return -EPERM;
	return 0;
}

SEC("?lsm/socket_listen")
int BPF_PROG(synfw_listen, struct socket *socket, int backlog, int verdict_before)
{
	if (verdict_before)
		return verdict_before;
	if (call_judge() == CALL_REFUSED)
		return -EPERM;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
