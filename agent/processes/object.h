/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PROCESS_OBJECT_H
#define SYNFW_AGENT_PROCESS_OBJECT_H

/* The BPF object of the process half. object.c is the only file that includes its
 * skeleton. */
#include <synfw/process.h>

#include "datapath/object.h"
#include "hooks.h"

/* The maps that outlive a command, in the order of process_maps[]. */
enum process_map {
	PROCESS_HEADS,
	PROCESS_VECTORS,
	PROCESS_RULES,
	PROCESS_PATHS,
	PROCESS_PATTERNS,
	PROCESS_IDS,
	PROCESS_PROCESSES,
	PROCESS_EXECUTABLES,
	PROCESS_GROWTH,
	PROCESS_TALKS,
	PROCESS_STATE,
	PROCESS_RUNTIME,
	PROCESS_COUNTERS,
	PROCESS_TALLIES,
	PROCESS_EVENTS,
	PROCESS_NR_MAPS,
};

extern const struct object_map_spec process_maps[PROCESS_NR_MAPS];

/* Programs that are run by user space. */
enum process_call {
	PROCESS_FILL,	      /* iterator over all tasks: remembers them */
	PROCESS_IDENTIFY,     /* the file behind a descriptor of the caller */
	PROCESS_FIND_HOST,    /* the mount namespace of PID 1 */
	PROCESS_RELEASE,      /* a process is held for nothing any more */
	PROCESS_FLAG_TALKERS, /* who talks with a source that user space has blocked */
	PROCESS_NR_CALLS,
};

/* The name of such a program, which is that of its pin, too. */
const char *process_call_program(enum process_call call);

/* A loaded object. Descriptors are -1 when absent and belong to the holder. */
struct process_object {
	int map_fd[PROCESS_NR_MAPS];
	int hook_fd[PROCESS_NR_HOOKS]; /* programs that are not attached yet */
	int call_fd[PROCESS_NR_CALLS];
	int ask_fd, question_fd; /* shadow objects only */
};

#define PROCESS_OBJECT_NONE                                                                     \
	{                                                                                       \
		.map_fd = {[0 ... PROCESS_NR_MAPS - 1] = -1},                                   \
		.hook_fd = {[0 ... PROCESS_NR_HOOKS - 1] = -1},                                 \
		.call_fd = {[0 ... PROCESS_NR_CALLS - 1] = -1}, .ask_fd = -1, .question_fd = -1 \
	}

/* As object_digest(). */
uint64_t process_object_digest(void);

/* Loads the programs of `hooks` (bit h: enum process_hook), those that refuse as `security` says,
 * and those that user space runs. What both halves have is shared with `packets`, if there is one.
 * With `reuse` the other maps are those, else new ones; the descriptors of the result are its own
 * in both cases. */
int process_object_load(const struct object *packets, const struct process_object *reuse,
			uint32_t hooks, enum process_security security, struct fault *fault,
			struct process_object *ret_object);

/* Loads the programs of `hooks`, and what finds out the file behind a descriptor, on small maps of
 * its own: to try what comes of it. */
int process_object_load_probe(uint32_t hooks, enum process_security security, struct fault *fault,
			      struct process_object *ret_object);

/* Loads the program that answers questions, on maps of its own. */
int process_object_load_shadow(struct fault *fault, struct process_object *ret_object);

void process_object_close(struct process_object *object);

#endif
