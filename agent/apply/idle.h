/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_IDLE_H
#define SYNFW_AGENT_IDLE_H

/*
 * The generation slot that is not in force. After a switch it holds the generation before, until
 * that is given up: by synfwd, where one runs, so that no command waits for packets in flight; else
 * by the apply itself, or, when that or synfwd was killed, by the next one. That the slot is empty
 * says that nothing of the generation is left, see docs/decisions/0005.
 */
#include "base/paths.h"
#include "datapath/live.h"
#include "processes/object.h"

/* Empties a slot after a grace period, and after what is remembered was told of the rules that went
 * with it. `processes`: the half whose slot goes, too, or NULL. `old`: what the slot holds, NULL:
 * not known, then all that is remembered is looked through. An empty slot costs nothing but a look
 * for what an emptying that was cut off has left. */
int idle_slot_empty(const struct object *object, const struct process_object *processes,
		    uint32_t slot, const struct manifest *old, const struct manifest *in_force,
		    struct fault *fault);

/* The idle slot of a datapath, whatever it holds. */
int idle_slot_empty_of(const struct live *live, const struct process_object *processes,
		       struct fault *fault);

/* The same for the datapath in paths->live. The caller holds the lock. */
int idle_generation_give_up(const struct paths *paths, struct fault *fault);

#endif
