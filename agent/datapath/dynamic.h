/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_DYNAMIC_H
#define SYNFW_AGENT_DYNAMIC_H

/*
 * Dynamic sets in the kernel. The members of each are a map of its own, which a generation refers
 * to and which the next one takes over: members stay while policies come and go, and nobody has to
 * run for them to count or to expire.
 */
#include <model.h>

#include "members.h"
#include "object.h"

struct dynamic {
	int fd[SYNFW_MAX_DYNAMIC_SETS]; /* of the members, by number of the set; -1: no set */
	struct synfw_dynamic_sets about;
};

#define DYNAMIC_NONE                                     \
	{                                                \
		.fd = { -1, -1, -1, -1, -1, -1, -1, -1 } \
	}

/* The dynamic sets of a policy. A set of the same name and size in `live` (NULL: nothing is) is the
 * same map, members and all; with another size its live members are copied into a new one, and it
 * is refused when they do not fit. The caller holds the lock if members must not get lost. */
int dynamic_create(const struct policy *policy, const struct dynamic *live, struct fault *fault,
		   struct dynamic *ret_dynamic);

/* Puts the sets into a generation slot, which is idle. */
int dynamic_install(const struct dynamic *dynamic, const struct object *object, uint32_t slot,
		    struct fault *fault);

/* Takes them out of a generation slot; those that no other slot has end. 0 or -errno; goes on after
 * errors. */
int dynamic_clear(const struct object *object, uint32_t slot);

/* Opens the sets of a generation slot. A set that was taken out meanwhile is not there. */
int dynamic_open(const struct object *object, uint32_t slot, struct fault *fault,
		 struct dynamic *ret_dynamic);

/* The number of the set of that name; -1: there is none. */
int dynamic_find(const struct dynamic *dynamic, const char *name);

/* The live members of the set of that name; none where there is no such set. */
int dynamic_count(const struct dynamic *dynamic, const char *name, struct fault *fault,
		  struct members_count *ret_count);

/* Sets the bits of all members in the filter of an object, which has none yet of sets that it takes
 * over from a datapath of another ABI. */
int dynamic_fill_filter(const struct dynamic *dynamic, const struct object *object,
			struct fault *fault);

void dynamic_close(struct dynamic *dynamic);

#endif
