/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PROCESS_HOOKS_H
#define SYNFW_AGENT_PROCESS_HOOKS_H

/* Where the kernel asks the programs of the process half. Only what a policy needs is attached. */
#include <stdbool.h>
#include <stdint.h>

#include <process_tables.h>

#include "security.h"

/* In the order of attaching: those that act come after those that keep the table they act by. */
enum process_hook {
	PROCESS_HOOK_FORK,
	PROCESS_HOOK_EXIT,
	PROCESS_HOOK_SOCK_CREATE,
	PROCESS_HOOK_CONNECT4,
	PROCESS_HOOK_CONNECT6,
	PROCESS_HOOK_SENDMSG4,
	PROCESS_HOOK_SENDMSG6,
	PROCESS_HOOK_RECVMSG4,
	PROCESS_HOOK_RECVMSG6,
	PROCESS_HOOK_TCP_READ,
	PROCESS_HOOK_BIND4,
	PROCESS_HOOK_BIND6,
	PROCESS_HOOK_ACCEPT,
	PROCESS_HOOK_LISTEN,
	PROCESS_HOOK_CONNECT,
	PROCESS_HOOK_BIND,
	PROCESS_HOOK_SENDMSG,
	PROCESS_HOOK_DENY,
	PROCESS_HOOK_EXEC,
	PROCESS_HOOK_TIMER,
	PROCESS_HOOK_UNMAPPED_AREA,
	PROCESS_HOOK_MMAP,
	PROCESS_HOOK_MPROTECT,
	PROCESS_HOOK_PKEY_MPROTECT,
	PROCESS_HOOK_SHMAT,
	PROCESS_HOOK_MMAP_FILE,
	PROCESS_HOOK_FILE_MPROTECT,
	PROCESS_NR_HOOKS,
};

struct process_hook_spec {
	const char *word;    /* as users and pins call it */
	const char *program; /* in the object; one may serve several hooks */
	const char *purpose; /* why it is attached */
	bool cgroup;	     /* on the root cgroup, by this enum bpf_attach_type */
	int cgroup_type;
	const char *tracepoint;	    /* a classic one */
	const char *raw_tracepoint; /* neither: what the program's type names */
	/* the function that asks security modules, where a program of theirs does as well there */
	const char *security_function;
};

extern const struct process_hook_spec process_hooks[PROCESS_NR_HOOKS];

/* The hooks that a generation needs, one bit each, where programs may refuse that way. NULL or with
 * nothing to do about processes: none. */
uint32_t process_hooks_needed(const struct process_tables *tables, enum process_security security);

/* The best way that this kernel has, where it makes a difference to them; else none. */
enum process_security process_hooks_security(const struct process_tables *tables);

/* Whether all that isolation takes is there, where programs may refuse that way. */
bool process_hooks_isolate_fully(enum process_security security);

/* What rules, and process-scoring, become where that is not so: those that isolate, and have a
 * fallback, do that instead. `deny` falls back in the program, as points may lead beyond its
 * fallback. */
void process_hooks_fall_back(struct process_tables *tables);

/* All that isolation in full takes, one bit each. */
uint32_t process_hooks_that_isolate(void);

/* Those with a security_function, one bit each. */
uint32_t process_hooks_that_refuse(void);

/* The bit of the hook called `word`, 0: there is none. */
uint32_t process_hook_bit(const char *word);

/* Attaches a program. A link, whose closing detaches it until it is pinned, or -errno. `cgroup_fd`
 * is that of process_hooks_open_cgroup(), for those with `cgroup`. */
int process_hook_attach(enum process_hook hook, int prog_fd, int cgroup_fd);

/* What may be a reason for a hook. */
struct process_hook_reason {
	enum synfw_process_trigger trigger;
	enum synfw_process_action action;
	bool peers; /* it has to do with who a process talks with */
};

/* Whether a rule like that is a reason for the hook. */
bool process_hook_serves(enum process_hook hook, const struct process_hook_reason *reason);

/* The root of the cgroup v2 hierarchy, wherever it is mounted. -ENOENT: nowhere; -EXDEV: only a
 * part of it is, as in a container. */
int process_hooks_open_cgroup(int *ret_fd);

#endif
