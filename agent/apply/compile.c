/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile.h"

#include <errno.h>
#include <stdlib.h>

#include <synfw/cleanup.h>

#include "processes/files.h"

int compile_policy(const struct policy *policy, struct policyc_options *options,
		   const struct infrastructure *host, struct diags *diags, struct fault *fault,
		   struct image **ret_image)
{
	struct process_own_files own;
	int err;

	process_files_own(&own);
	options->protected_programs = &own.list;
	if (host) {
		options->infrastructure.gateways = &host->gateways;
		options->infrastructure.resolvers = &host->resolvers;
	}
	err = policyc_compile(policy, options, diags, ret_image);
	options->protected_programs = NULL;
	if (err && err != -EINVAL)
		return fault_system(fault, err, "cannot compile \"%s\"", policy->file);
	return err;
}

/* Where it cannot be mapped all is made anew. */
static struct tables_view map_live(const struct live *live)
{
	struct tables_view view = {};

	if (live && live->class_tables.basis &&
	    tables_map(&live->tables, live->header.nr_lines, &view))
		tables_unmap(&view);
	return view;
}

int compile_candidate(const struct compile_candidate *candidate, struct diags *diags,
		      struct fault *fault, struct image **ret_image)
{
	const struct interface_list *list = candidate->interfaces;
	CLEANUP(cleanup_free)
	struct policyc_interface *interfaces = calloc(list->count + 1, sizeof(*interfaces));
	CLEANUP(tables_unmap) struct tables_view live = map_live(candidate->live);
	const struct image before = {.lines = live.lines, .nr_lines = live.nr_lines};
	struct policyc_options options = {
		.interfaces = interfaces,
		.nr_interfaces = list->count,
		.before = live.lines ? &before : NULL,
	};

	if (!interfaces)
		return fault_system(fault, -ENOMEM, "cannot compile the policy");
	for (size_t i = 0; i < list->count; i++)
		interfaces[i] = (struct policyc_interface){
			.name = list->items[i].name,
			.slot = list->items[i].slot,
		};
	return compile_policy(candidate->policy, &options, candidate->host, diags, fault,
			      ret_image);
}
