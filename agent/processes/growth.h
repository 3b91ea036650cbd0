/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PROCESS_GROWTH_H
#define SYNFW_AGENT_PROCESS_GROWTH_H

/* The windows in which growth of processes is measured, over a reload. */
#include "half.h"

/* Before the generation of `tables` is in force: growth is measured anew, of all processes, if it
 * has a rule on growth that the one in `live_slot` has not, as nobody has kept its windows. */
int process_growth_begin(const struct process_half *half, uint32_t live_slot,
			 const struct process_tables *tables, struct fault *fault);

#endif
