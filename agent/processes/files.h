/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PROCESS_FILES_H
#define SYNFW_AGENT_PROCESS_FILES_H

/* The files behind paths, as the kernel's programs see them: a hard link or another mount of one is
 * the same file. */
#include <policyc.h>
#include <process_tables.h>

#include "object.h"

/* Adds to the tables the files that their exact paths are now; paths of nothing are left out.
 * Protects synfw and synfwd, as this binary is installed. Programs that other processes run while
 * they are replaced on disk keep their identity. */
int process_files_add(struct process_tables *tables, const struct process_object *object,
		      struct fault *fault);

/* Which file a descriptor of this process is. */
int process_file_identify(const struct process_object *object, int fd, struct fault *fault,
			  struct synfw_process_id *ret_id);

/* Tells the programs which mounts are the host's own, so that paths by these are certain. Before
 * the first hook is attached. */
int process_files_find_host(const struct process_object *object, struct fault *fault);

/* Where synfw and synfwd are, so that another build put there is protected, too. */
struct process_own_files {
	char path[2][SYNFW_MAX_PATTERN + 1];
	struct path_pattern pattern[2];
	struct path_list list; /* of these; empty when the paths are too long or not known */
};

void process_files_own(struct process_own_files *ret_files);

#endif
