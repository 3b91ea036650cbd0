/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_PROCESS_QUESTION_H
#define POLICYC_PROCESS_QUESTION_H

/* What the shadow program is asked for a test of the policy. */
#include "model.h"

/* The exec of a test, to be judged by the generation in `slot` where an exec can be denied or
 * cannot. The answer is empty. */
void process_question(const struct process_spec *spec, uint32_t slot, bool denies,
		      struct synfw_process_question *ret_question);

#endif
