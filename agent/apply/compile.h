/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_COMPILE_H
#define SYNFW_AGENT_COMPILE_H

/* Compiling a policy with what this host adds to it. */
#include <policyc.h>

#include "base/fault.h"
#include "datapath/interfaces.h"
#include "datapath/live.h"
#include "host/infrastructure.h"

/*
 * Adds to the options synfw's own programs, and the host's gateways and resolvers unless `host` is
 * NULL. 0 and the image (image_free), -EINVAL when the policy has errors, or a fault.
 */
int compile_policy(const struct policy *policy, struct policyc_options *options,
		   const struct infrastructure *host, struct diags *diags, struct fault *fault,
		   struct image **ret_image);

/* What is to be put in force. */
struct compile_candidate {
	const struct policy *policy;
	const struct interface_list *interfaces;
	const struct infrastructure *host; /* NULL: as above */
	/* in force, and its pages stay as they are meanwhile; NULL: nothing of this ABI is */
	const struct live *live;
};

/* The same of a policy that takes the place of one in force: what is the same is copied from it. */
int compile_candidate(const struct compile_candidate *candidate, struct diags *diags,
		      struct fault *fault, struct image **ret_image);

#endif
