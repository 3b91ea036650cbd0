/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "offline.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>

#include <synfw/cleanup.h>

#include "compile.h"

int offline_compile(const struct policy_file *file, const struct infrastructure *host,
		    struct fault *fault, struct image **ret_image)
{
	const struct policy *policy = file->policy;
	CLEANUP(cleanup_free)
	struct policyc_interface *interfaces =
		calloc(policy->nr_interfaces + 1, sizeof(*interfaces));
	struct policyc_options options = {.interfaces = interfaces};
	size_t i;

	if (!interfaces)
		return fault_system(fault, -ENOMEM, "cannot compile \"%s\"", policy->file);
	for (i = 0; i < policy->nr_interfaces && i < SYNFW_MAX_INTERFACES; i++)
		interfaces[i] = (struct policyc_interface){
			.name = policy->interfaces[i].pattern,
			.slot = i + 1,
		};
	options.nr_interfaces = i;
	return compile_policy(policy, &options, host, file->diags, fault, ret_image);
}

uint32_t offline_slot(const struct policy *policy, const char *interface)
{
	size_t i;

	for (i = 0; i < policy->nr_interfaces && i < SYNFW_MAX_INTERFACES; i++)
		if (!interface || !fnmatch(policy->interfaces[i].pattern, interface, 0))
			return i + 1;
	return 0;
}
