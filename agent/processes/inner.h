/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PROCESS_INNER_H
#define SYNFW_AGENT_PROCESS_INNER_H

/* The process half of a generation in the kernel: its inner maps and its head. */
#include <process_tables.h>

#include "object.h"

#define PROCESS_NR_INNER (PROCESS_IDS - PROCESS_VECTORS + 1)

struct process_inner {
	int fd[PROCESS_NR_INNER]; /* by enum process_map, from PROCESS_VECTORS on */
};

#define PROCESS_INNER_NONE                                  \
	{                                                   \
		.fd = { [0 ... PROCESS_NR_INNER - 1] = -1 } \
	}

/* Creates the inner maps of a policy, fills them, reads everything back and compares. Nothing
 * refers to them yet. */
int process_inner_create(const struct process_tables *tables, struct fault *fault,
			 struct process_inner *ret_inner);

/* Puts maps and head into a generation slot, which must be idle; what was there goes. The head
 * comes last: until then the slot has no rules. */
int process_inner_install(const struct process_inner *inner, const struct synfw_process_head *head,
			  const struct process_object *object, uint32_t slot, struct fault *fault);

/* Empties a slot that is idle, its head first. 0 or -errno. */
int process_inner_clear(const struct process_object *object, uint32_t slot);

/* Opens what is in a slot. -ENOENT, without a fault: nothing is, or it was emptied meanwhile. */
int process_inner_open(const struct process_object *object, uint32_t slot, struct fault *fault,
		       struct process_inner *ret_inner);

/* Reads the rules of a slot whose head says how many they are; the caller frees. */
int process_inner_read_rules(const struct process_inner *inner,
			     const struct synfw_process_head *head, struct fault *fault,
			     struct synfw_process_rule **ret_rules);

void process_inner_close(struct process_inner *inner);

#endif
