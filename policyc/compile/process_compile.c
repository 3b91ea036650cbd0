/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/process_compile.h"

#include <errno.h>
#include <stdlib.h>

#include <synfw/cleanup.h>

#include "compile/process_build.h"

static void build_init(struct process_build *build, const struct policy *policy)
{
	*build = (struct process_build){.policy = policy};
	intern_init(&build->patterns, sizeof(struct synfw_path_key));
	intern_init(&build->args, sizeof(struct synfw_path_key));
	intern_init(&build->ids, sizeof(struct synfw_process_id));
	intern_init(&build->vectors, sizeof(struct synfw_process_vector));
}

static void build_done(struct process_build *build)
{
	free(build->bit);
	intern_done(&build->patterns);
	free(build->sayings);
	free(build->sorted);
	for (uint32_t i = 0; i < build->nr_terms; i++)
		free(build->terms[i].pattern);
	free(build->terms);
	intern_done(&build->args);
	intern_done(&build->ids);
	free(build->id_sayings);
	intern_done(&build->vectors);
}

static int limits_check(const struct process_build *build, struct diags *diags)
{
	const struct location at = {.file = build->policy->file};
	uint32_t entries = build->patterns.count + build->args.count + build->ids.count;
	size_t errors = diags_errors(diags);

	if (build->nr_terms > SYNFW_MAX_LINEAGE_TERMS)
		diag_error(diags, at,
			   "the rules on processes and memory have %u different lists in `parent` "
			   "and `ancestor`; the limit is %u",
			   build->nr_terms, SYNFW_MAX_LINEAGE_TERMS);
	if (build->args.count > SYNFW_MAX_ARGS)
		diag_error(diags, at,
			   "the rules on processes and memory have %u different arguments; the "
			   "limit is %u",
			   build->args.count, SYNFW_MAX_ARGS);
	if (entries > SYNFW_MAX_PATTERNS)
		diag_error(diags, at,
			   "the rules on processes and memory have %u different paths, users, "
			   "groups and arguments; the limit is %u",
			   entries, SYNFW_MAX_PATTERNS);
	return diags_errors(diags) > errors ? -EINVAL : 0;
}

static bool policy_says_something(const struct policy *policy)
{
	return policy->nr_process_rules || policy->nr_memory_rules ||
	       policy->process_scoring.written;
}

int process_compile(const struct policy *policy, const struct policyc_options *options,
		    struct diags *diags, struct process_tables **ret_tables)
{
	CLEANUP(process_tables_freep) struct process_tables *tables = NULL;
	CLEANUP(build_done) struct process_build build;
	int error;

	build_init(&build, policy);
	if (!policy_says_something(policy)) {
		*ret_tables = NULL;
		return 0;
	}
	tables = calloc(1, sizeof(*tables));
	if (!tables)
		return -ENOMEM;
	error = process_bits_make(&build);
	if (!error)
		error = process_patterns_collect(&build, options->protected_programs);
	if (!error)
		error = process_ids_collect(&build);
	if (!error)
		error = limits_check(&build, diags);
	if (!error)
		error = process_layout(&build, tables);
	if (error)
		return error;
	*ret_tables = TAKE_PTR(tables);
	return 0;
}
