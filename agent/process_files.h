/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PROCESS_FILES_H
#define SYNFW_AGENT_PROCESS_FILES_H

/* The files behind paths, as the kernel's programs see them: a hard link or another mount of one is
 * the same file. */
#include <process_tables.h>

#include "process_object.h"

/* Adds to the tables the files that their exact paths are now; paths of nothing are left out.
 * Protects synfw and synfwd, as this binary is installed. Programs that other processes run while
 * they are replaced on disk keep their identity. */
int process_files_add(struct process_tables *tables, const struct process_object *object,
		      struct fault *fault);

#endif
