/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_ADDRESS_WALK_H
#define POLICYC_ADDRESS_WALK_H

/*
 * From prefixes to ranges. The prefixes of all sets that rules of a direction mention come in an
 * order in which a prefix follows those that cover it; a walk with a stack of covering prefixes
 * knows for each which sets it is in ("membership"), and with that which bits it matches.
 */
#include "compile/membership.h"
#include "compile/origins.h"
#include "compile/prefix_merge.h"
#include "compile/ranges.h"

/* A prefix that is open while those within it come. */
struct open_prefix {
	address_t last; /* of its addresses */
	uint32_t membership;
	uint32_t class_id;
};

struct address_walk {
	struct memberships *memberships;
	struct vectors *vectors;
	struct ranges *ranges;
	struct origins *origins; /* NULL: where classes come from is not asked */
	address_t first, last;	 /* of the addresses to walk over */

	/* private to the walk */
	struct open_prefix stack[130]; /* what is around all, and one a prefix length */
	int depth;
};

/* Appends the ranges of the addresses to walk over, of which the first begins with them. `merge`
 * has the prefixes that have any of these. 0, -ENOMEM, -E2BIG, or what origins_meet() returns. */
int address_walk(struct address_walk *walk, struct prefix_merge *merge);

/* The class of an address in no set, after the walk. */
uint32_t address_walk_outside(const struct address_walk *walk);

#endif
