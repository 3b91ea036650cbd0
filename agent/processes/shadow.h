/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PROCESS_SHADOW_H
#define SYNFW_AGENT_PROCESS_SHADOW_H

/* The program that judges an exec without one, by the same code as the tracepoint. */
#include "inner.h"

struct process_shadow {
	struct process_object object;
};

#define PROCESS_SHADOW_NONE                   \
	{                                     \
		.object = PROCESS_OBJECT_NONE \
	}

/* On the tables of a candidate, or of what is in force. Both may be closed afterwards. */
int process_shadow_open(const struct process_inner *inner, const struct synfw_process_head *head,
			struct fault *fault, struct process_shadow *ret_shadow);

/* Asks about `question`, whose slot is set here and whose answer is filled in. */
int process_shadow_ask(const struct process_shadow *shadow, struct fault *fault,
		       struct synfw_process_question *question);

void process_shadow_close(struct process_shadow *shadow);

#endif
