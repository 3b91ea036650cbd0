/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PROCESS_TALLIES_H
#define SYNFW_AGENT_PROCESS_TALLIES_H

/* What the programs of the process half count, summed over all CPUs. */
#include "object.h"

int process_tally_read(const struct process_object *object, enum synfw_process_tally tally,
		       struct fault *fault, uint64_t *ret_count);

int process_counter_read(const struct process_object *object, uint32_t slot, struct fault *fault,
			 struct synfw_process_counter *ret_sum);

/* Sets a counter to zero on all CPUs. */
int process_counter_reset(const struct process_object *object, uint32_t slot, struct fault *fault);

#endif
