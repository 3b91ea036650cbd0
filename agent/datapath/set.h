/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_SET_H
#define SYNFW_AGENT_SET_H

/* One dynamic set of the policy in force, found without reading the policy: five pins are opened,
 * whatever its size. */
#include "base/paths.h"
#include "dynamic.h"
#include "filter.h"

struct set {
	int fd;		      /* its members */
	struct object object; /* the two maps that filter_open() uses */
	struct synfw_dynamic_set about;
};

#define SET_NONE                                \
	{                                       \
		.fd = -1, .object = OBJECT_NONE \
	}

/* The fault says what is wrong with the name when there is no such dynamic set. Whoever changes
 * members holds the lock, or an apply that copies them may miss the change. */
int set_open(const struct paths *paths, const char *name, struct fault *fault, struct set *ret_set);
void set_close(struct set *set);

#endif
