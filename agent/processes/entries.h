/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PROCESS_ENTRIES_H
#define SYNFW_AGENT_PROCESS_ENTRIES_H

/* What the kernel remembers of processes. */
#include "half.h"
#include "policy/manifest.h"

struct process_entry {
	uint32_t pid;
	struct synfw_process process;
};

/* All, by pid. The caller frees them. */
int process_entries_read(const struct process_object *object, struct fault *fault,
			 struct process_entry **ret_entries, size_t *ret_count);

/* -ENOENT, without a fault: it is not known. */
int process_entry_read(const struct process_object *object, uint32_t pid, struct fault *fault,
		       struct synfw_process *ret_process);

/* Its points now. `head`: of the generation in force. */
uint32_t process_entry_score(const struct synfw_process *process,
			     const struct synfw_process_head *head, uint64_t now_boot_ns);

/* The points of what it executed and its effective user, as it has it now, have together. */
struct process_executable {
	bool present; /* all below is empty without it: there were none */
	uint32_t uid;
	uint32_t score; /* now */
	struct synfw_executable last;
};

int process_executable_read(const struct process_object *object, const struct process_entry *entry,
			    const struct synfw_process_head *head, uint64_t now_boot_ns,
			    struct fault *fault, struct process_executable *ret_executable);

/* Forgets these points. */
int process_executable_forget(const struct process_object *object,
			      const struct process_entry *entry, struct fault *fault);

/* Whether it was isolated, and the generation in force, of that head, isolates: unless it only
 * monitors, the process has no network. */
bool process_entry_isolated(const struct synfw_process *process,
			    const struct synfw_process_head *head);

/* Whether it, or who forked it, talked with a source that was blocked, and the generation in force
 * asks for that; in mode monitor, whether it would have counted. */
bool process_entry_talked(const struct synfw_process *process,
			  const struct synfw_process_head *head);

/* Resident memory: what /proc says now, else what was seen last. */
uint64_t process_entry_resident(const struct process_entry *entry);

/* Bytes a second that it grows by, over the time that a growth rule looks at; of several the
 * largest. */
uint64_t process_entry_growth(const struct process_object *object, const struct manifest *manifest,
			      const struct process_entry *entry, uint64_t now_boot_ns);

#endif
