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
	uint32_t base; /* the first class of this family; those before it have come up already */
	struct origin *list; /* by class; of addresses in no set, which is class 0, all is 0 */
	uint32_t count, room;
	bool known; /* which classes there are, but not where all of them come up */
};

/* A class at a prefix; as long as classes are not known, of prefixes in their order. 0, -ENOMEM, or
 * -ESTALE when it is none of those that are known. */
int origins_meet(struct origins *origins, uint32_t class_id, const struct set_prefix *prefix);

/* Of known classes: it may not come up where it did. */
void origins_forget(struct origins *origins, uint32_t class_id);

/* Has a class come up, and before a prefix that begins with this address? */
bool origins_have(const struct origins *origins, uint32_t class_id, address_t before);

/* The class behind the last one. */
static inline uint32_t origins_end(const struct origins *origins)
{
	return origins->base + origins->count;
}

/* Do all come up in the order of their numbers? */
bool origins_are_ordered(const struct origins *origins);

void origins_done(struct origins *origins);

#endif
