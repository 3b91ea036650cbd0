/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_OFFLINE_H
#define SYNFW_AGENT_OFFLINE_H

/* Compiling a policy that is not attached to anything, for `check` and `trace --policy`. */
#include "host/infrastructure.h"
#include "policy/policy_file.h"

/*
 * The interfaces that the policy names stand for themselves, as slots 1 and on: none of them need
 * exist here. `host` may be NULL: nothing is known of a host's gateways and resolvers.
 * 0 and the image (image_free), -EINVAL when the policy has errors, or a fault.
 */
int offline_compile(const struct policy_file *file, const struct infrastructure *host,
		    struct fault *fault, struct image **ret_image);

/* The slot of an interface in that image; 0 when no name or glob of the policy covers it. NULL is
 * the policy's first. */
uint32_t offline_slot(const struct policy *policy, const char *interface);

#endif
