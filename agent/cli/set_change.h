/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_SET_CHANGE_H
#define SYNFW_AGENT_SET_CHANGE_H

/* synfw set add|del */
#include <stdbool.h>

#include "addresses.h"
#include "datapath/set.h"

struct set_change {
	const char *name;
	struct addresses addresses;
	bool many;	      /* they are counted, not named */
	uint64_t lifetime_ns; /* of what is added without its own; 0: that of the set */
};

/* In the order of the addresses, up to the first that fails: the fault then says which that is.
 * Print what was done, and return the exit code. The caller holds the lock. */
int set_add(const struct set *set, const struct set_change *change, bool json, struct fault *fault);
int set_del(const struct set *set, const struct set_change *change, bool json, struct fault *fault);

#endif
