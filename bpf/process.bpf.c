/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rules on processes: tracepoints judge each exec and remember who forked whom, cgroup hooks refuse
 * the network to who is isolated. Each program is attached only where a policy needs it. What runs
 * when a policy is gone, or its tables are not there, does nothing.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "processes/act.bpf.h"
#include "processes/ask.bpf.h"
#include "processes/deny.bpf.h"
#include "processes/fill.bpf.h"
#include "processes/host.bpf.h"
#include "processes/isolate.bpf.h"
#include "processes/kernel.bpf.h"
#include "processes/maps.bpf.h"
#include "processes/memory.bpf.h"
#include "processes/peers.bpf.h"
#include "processes/talk.bpf.h"

#define EBADF	  9
#define MAX_ERRNO 4095
#define SYS_SHMAT 30 /* x86-64 */

/*
 * Without a place in the scratch area, of which there are SCRATCH_PLACES for each CPU, a program
 * does nothing: the exec, or the mapping, goes unjudged. It would take as many judgements that
 * were interrupted in the middle, each by the next; that it has happened is counted.
 */

/* Before the child runs. Threads are no processes, nor are those of the kernel. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(synfw_fork, struct task_struct *parent, struct task_struct *child)
{
	struct process_scratch *scratch;

	if (parent->tgid == child->tgid || child->flags & PF_KTHREAD)
		return 0;
	scratch = scratch_take();
	if (!scratch) {
		process_not_remembered(parent->tgid);
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

/* Run by user space, never attached: which mounts are the host's own. */
SEC("raw_tp")
int synfw_find_host(void *context)
{
	struct synfw_process_state *state;
	__u32 zero = 0;

	state = bpf_map_lookup_elem(&synfw_process_state, &zero);
	if (state)
		state->host_mounts = host_mounts(bpf_get_current_task());
	return 0;
}

/* Run by user space, never attached, with the number of a process and when it began: nothing is
 * held against it any more, and what it does again is told again. Here, as whoever writes a
 * whole entry from outside undoes what the programs write meanwhile. */
SEC("raw_tp")
int synfw_release(struct bpf_raw_tracepoint_args *context)
{
	struct synfw_process *entry = process_entry(context->args[0]);

	if (!entry || entry->start_boot_ns != context->args[1])
		return 0;
	/* first: what is above act-at would be acted on again */
	level_forget(&entry->level, &entry->lock);
	__sync_fetch_and_and(&entry->flags, SYNFW_PROCESS_DISGUISED);
	entry->told = 0;
	return 0;
}

/* Run by user space, never attached, with the halves of a source that it has just blocked. */
SEC("raw_tp")
int synfw_flag_talkers(struct bpf_raw_tracepoint_args *context)
{
	union peer_key source = {.half_be = {context->args[0], context->args[1]}};

	talkers_flag(&source);
	return 0;
}

/* Every new socket of IPv4 and IPv6, raw ones and those of ping included; none of the kernel's
 * own. */
SEC("cgroup/sock_create")
int synfw_sock_create(struct bpf_sock *context)
{
	return call_judge();
}

SEC("cgroup/connect4")
int synfw_connect4(struct bpf_sock_addr *context)
{
	peer_found4(context);
	return call_judge();
}

SEC("cgroup/connect6")
int synfw_connect6(struct bpf_sock_addr *context)
{
	peer_found6(context);
	return call_judge();
}

SEC("cgroup/sendmsg4")
int synfw_sendmsg4(struct bpf_sock_addr *context)
{
	peer_found4(context);
	return call_judge();
}

SEC("cgroup/sendmsg6")
int synfw_sendmsg6(struct bpf_sock_addr *context)
{
	peer_found6(context);
	return call_judge();
}

/* The process is told who sent a datagram to a socket that is not connected. */
SEC("cgroup/recvmsg4")
int synfw_recvmsg4(struct bpf_sock_addr *context)
{
	peer_found4(context);
	return CALL_ALLOWED;
}

SEC("cgroup/recvmsg6")
int synfw_recvmsg6(struct bpf_sock_addr *context)
{
	peer_found6(context);
	return CALL_ALLOWED;
}

/* tcp_rcv_space_adjust(sock): a process has read what came in by TCP, wherever it has the
 * connection from: that which it has accepted, too, which no other hook shows on every kernel. */
SEC("raw_tp")
int synfw_tcp_read(struct bpf_raw_tracepoint_args *context)
{
	peer_read_from((const void *)context->args[0]);
	return 0;
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

/* ---- what judges ----------------------------------------------------------------------------- */

/* The image and the credentials are the new ones, and no instruction of it has run: a signal that
 * is sent here is taken before any does. */
static __always_inline void watch_exec(__u64 task)
{
	struct process_scratch *scratch = scratch_take();

	if (!scratch) {
		tally(SYNFW_PROCESS_TALLY_UNJUDGED);
		return;
	}
	process_executed(scratch, task);
	scratch_give_back(scratch);
}

/* In the interrupt, whatever it interrupts: ticks are timers, too. Where they are switched off for
 * a CPU that runs a single process (nohz_full) nothing is seen. */
static __always_inline void watch_timer(__u64 task)
{
	struct process_scratch *scratch;
	struct mm_struct *mm;

	if (!sample_is_due())
		return;
	mm = BPF_CORE_READ((struct task_struct *)task, mm);
	/* a thread of the kernel that works in the memory of a process is not that process */
	if (!mm || BPF_CORE_READ((struct task_struct *)task, flags) & PF_KTHREAD)
		return;
	scratch = scratch_take();
	if (!scratch) /* it is looked at again in a moment */
		return;
	memory_changed(scratch, task, mm);
	scratch_give_back(scratch);
}

/* Every search for room in an address space. */
static __always_inline void watch_search(__u64 task, __u64 bytes)
{
	const struct synfw_process_head *head = process_head(active_slot());
	struct process_scratch *scratch;
	struct synfw_process *entry;

	if (!head || !head->trigger[SYNFW_ON_ALLOCATION])
		return;
	if (bytes <= head->allocation_min_bytes + HUGE_BYTES) {
		entry = process_entry(bpf_get_current_pid_tgid() >> 32);
		if (entry)
			request_note(entry, bytes);
		return;
	}
	scratch = scratch_take();
	if (!scratch) {
		tally(SYNFW_PROCESS_TALLY_UNJUDGED);
		return;
	}
	memory_request(scratch, task, bytes);
	scratch_give_back(scratch);
}

/*
 * One program at three tracepoints: what judges is most of it, and to verify that once more for
 * each would be most of the time that loading takes. Where it is, its arguments tell:
 *
 * sched_process_exec(task, pid, bprm): the task is the one that runs
 * hrtimer_expire_entry(timer, now): an address of the kernel's
 * vm_unmapped_area(address, info): one that the process may have, or an error
 */
SEC("raw_tp")
int synfw_watch(struct bpf_raw_tracepoint_args *context)
{
	__u64 task = bpf_get_current_task(), first = context->args[0];
	const struct vm_unmapped_area_info *info = (const void *)context->args[1];

	if (first == task)
		watch_exec(task);
	else if ((__s64)first < -MAX_ERRNO)
		watch_timer(task);
	else
		watch_search(task, BPF_CORE_READ(info, length));
	return 0;
}

struct syscall_enter {
	__u64 common;
	__s32 number;
	__u32 reserved;
	__u64 argument[6];
};

/* One program for the system calls that map or protect memory, for the same reason. */
SEC("tp")
int synfw_mapping(struct syscall_enter *context)
{
	__u64 bytes = context->argument[1], protection = context->argument[2];

	if (context->number == SYS_SHMAT) { /* its third argument are flags */
		if (!(protection & SHM_EXEC) || protection & SHM_RDONLY)
			return 0;
		bytes = 0;
	} else if (!protection_is_wx(protection)) {
		return 0;
	}
	wx_found(bytes);
	return 0;
}

/* ---- BPF LSM: loaded only where the kernel takes it ------------------------------------------ */

/* User space makes fmod_ret programs of those that refuse where BPF LSM is not asked: the functions
 * that ask it have the same arguments (agent/processes/object.c). */

SEC("?lsm/bprm_creds_from_file")
int BPF_PROG(synfw_deny, struct linux_binprm *bprm, struct file *file, int verdict_before)
{
	struct process_scratch *scratch;
	bool denied;

	if (verdict_before || (at_functions && ids_may_be_taken_back(bprm)))
		return verdict_before;
	scratch = scratch_take();
	if (!scratch) {
		tally(SYNFW_PROCESS_TALLY_UNJUDGED);
		return 0;
	}
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
	if (socket_is_refused(socket))
		return -EPERM;
	return 0;
}

SEC("?lsm/socket_listen")
int BPF_PROG(synfw_listen, struct socket *socket, int backlog, int verdict_before)
{
	if (verdict_before)
		return verdict_before;
	if (socket_is_refused(socket))
		return -EPERM;
	return 0;
}

/* Of TCP and UDP the hooks of control groups see these, too; of other protocols they do not. */
SEC("?lsm/socket_connect")
int BPF_PROG(synfw_connect, struct socket *socket, struct sockaddr *address, int length,
	     int verdict_before)
{
	if (verdict_before)
		return verdict_before;
	if (socket_is_refused(socket))
		return -EPERM;
	return 0;
}

SEC("?lsm/socket_bind")
int BPF_PROG(synfw_bind, struct socket *socket, struct sockaddr *address, int length,
	     int verdict_before)
{
	if (verdict_before)
		return verdict_before;
	if (socket_is_refused(socket))
		return -EPERM;
	return 0;
}

SEC("?lsm/socket_sendmsg")
int BPF_PROG(synfw_sendmsg, struct socket *socket, struct msghdr *message, int size,
	     int verdict_before)
{
	if (verdict_before)
		return verdict_before;
	if (message_is_refused(socket, message))
		return -EPERM;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
