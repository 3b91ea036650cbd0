/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_SET_LIST_H
#define SYNFW_AGENT_SET_LIST_H

/* synfw set list */
#include <stdbool.h>

#include "datapath/set.h"

/* Prints the members that have not expired, in the order of their addresses. 0 or a fault. */
int set_list(const struct set *set, bool json, struct fault *fault);

#endif
