/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PROCESS_COUNTERS_H
#define SYNFW_AGENT_PROCESS_COUNTERS_H

/* Counters of rules on processes and memory: like those of rules on packets, in a map of their own.
 */
#include "policy/manifest.h"

/* As counters_assign(). */
int process_counters_assign(const struct manifest *live, struct manifest *next);

/* Tells the rules in the tables which counters they have; an `except` has none. */
void process_counters_number(const struct manifest *manifest, struct process_tables *tables);

#endif
