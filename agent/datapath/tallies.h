/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_TALLIES_H
#define SYNFW_AGENT_TALLIES_H

/* What the packet path could not do: enum synfw_tally. */
#include <synfw/state.h>

#include "object.h"

/* Sums over all CPUs. */
int tallies_read(const struct object *object, struct fault *fault,
		 uint64_t ret_tallies[SYNFW_NR_TALLIES]);

#endif
