/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PROCESS_HALF_H
#define SYNFW_AGENT_PROCESS_HALF_H

/*
 * The process half of a datapath as it is pinned. It is there when a policy with rules on processes
 * or memory is in force, in a directory of its own, so that it appears and disappears with one
 * rename:
 *
 *   abi<N>/process/<map>     abi<N>/process/synfw_fill    abi<N>/process/link-<hook>
 *   abi<N>/process/new-<hook>    attached by an apply that has not switched yet
 *   abi<N>/process-new/          being built by an apply beside a datapath that is in force
 */
#include "base/paths.h"
#include "object.h"

struct process_half {
	bool present;		      /* all below is empty without it */
	struct process_object object; /* its maps, and what user space runs */
	uint32_t hooks, pending; /* bit h: enum process_hook; that is attached by its link, that
				  * has a link of an apply that has not switched */
	uint32_t uncalled; /* of `hooks`: process_security_programs_are_called() says no of them */
	enum process_security security; /* how those that are attached refuse, if one does */
	uint64_t missed; /* times that tasks passed by one that refuses, since it was loaded */
};

#define PROCESS_HALF_NONE                     \
	{                                     \
		.object = PROCESS_OBJECT_NONE \
	}

/* The directory below that of a datapath. NULL without memory. */
char *process_half_path(const char *dir, bool being_built);
char *process_half_link_path(const char *half_dir, enum process_hook hook, bool pending);

/* Opens what is pinned in `half_dir`. None is success with `present` false. */
int process_half_open(const char *half_dir, struct fault *fault, struct process_half *ret_half);

/* That of the datapath in `dir`, whose active slot is given: one that an apply left under its
 * unfinished name is that, too, when its rules are in force. */
int process_half_find(const char *dir, uint32_t active, struct fault *fault,
		      struct process_half *ret_half);

/* Is all attached, and called, that isolation takes? */
bool process_half_isolates_fully(const struct process_half *half);

/* The head of a slot, of zeros when its generation has nothing to do with processes. */
int process_half_read_head(const struct process_half *half, uint32_t slot, struct fault *fault,
			   struct synfw_process_head *ret_head);

/* Makes the directory and pins maps and programs in it. */
int process_half_pin(const struct process_object *object, const char *half_dir,
		     struct fault *fault);

/* Lets what is pinned act on nothing any more, even where somebody holds it open; what cannot be
 * opened is left. Before the pins are removed. */
void process_half_disarm(const char *half_dir);

/* Disarms and removes it at once. 0 or -errno. */
int process_half_remove(const struct paths *paths, const char *half_dir);

void process_half_close(struct process_half *half);

#endif
