/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_SHADOW_H
#define SYNFW_AGENT_SHADOW_H

/*
 * The same BPF object, loaded a second time and attached to nothing: it judges frames by a
 * candidate's or the live policy's tables and changes no counter. There is no other
 * implementation of the rules in the agent.
 */
#include <synfw/reasons.h>
#include <synfw/state.h>

#include "tables.h"

struct shadow {
	struct object object;
};

#define SHADOW_NONE                   \
	{                             \
		.object = OBJECT_NONE \
	}

/* The largest frame that BPF_PROG_TEST_RUN takes: a page less headroom, and 17 fragments. */
#define SHADOW_MAX_FRAME (17 * 4096)

/* Loads the shadow program on these tables, and on what the datapath `state` remembers of sources
 * and connections (NULL: on nothing). Both may be closed afterwards. */
int shadow_open(const struct tables *tables, const struct object *state, struct fault *fault,
		struct shadow *ret_shadow);

/* Judges one Ethernet frame of 14 to SHADOW_MAX_FRAME bytes as if it came in on an interface
 * slot (0: an interface that the policy does not name). */
int shadow_judge(const struct shadow *shadow, uint32_t interface_slot, const void *frame,
		 uint32_t length, struct fault *fault, struct synfw_trace *ret_trace);

void shadow_close(struct shadow *shadow);

/* "rule-drop"; "unknown" for a reason that this binary does not know. */
const char *shadow_reason_word(unsigned int reason);
const char *shadow_reason_sentence(unsigned int reason);

#endif
