/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_HOST_BPF_H
#define SYNFW_PROCESS_HOST_BPF_H

/* Which mount namespace is the host's: that of PID 1, the ancestor of whoever asks. */
#include "kernel.bpf.h"
#include "maps.bpf.h"

#define MAX_PARENTS 1024 /* between it and PID 1; behind more the namespace is not found */

struct host_loop {
	__u64 task;
};

/* 1: it is there, or there is none. */
static long host_step(__u32 index, struct host_loop *loop)
{
	const struct task_struct *task = (const void *)loop->task;

	if (BPF_CORE_READ(task, tgid) <= 1)
		return 1;
	loop->task = (__u64)BPF_CORE_READ(task, group_leader, real_parent);
	return 0;
}

static __always_inline __u32 host_mounts(__u64 task)
{
	struct host_loop loop = {.task = task};
	const struct task_struct *init;

	bpf_loop(MAX_PARENTS, host_step, &loop, 0);
	init = (const void *)loop.task;
	if (BPF_CORE_READ(init, tgid) != 1)
		return 0;
	return BPF_CORE_READ(init, nsproxy, mnt_ns, ns.inum);
}

#endif
