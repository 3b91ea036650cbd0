/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_ORIGINS_H
#define POLICYC_ORIGINS_H

/*
 * Where the classes of a family come up first in the order of its prefixes, which is what numbers
 * them: as long as each has the same origin, each has the same number.
 */
#include <stdbool.h>

#include "compile/prefix_merge.h"

struct origin {
	address_t first;
	uint8_t prefixlen;
};

struct origins {
	struct origin *list; /* by class; of addresses in no set, which is class 0, all is 0 */
	uint32_t count, room;
	bool known; /* no more classes come, and none earlier */
};

/* A class at a prefix, of which there are none before in this order but what was met. 0, -ENOMEM,
 * or of known origins -ESTALE when the class has another one. */
int origins_meet(struct origins *origins, uint32_t class_id, const struct set_prefix *prefix);

void origins_done(struct origins *origins);

#endif
