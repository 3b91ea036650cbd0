/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PROCESS_RELEASE_H
#define SYNFW_AGENT_PROCESS_RELEASE_H

/* Lets processes go that are held for something: no flag, no isolation, no points any more. */
#include "entries.h"

/* Lets one process go, as it was read, and those that began with what it is held for, also when
 * they are just being forked; the points of what they run are forgotten. `head`: of the
 * generation in force. `ret_heirs`: how many those were. A process that has ended meanwhile is
 * success. */
int process_release(const struct process_object *object, const struct synfw_process_head *head,
		    const struct process_entry *entry, struct fault *fault, size_t *ret_heirs);

/* The same of all, and of all that can be executed. `ret_released`: how many were held. */
int process_release_all(const struct process_object *object, const struct synfw_process_head *head,
			struct fault *fault, size_t *ret_released);

#endif
