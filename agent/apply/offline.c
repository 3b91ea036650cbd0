/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "offline.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>

#include <synfw/cleanup.h>

#include "processes/files.h"

int offline_compile(const struct policy_file *file, const struct infrastructure *host,
		    struct fault *fault, struct image **ret_image)
{
	const struct policy *policy = file->policy;
	CLEANUP(cleanup_free)
	struct policyc_interface *interfaces =
		calloc(policy->nr_interfaces + 1, sizeof(*interfaces));
	struct policyc_options options = {.interfaces = interfaces};
	struct process_own_files own;
	size_t i;
	int err;

	if (!interfaces)
		return fault_system(fault, -ENOMEM, "cannot compile \"%s\"", policy->file);
	for (i = 0; i < policy->nr_interfaces && i < SYNFW_MAX_INTERFACES; i++)
		interfaces[i] = (struct policyc_interface){
			.name = policy->interfaces[i].pattern,
			.slot = i + 1,
		};
	options.nr_interfaces = i;
	process_files_own(&own);
	options.protected_programs = &own.list;
	if (host) {
		options.infrastructure.gateways = &host->gateways;
		options.infrastructure.resolvers = &host->resolvers;
	}
	err = policyc_compile(policy, &options, file->diags, ret_image);
	if (err && err != -EINVAL)
		return fault_system(fault, err, "cannot compile \"%s\"", policy->file);
	return err;
}

uint32_t offline_slot(const struct policy *policy, const char *interface)
{
	size_t i;

	for (i = 0; i < policy->nr_interfaces && i < SYNFW_MAX_INTERFACES; i++)
		if (!interface || !fnmatch(policy->interfaces[i].pattern, interface, 0))
			return i + 1;
	return 0;
}
