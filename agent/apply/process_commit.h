/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PROCESS_COMMIT_H
#define SYNFW_AGENT_PROCESS_COMMIT_H

/*
 * The part of a commit that is about processes. Both halves of a policy have the same generation
 * slot, so the one store of a commit puts both in force.
 *
 * New hooks are attached while the old generation is in force: they read the head of the slot that
 * is, and act by the old rules, or do nothing. Those that nothing needs go after the switch, and
 * with the last rule the whole half.
 */
#include <image.h>

#include "base/notes.h"
#include "datapath/live.h"
#include "processes/half.h"
#include "processes/inner.h"

struct process_commit {
	const struct object *packets;	     /* the half for packets, of the same datapath */
	struct process_half live;	     /* of the datapath in force, if it has this ABI */
	const struct process_tables *tables; /* NULL: the policy has nothing to do with processes */
	enum process_security security;	     /* how programs may refuse, where that matters */
	bool isolates_fully;		     /* so does all else that isolation takes */
	uint32_t needed;		     /* hooks */
	bool renewed;			     /* what is in force runs another build's programs */
	struct process_object loaded; /* programs to attach, and maps when there is no half */
	struct process_inner inner;

	/* for undoing */
	char *dir;	   /* where the half is pinned until the switch */
	bool built;	   /* by this commit */
	bool beside;	   /* ... under the name that an unfinished one has */
	bool staged;	   /* the slot holds something */
	uint32_t attached; /* hooks whose links this commit made */
	int link_fd[PROCESS_NR_HOOKS];
};

#define PROCESS_COMMIT_NONE                                               \
	{                                                                 \
		.live = PROCESS_HALF_NONE, .loaded = PROCESS_OBJECT_NONE, \
		.inner = PROCESS_INNER_NONE, .link_fd = {                 \
			[0 ... PROCESS_NR_HOOKS - 1] = -1                 \
		}                                                         \
	}

/* Loads programs and tables for a policy. `packets` is the packet half that they share maps with,
 * and stays until process_commit_done(); `live` the datapath in force (manifest and control), not
 * present when it is none of this ABI. Completes image->processes. `commit->live` is there. `next`:
 * by whose rules what cannot be had is refused. */
int process_commit_prepare(struct process_commit *commit, const struct object *packets,
			   const struct live *live, struct image *image,
			   const struct manifest *next, struct fault *fault);

/* Tells what the policy needs, and what of it this kernel has; a manifest learns of hooks, programs
 * and which rule counts where, and `tables` of rules that fall back (process_hooks_fall_back()). 0
 * or -ENOMEM. Before all else here. */
int process_commit_describe(struct process_commit *commit, struct process_tables *tables,
			    struct manifest *manifest);

/* Removes what a killed apply left below `dir`, or settles it where it is in force. */
int process_commit_recover(const struct paths *paths, struct process_commit *commit,
			   const struct live *live, struct fault *fault);

/* Fills the idle slot, attaches what is missing, lists the processes that run. `fresh`: the
 * datapath in `dir` is being built, too. */
int process_commit_stage(struct process_commit *commit, const char *dir, bool fresh, uint32_t slot,
			 const struct manifest *live, const struct manifest *next,
			 struct fault *fault);
void process_commit_undo(struct process_commit *commit, const struct paths *paths, uint32_t slot);

/* After the switch: settles the names of pins and removes what is not needed; a half without rules
 * goes. */
void process_commit_settle(struct process_commit *commit, const struct paths *paths,
			   struct notes *notes);

/* The half in force, whose other slot may have rules on processes; NULL: there is none. */
const struct process_object *process_commit_half(const struct process_commit *commit);

void process_commit_done(struct process_commit *commit);

#endif
