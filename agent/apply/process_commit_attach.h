/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PROCESS_COMMIT_ATTACH_H
#define SYNFW_AGENT_PROCESS_COMMIT_ATTACH_H

/* The part of a commit that attaches hooks. */
#include "process_commit.h"

/* Refuses, as process_commit_attach() would, what hangs on the root of the cgroup v2 hierarchy
 * where that is not to be had; changes nothing. */
int process_commit_check(const struct process_commit *commit, const struct manifest *next,
			 struct fault *fault);

/* Programs of `hooks` could not be loaded, as `fault` says: where it says which, the rule of `next`
 * that needs it is named instead, and it is the kernel that has refused. Returns `error`. */
int process_commit_refuse_load(const struct process_commit *commit, const struct manifest *next,
			       uint32_t hooks, int error, struct fault *fault);

/* Attaches and pins the hooks whose programs the commit has loaded, in their order, and notes each
 * for undoing. One that cannot be had is refused by the rule of `next` that needs it. */
int process_commit_attach(struct process_commit *commit, const struct manifest *next,
			  struct fault *fault);

#endif
