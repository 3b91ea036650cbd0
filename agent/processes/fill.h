/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PROCESS_FILL_H
#define SYNFW_AGENT_PROCESS_FILL_H

/* The processes that run already. */
#include "object.h"

/* Lets the kernel go through all tasks and remember those that it does not know, with what the
 * generation in `slot` says of what they and their ancestors run. The hooks are attached: who forks
 * meanwhile is remembered by them. */
int process_fill(const struct process_object *object, uint32_t slot, struct fault *fault);

/* After a child of an isolated process found no room: looks for room for all that are not known, in
 * the generation in force, `slot`. Otherwise nothing is done. `ret_lost`: some still have none,
 * and whoever is not known has no network. */
int process_fill_lost(const struct process_object *object, uint32_t slot, struct fault *fault,
		      bool *ret_lost);

/* Takes these flags (SYNFW_PROCESS_*) from all, which no rule in force gives: with
 * SYNFW_PROCESS_ISOLATED nobody is refused for being unknown either. */
int process_fill_release(const struct process_object *object, uint32_t flags, struct fault *fault);

#endif
