/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "process_commit_attach.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

static const struct manifest_process_rule *rule_that_needs(const struct process_commit *commit,
							   const struct manifest *next,
							   enum process_hook hook)
{
	const struct manifest_process_rule *rule,
		*end = next->process_rules + next->nr_process_rules;

	for (rule = next->process_rules; rule < end; rule++) {
		bool falls_back = rule->action == SYNFW_PROCESS_ISOLATE && !commit->isolates_fully;
		const struct process_hook_reason reason = {
			rule->trigger, falls_back ? rule->fallback : rule->action, rule->peers};

		if (process_hook_serves(hook, &reason))
			return rule;
	}
	return NULL;
}

/* What of the policy needs the hook: the first rule, else what is left. The caller frees. */
static char *who_needs(const struct process_commit *commit, const struct manifest *next,
		       enum process_hook hook)
{
	const struct synfw_process_head *head = &commit->tables->head;
	const struct process_hook_reason scoring = {SYNFW_ON_EXEC, head->act, head->on_peer_block};
	const struct manifest_process_rule *rule = rule_that_needs(commit, next, hook);

	if (rule)
		return path_format("%s:%u: rule \"%s\"", next->file, rule->line, rule->name);
	if ((head->act_at || head->on_peer_block) && process_hook_serves(hook, &scoring))
		return path_format("%s: process-scoring", next->file);
	return path_format("%s: the policy", next->file);
}

static int refuse_hook(const struct process_commit *commit, const struct manifest *next,
		       enum process_hook hook, int error, struct fault *fault)
{
	CLEANUP(cleanup_free) char *who = who_needs(commit, next, hook);

	if ((error == -ENOENT || error == -ENODEV) && process_hooks[hook].tracepoint)
		return fault_refuse(fault, EXIT_KERNEL,
				    "%s needs the hook \"%s\" at system calls, which this kernel "
				    "was built without",
				    who ? who : next->file, process_hooks[hook].word);
	fault_system(fault, error, "%s needs the hook \"%s\", which cannot be attached",
		     who ? who : next->file, process_hooks[hook].word);
	fault->exit_code = EXIT_KERNEL;
	return error;
}

static bool says_refused(const char *words, const char *program)
{
	char text[80];

	snprintf(text, sizeof(text), "prog '%s': failed to load", program);
	return strstr(words, text);
}

/* One of `hooks` whose program libbpf says could not be loaded, and which some rule needs, if one
 * does: a program may serve several. PROCESS_NR_HOOKS: libbpf names none of them. */
static enum process_hook refused_hook(const struct process_commit *commit,
				      const struct manifest *next, uint32_t hooks,
				      const char *words)
{
	enum process_hook found = PROCESS_NR_HOOKS;
	int hook;

	for (hook = 0; words && hook < PROCESS_NR_HOOKS; hook++) {
		if (!(hooks & 1U << hook) || !says_refused(words, process_hooks[hook].program))
			continue;
		if (rule_that_needs(commit, next, hook))
			return hook;
		if (found == PROCESS_NR_HOOKS)
			found = hook;
	}
	return found;
}

int process_commit_refuse_load(const struct process_commit *commit, const struct manifest *next,
			       uint32_t hooks, int error, struct fault *fault)
{
	enum process_hook hook = refused_hook(commit, next, hooks, fault->detail);
	CLEANUP(cleanup_free) char *who = NULL;
	struct fault named = {0};

	if (hook == PROCESS_NR_HOOKS)
		return error;
	who = who_needs(commit, next, hook);
	fault_system(&named, error, "%s needs the hook \"%s\", whose program cannot be loaded",
		     who ? who : next->file, process_hooks[hook].word);
	named.exit_code = EXIT_KERNEL; /* who may not load any was refused before */
	fault_detail(&named, fault->detail);
	fault_done(fault);
	*fault = named;
	return error;
}

static int open_cgroup(const struct process_commit *commit, const struct manifest *next,
		       enum process_hook hook, struct fault *fault, int *ret_fd)
{
	CLEANUP(cleanup_free) char *who = NULL;
	int err = process_hooks_open_cgroup(ret_fd);

	if (err != -ENOENT && err != -EXDEV)
		return err ? refuse_hook(commit, next, hook, err, fault) : 0;
	who = who_needs(commit, next, hook);
	return fault_refuse(
		fault, EXIT_KERNEL,
		"%s isolates processes or asks for their peers, which hangs on the root "
		"of the cgroup v2 hierarchy: %s",
		who ? who : next->file,
		err == -ENOENT ? "mount that, as on /sys/fs/cgroup"
			       : "what is mounted here begins below it");
}

int process_commit_check(const struct process_commit *commit, const struct manifest *next,
			 struct fault *fault)
{
	CLEANUP(cleanup_fd) int cgroup_fd = -1;
	int hook;

	for (hook = 0; hook < PROCESS_NR_HOOKS; hook++)
		if (commit->loaded.hook_fd[hook] >= 0 && process_hooks[hook].cgroup)
			return open_cgroup(commit, next, hook, fault, &cgroup_fd);
	return 0;
}

static int attach(struct process_commit *commit, enum process_hook hook, int cgroup_fd,
		  const struct manifest *next, struct fault *fault)
{
	CLEANUP(cleanup_free)
	char *path = process_half_link_path(commit->dir, hook, commit->live.present);
	int fd = process_hook_attach(hook, commit->loaded.hook_fd[hook], cgroup_fd);

	if (fd < 0)
		return refuse_hook(commit, next, hook, fd, fault);
	commit->link_fd[hook] = fd;
	commit->attached |= 1U << hook;
	if (!path || bpf_obj_pin(fd, path))
		return fault_system(fault, path ? -errno : -ENOMEM, "cannot pin the hook \"%s\"",
				    process_hooks[hook].word);
	return 0;
}

int process_commit_attach(struct process_commit *commit, const struct manifest *next,
			  struct fault *fault)
{
	CLEANUP(cleanup_fd) int cgroup_fd = -1;
	int hook, err = 0;

	for (hook = 0; !err && hook < PROCESS_NR_HOOKS; hook++) {
		if (commit->loaded.hook_fd[hook] < 0)
			continue;
		if (process_hooks[hook].cgroup && cgroup_fd < 0)
			err = open_cgroup(commit, next, hook, fault, &cgroup_fd);
		if (!err)
			err = attach(commit, hook, cgroup_fd, next, fault);
	}
	return err;
}
