/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_POLICY_MEMORY_H
#define SYNFW_AGENT_POLICY_MEMORY_H

#include "datapath/live.h"

/* Kernel memory, in bytes, of what a policy has for itself: the pages of its tables, and, as the
 * kernel says how much each takes, the members of its dynamic sets and the tables of rules on
 * processes. What is remembered of sources, connections and processes is not of a policy. `dir`: where
 * the datapath is pinned. */
uint64_t policy_kernel_bytes(const char *dir, const struct live *live);

#endif
