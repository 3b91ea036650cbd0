/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "process_hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#define TRACEPOINT (-1)

const struct process_hook_spec process_hooks[PROCESS_NR_HOOKS] = {
	[PROCESS_HOOK_FORK] = {"fork", "synfw_fork", TRACEPOINT,
			       "children inherit what their parents are held for"},
	[PROCESS_HOOK_EXIT] = {"exit", "synfw_exit", TRACEPOINT,
			       "processes that end are forgotten"},
	[PROCESS_HOOK_CONNECT4] = {"connect4", "synfw_connect4", BPF_CGROUP_INET4_CONNECT,
				   "isolated processes are refused connections"},
	[PROCESS_HOOK_CONNECT6] = {"connect6", "synfw_connect6", BPF_CGROUP_INET6_CONNECT,
				   "isolated processes are refused connections"},
	[PROCESS_HOOK_SENDMSG4] = {"sendmsg4", "synfw_sendmsg4", BPF_CGROUP_UDP4_SENDMSG,
				   "isolated processes are refused datagrams"},
	[PROCESS_HOOK_SENDMSG6] = {"sendmsg6", "synfw_sendmsg6", BPF_CGROUP_UDP6_SENDMSG,
				   "isolated processes are refused datagrams"},
	[PROCESS_HOOK_BIND4] = {"bind4", "synfw_bind4", BPF_CGROUP_INET4_BIND,
				"isolated processes are refused ports"},
	[PROCESS_HOOK_BIND6] = {"bind6", "synfw_bind6", BPF_CGROUP_INET6_BIND,
				"isolated processes are refused ports"},
	[PROCESS_HOOK_EXEC] = {"exec", "synfw_exec", TRACEPOINT, "rules judge what is executed"},
};

#define BIT(hook) (1U << (hook))

#define CGROUP_HOOKS                                                                            \
	(BIT(PROCESS_HOOK_CONNECT4) | BIT(PROCESS_HOOK_CONNECT6) | BIT(PROCESS_HOOK_SENDMSG4) | \
	 BIT(PROCESS_HOOK_SENDMSG6) | BIT(PROCESS_HOOK_BIND4) | BIT(PROCESS_HOOK_BIND6))

uint32_t process_hooks_of_head(const struct synfw_process_head *head, bool peers)
{
	uint32_t hooks;

	if (!head->nr_bits)
		return 0;
	hooks = BIT(PROCESS_HOOK_FORK) | BIT(PROCESS_HOOK_EXIT) | BIT(PROCESS_HOOK_EXEC);
	if (peers || head->actions & 1U << SYNFW_PROCESS_ISOLATE)
		hooks |= CGROUP_HOOKS;
	return hooks;
}

uint32_t process_hooks_needed(const struct process_tables *tables)
{
	return tables ? process_hooks_of_head(&tables->head, tables->peers) : 0;
}

uint32_t process_hook_bit(const char *word)
{
	int hook;

	for (hook = 0; hook < PROCESS_NR_HOOKS; hook++)
		if (!strcmp(word, process_hooks[hook].word))
			return BIT(hook);
	return 0;
}

int process_hook_attach(enum process_hook hook, int prog_fd, int cgroup_fd, struct fault *fault,
			int *ret_link_fd)
{
	const struct process_hook_spec *spec = &process_hooks[hook];
	int fd;

	if (spec->cgroup_type == TRACEPOINT)
		fd = bpf_raw_tracepoint_open(NULL, prog_fd);
	else
		fd = bpf_link_create(prog_fd, cgroup_fd, spec->cgroup_type, NULL);
	if (fd < 0) {
		int err = -errno;

		fault_system(fault, err, "cannot attach the hook \"%s\"", spec->word);
		fault->exit_code = EXIT_KERNEL;
		return err;
	}
	*ret_link_fd = fd;
	return 0;
}

static void end_mounts(FILE **mounts)
{
	if (*mounts)
		endmntent(*mounts);
}

int process_hooks_open_cgroup(struct fault *fault, int *ret_fd)
{
	CLEANUP(end_mounts) FILE *mounts = setmntent("/proc/self/mounts", "re");
	const struct mntent *mount;
	int fd;

	while (mounts && (mount = getmntent(mounts))) {
		if (strcmp(mount->mnt_type, "cgroup2"))
			continue;
		fd = open(mount->mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return fault_system(fault, -errno, "cannot open \"%s\"", mount->mnt_dir);
		*ret_fd = fd;
		return 0;
	}
	return fault_refuse(fault, EXIT_KERNEL,
			    "no cgroup v2 hierarchy is mounted; what isolates processes hangs on "
			    "its root");
}
