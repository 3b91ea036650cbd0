/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#include "base/paths.h"

#define CONNECTIONS    "isolated processes are refused connections, and peers are known"
#define CONNECTIONS_IN "isolated processes are refused connections from others"
#define DATAGRAMS      "isolated processes are refused datagrams, and peers are known"
#define PEERS_IN       "it is known who sends datagrams to a process"
#define PORTS	       "isolated processes are refused ports"
#define MAPPINGS       "rules on wx-mapping; every system call is slower by some 100 ns"

#define CGROUP(type)   .cgroup = true, .cgroup_type = (type)
#define SYSCALL(name)  .tracepoint = "syscalls/sys_enter_" name
#define RAW(name)      .raw_tracepoint = name
#define SECURITY(name) .security_function = "security_" name

const struct process_hook_spec process_hooks[PROCESS_NR_HOOKS] = {
	[PROCESS_HOOK_FORK] = {"fork", "synfw_fork",
			       "children inherit what their parents are held for"},
	[PROCESS_HOOK_EXIT] = {"exit", "synfw_exit", "processes that end are forgotten"},
	[PROCESS_HOOK_SOCK_CREATE] = {"sock-create", "synfw_sock_create",
				      "isolated processes are refused sockets",
				      CGROUP(BPF_CGROUP_INET_SOCK_CREATE)},
	[PROCESS_HOOK_CONNECT4] = {"connect4", "synfw_connect4", CONNECTIONS,
				   CGROUP(BPF_CGROUP_INET4_CONNECT)},
	[PROCESS_HOOK_CONNECT6] = {"connect6", "synfw_connect6", CONNECTIONS,
				   CGROUP(BPF_CGROUP_INET6_CONNECT)},
	[PROCESS_HOOK_SENDMSG4] = {"sendmsg4", "synfw_sendmsg4", DATAGRAMS,
				   CGROUP(BPF_CGROUP_UDP4_SENDMSG)},
	[PROCESS_HOOK_SENDMSG6] = {"sendmsg6", "synfw_sendmsg6", DATAGRAMS,
				   CGROUP(BPF_CGROUP_UDP6_SENDMSG)},
	[PROCESS_HOOK_RECVMSG4] = {"recvmsg4", "synfw_recvmsg4", PEERS_IN,
				   CGROUP(BPF_CGROUP_UDP4_RECVMSG)},
	[PROCESS_HOOK_RECVMSG6] = {"recvmsg6", "synfw_recvmsg6", PEERS_IN,
				   CGROUP(BPF_CGROUP_UDP6_RECVMSG)},
	[PROCESS_HOOK_TCP_READ] = {"tcp-read", "synfw_tcp_read",
				   "it is known who is connected to a process",
				   RAW("tcp_rcv_space_adjust")},
	[PROCESS_HOOK_BIND4] = {"bind4", "synfw_bind4", PORTS, CGROUP(BPF_CGROUP_INET4_BIND)},
	[PROCESS_HOOK_BIND6] = {"bind6", "synfw_bind6", PORTS, CGROUP(BPF_CGROUP_INET6_BIND)},
	[PROCESS_HOOK_ACCEPT] = {"accept", "synfw_accept", CONNECTIONS_IN,
				 SECURITY("socket_accept")},
	[PROCESS_HOOK_LISTEN] = {"listen", "synfw_listen", CONNECTIONS_IN,
				 SECURITY("socket_listen")},
	[PROCESS_HOOK_CONNECT] = {"socket-connect", "synfw_connect",
				  "isolated processes are refused connections by any protocol",
				  SECURITY("socket_connect")},
	[PROCESS_HOOK_BIND] = {"socket-bind", "synfw_bind",
			       "isolated processes are refused addresses of any protocol",
			       SECURITY("socket_bind")},
	[PROCESS_HOOK_SENDMSG] = {"socket-sendmsg", "synfw_sendmsg",
				  "isolated processes are refused messages by raw, ping and SCTP "
				  "sockets; every message sent on any socket asks it",
				  SECURITY("socket_sendmsg")},
	[PROCESS_HOOK_DENY] = {"deny", "synfw_deny", "rules deny an exec",
			       SECURITY("bprm_creds_from_file")},
	[PROCESS_HOOK_EXEC] = {"exec", "synfw_watch", "rules judge what is executed",
			       RAW("sched_process_exec")},
	[PROCESS_HOOK_TIMER] = {"timer", "synfw_watch",
				"rules on growth, and on allocation at an address of the "
				"process's choice",
				RAW("hrtimer_expire_entry")},
	[PROCESS_HOOK_UNMAPPED_AREA] = {"unmapped-area", "synfw_watch", "rules on allocation",
					RAW("vm_unmapped_area")},
	[PROCESS_HOOK_MMAP] = {"mmap", "synfw_mapping", MAPPINGS, SYSCALL("mmap")},
	[PROCESS_HOOK_MPROTECT] = {"mprotect", "synfw_mapping", MAPPINGS, SYSCALL("mprotect")},
	[PROCESS_HOOK_PKEY_MPROTECT] = {"pkey-mprotect", "synfw_mapping", MAPPINGS,
					SYSCALL("pkey_mprotect")},
	[PROCESS_HOOK_SHMAT] = {"shmat", "synfw_mapping", MAPPINGS, SYSCALL("shmat")},
	[PROCESS_HOOK_MMAP_FILE] = {"mmap-file", "synfw_mmap_file", "rules on wx-mapping"},
	[PROCESS_HOOK_FILE_MPROTECT] = {"file-mprotect", "synfw_file_mprotect",
					"rules on wx-mapping"},
};

#define BIT(hook) (1U << (hook))

/* The kernel numbers the groups of a hierarchy, and its root is the first. */
#define ROOT_INODE 1

/* By which a process reaches others. */
#define OUTGOING_HOOKS                                                                          \
	(BIT(PROCESS_HOOK_CONNECT4) | BIT(PROCESS_HOOK_CONNECT6) | BIT(PROCESS_HOOK_SENDMSG4) | \
	 BIT(PROCESS_HOOK_SENDMSG6))

/* Without these nobody would know who forked whom, and what it runs. */
#define TABLE_HOOKS (BIT(PROCESS_HOOK_FORK) | BIT(PROCESS_HOOK_EXIT) | BIT(PROCESS_HOOK_EXEC))

#define ISOLATION_HOOKS                                                             \
	(BIT(PROCESS_HOOK_SOCK_CREATE) | OUTGOING_HOOKS | BIT(PROCESS_HOOK_BIND4) | \
	 BIT(PROCESS_HOOK_BIND6))

#define PEERS_HOOKS                                                                 \
	(OUTGOING_HOOKS | BIT(PROCESS_HOOK_RECVMSG4) | BIT(PROCESS_HOOK_RECVMSG6) | \
	 BIT(PROCESS_HOOK_TCP_READ))

/* What the hooks of control groups cannot refuse: how others reach a process, and what it does with
 * other sockets than of TCP and UDP. */
#define SOCKET_HOOKS                                                                       \
	(BIT(PROCESS_HOOK_ACCEPT) | BIT(PROCESS_HOOK_LISTEN) | BIT(PROCESS_HOOK_CONNECT) | \
	 BIT(PROCESS_HOOK_BIND) | BIT(PROCESS_HOOK_SENDMSG))

#define SYSCALL_HOOKS                                                                            \
	(BIT(PROCESS_HOOK_MMAP) | BIT(PROCESS_HOOK_MPROTECT) | BIT(PROCESS_HOOK_PKEY_MPROTECT) | \
	 BIT(PROCESS_HOOK_SHMAT))

/* What sees the same as these, and costs other calls nothing. */
#define LSM_MAPPING_HOOKS (BIT(PROCESS_HOOK_MMAP_FILE) | BIT(PROCESS_HOOK_FILE_MPROTECT))

/* What rules on an event need besides. */
static const uint32_t trigger_hooks[SYNFW_NR_PROCESS_TRIGGERS] = {
	[SYNFW_ON_WX_MAPPING] = SYSCALL_HOOKS,
	[SYNFW_ON_ALLOCATION] = BIT(PROCESS_HOOK_TIMER) | BIT(PROCESS_HOOK_UNMAPPED_AREA),
	[SYNFW_ON_GROWTH] = BIT(PROCESS_HOOK_TIMER),
};

uint32_t process_hooks_needed(const struct process_tables *tables, enum process_security security)
{
	const struct synfw_process_head *head;
	uint32_t hooks;
	int trigger;

	if (!tables || !synfw_process_head_is_used(&tables->head))
		return 0;
	head = &tables->head;
	hooks = TABLE_HOOKS;
	if (head->peers || head->on_peer_block)
		hooks |= PEERS_HOOKS;
	if (head->actions & 1U << SYNFW_PROCESS_ISOLATE)
		hooks |= ISOLATION_HOOKS | (security ? SOCKET_HOOKS : 0);
	if (security && head->actions & 1U << SYNFW_PROCESS_DENY)
		hooks |= BIT(PROCESS_HOOK_DENY);
	for (trigger = 0; trigger < SYNFW_NR_PROCESS_TRIGGERS; trigger++)
		if (head->trigger[trigger])
			hooks |= trigger_hooks[trigger];
	if (security == PROCESS_SECURITY_LSM && hooks & SYSCALL_HOOKS)
		hooks = (hooks & ~SYSCALL_HOOKS) | LSM_MAPPING_HOOKS;
	return hooks;
}

enum process_security process_hooks_security(const struct process_tables *tables)
{
	uint32_t without = process_hooks_needed(tables, PROCESS_SECURITY_NONE);

	if (process_hooks_needed(tables, PROCESS_SECURITY_FUNCTIONS) != without)
		return process_security_find(PROCESS_SECURITY_FUNCTIONS);
	if (process_hooks_needed(tables, PROCESS_SECURITY_LSM) != without)
		return process_security_find(PROCESS_SECURITY_LSM);
	return PROCESS_SECURITY_NONE;
}

bool process_hooks_isolate_fully(enum process_security security)
{
	CLEANUP(cleanup_fd) int cgroup_fd = -1;

	return security && !process_hooks_open_cgroup(&cgroup_fd);
}

void process_hooks_fall_back(struct process_tables *tables)
{
	struct synfw_process_head *head = &tables->head;
	struct synfw_process_rule *rule;

	head->actions &= ~(1U << SYNFW_PROCESS_ISOLATE);
	if (head->act == SYNFW_PROCESS_ISOLATE)
		head->act = head->act_fallback;
	if (head->act_at)
		head->actions |= 1U << head->act;
	for (rule = tables->rules; rule < tables->rules + head->nr_rules; rule++) {
		if (rule->action == SYNFW_PROCESS_ISOLATE)
			rule->action = rule->fallback;
		head->actions |= 1U << rule->action;
	}
}

uint32_t process_hooks_that_isolate(void)
{
	return TABLE_HOOKS | ISOLATION_HOOKS | SOCKET_HOOKS;
}

uint32_t process_hooks_that_refuse(void)
{
	return SOCKET_HOOKS | BIT(PROCESS_HOOK_DENY);
}

uint32_t process_hook_bit(const char *word)
{
	int hook;

	for (hook = 0; hook < PROCESS_NR_HOOKS; hook++)
		if (!strcmp(word, process_hooks[hook].word))
			return BIT(hook);
	return 0;
}

/* tracefs, whether or not it is mounted somewhere: in no directory, for this process alone. */
static int open_tracefs(void)
{
	CLEANUP(cleanup_fd) int fs_fd = fsopen("tracefs", FSOPEN_CLOEXEC);
	int fd;

	if (fs_fd < 0 || fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return -errno;
	fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
	return fd < 0 ? -errno : fd;
}

/* By which perf_event_open(2) knows it. */
static int tracepoint_number(const char *name)
{
	CLEANUP(cleanup_free) char *path = path_format("events/%s/id", name);
	CLEANUP(cleanup_fd) int tracefs_fd = open_tracefs();
	CLEANUP(cleanup_fd) int fd = -1;
	char text[16] = "";

	if (!path)
		return -ENOMEM;
	if (tracefs_fd < 0)
		return tracefs_fd;
	fd = openat(tracefs_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return -errno;
	return atoi(text) > 0 ? atoi(text) : -EINVAL;
}

/* The link keeps the event. */
static int attach_tracepoint(const char *name, int prog_fd)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attributes),
	};
	CLEANUP(cleanup_fd) int event_fd = -1;
	int number = tracepoint_number(name), fd;

	if (number < 0)
		return number;
	attributes.config = number;
	event_fd = syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (event_fd < 0)
		return -errno;
	fd = bpf_link_create(prog_fd, event_fd, BPF_PERF_EVENT, NULL);
	return fd < 0 ? -errno : fd;
}

int process_hook_attach(enum process_hook hook, int prog_fd, int cgroup_fd)
{
	const struct process_hook_spec *spec = &process_hooks[hook];
	int fd;

	if (spec->tracepoint)
		return attach_tracepoint(spec->tracepoint, prog_fd);
	if (spec->cgroup)
		fd = bpf_link_create(prog_fd, cgroup_fd, spec->cgroup_type, NULL);
	else
		fd = bpf_raw_tracepoint_open(spec->raw_tracepoint, prog_fd);
	return fd < 0 ? -errno : fd;
}

bool process_hook_serves(enum process_hook hook, const struct process_hook_reason *reason)
{
	if (reason->peers && PEERS_HOOKS & BIT(hook))
		return true;
	if (hook == PROCESS_HOOK_DENY)
		return reason->action == SYNFW_PROCESS_DENY;
	if (PEERS_HOOKS & BIT(hook) && !(ISOLATION_HOOKS & BIT(hook)))
		return false;
	if ((ISOLATION_HOOKS | SOCKET_HOOKS) & BIT(hook))
		return reason->action == SYNFW_PROCESS_ISOLATE;
	if (hook == PROCESS_HOOK_EXEC)
		return reason->trigger == SYNFW_ON_EXEC;
	if (LSM_MAPPING_HOOKS & BIT(hook))
		return reason->trigger == SYNFW_ON_WX_MAPPING;
	return hook < PROCESS_HOOK_EXEC || trigger_hooks[reason->trigger] & BIT(hook);
}

static void end_mounts(FILE **mounts)
{
	if (*mounts)
		endmntent(*mounts);
}

int process_hooks_open_cgroup(int *ret_fd)
{
	CLEANUP(end_mounts) FILE *mounts = setmntent("/proc/self/mounts", "re");
	const struct mntent *mount;
	int err = mounts ? -ENOENT : -errno;

	while (mounts && (mount = getmntent(mounts))) {
		CLEANUP(cleanup_fd) int fd = -1;
		struct stat status;

		if (strcmp(mount->mnt_type, "cgroup2"))
			continue;
		fd = open(mount->mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &status))
			return -errno;
		if (status.st_ino == ROOT_INODE) {
			*ret_fd = TAKE_FD(fd);
			return 0;
		}
		err = -EXDEV;
	}
	return err;
}
