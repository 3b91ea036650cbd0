/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_MEMBERSHIP_H
#define POLICYC_MEMBERSHIP_H

/* Which sets an address is in, and what class that makes it in one direction. */
#include <stdint.h>

#include "compile/bits.h"
#include "compile/vectors.h"

/* The membership of an address in no set. */
#define MEMBERSHIP_EMPTY 0

/* One set more than another membership; the same sets may have several. Links instead of lists:
 * an address in n sets costs n links, not n copies. */
struct membership {
	uint32_t around;	/* the membership without the set */
	uint32_t set;
	uint32_t class_id;	/* UINT32_MAX: not computed yet */
};

/* (membership, set) -> membership, remembered. */
struct membership_step {
	uint32_t from, set;	/* from UINT32_MAX: free */
	uint32_t to;
};

struct memberships {
	const struct bits *bits;
	enum synfw_field field;
	struct membership *list;
	uint32_t count, room;
	struct membership_step *steps;
	uint32_t nr_steps, steps_room;	/* room: a power of two */
	uint32_t *users_of;	/* for each set where its users begin in `users`, one more at the end */
	uint32_t *users;	/* bits that mention the set */
	bool *member;		/* scratch: is the set in the membership in hand? */
	uint64_t *base;		/* vector of an address in no set */
	uint64_t *vector;	/* scratch */
};

int memberships_init(struct memberships *memberships, const struct bits *bits,
		     enum synfw_direction direction);
void memberships_done(struct memberships *memberships);

/* Does a bit of this direction mention the set? */
bool memberships_use(const struct memberships *memberships, uint32_t set);

/* SHA-256 over all that the classes of memberships go by, and their order: how bits of this
 * direction mention sets. */
#define MEMBERSHIPS_DIGEST_SIZE 32
void memberships_digest(const struct memberships *memberships,
			uint8_t ret_digest[MEMBERSHIPS_DIGEST_SIZE]);

/* `from` and one set more. 0 or -ENOMEM. */
int memberships_add(struct memberships *memberships, uint32_t from, uint32_t set, uint32_t *ret_to);

/* The class of a membership. 0, -ENOMEM or -E2BIG. */
int memberships_class(struct memberships *memberships, struct vectors *vectors, uint32_t membership,
		      uint32_t *ret_class);

#endif
