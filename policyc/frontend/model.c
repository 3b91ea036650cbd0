/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "../model.h"

#include <stdlib.h>

#include "match.h"
#include "process_match.h"

static void free_strings(char **strings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(strings[i]);
	free(strings);
}

void match_done(struct match *match)
{
	free(match->from.index);
	free(match->to_address.index);
	free(match->protos);
	free(match->to);
	free(match->from_ports);
	free(match->icmp);
	free_strings(match->interfaces, match->nr_interfaces);
	free(match->vlans);
	*match = (struct match){0};
}

static void free_rules(struct policy *policy)
{
	for (size_t i = 0; i < policy->nr_rules; i++) {
		free(policy->rules[i].name);
		free(policy->rules[i].description);
		match_done(&policy->rules[i].match);
		match_done(&policy->rules[i].except);
	}
	free(policy->rules);
}

void process_match_done(struct process_match *match)
{
	struct path_list *const paths[] = {&match->exec, &match->parent, &match->ancestor};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		for (size_t k = 0; k < paths[i]->count; k++)
			free(paths[i]->pattern[k].path);
		free(paths[i]->pattern);
	}
	free(match->user.id);
	free(match->group.id);
	free_strings(match->args.arg, match->args.count);
	*match = (struct process_match){0};
}

static void free_process_rules(struct policy *policy)
{
	for (size_t i = 0; i < policy->nr_process_rules; i++) {
		free(policy->process_rules[i].name);
		free(policy->process_rules[i].description);
		process_match_done(&policy->process_rules[i].match);
		process_match_done(&policy->process_rules[i].except);
	}
	free(policy->process_rules);
	for (size_t i = 0; i < policy->nr_memory_rules; i++) {
		free(policy->memory_rules[i].name);
		free(policy->memory_rules[i].description);
		process_match_done(&policy->memory_rules[i].match);
		process_match_done(&policy->memory_rules[i].except);
	}
	free(policy->memory_rules);
}

static void free_tests(struct policy *policy)
{
	for (size_t i = 0; i < policy->nr_tests; i++) {
		free(policy->tests[i].packet.interface);
		free(policy->tests[i].rule);
	}
	free(policy->tests);
	for (size_t i = 0; i < policy->nr_process_tests; i++) {
		struct process_spec *spec = &policy->process_tests[i].process;

		free(spec->exec);
		free(spec->parent);
		free(spec->ancestor);
		free_strings(spec->args, spec->nr_args);
		free(policy->process_tests[i].rule);
	}
	free(policy->process_tests);
}

static void free_sets(struct policy *policy)
{
	for (size_t i = 0; i < policy->nr_sets; i++) {
		free(policy->sets[i].name);
		free(policy->sets[i].file);
		prefix_list_done(&policy->sets[i].prefixes);
	}
	free(policy->sets);
}

uint64_t rate_interval_ns(const struct rate *rate)
{
	return (rate->per_ns + rate->count / 2) / rate->count;
}

uint64_t rate_tolerance_ns(const struct rate *rate, uint32_t burst)
{
	return (burst - 1) * rate_interval_ns(rate);
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	free(policy->file);
	free(policy->name);
	free(policy->description);
	for (size_t i = 0; i < policy->nr_interfaces; i++)
		free(policy->interfaces[i].pattern);
	free(policy->interfaces);
	for (size_t i = 0; i < policy->nr_protects; i++)
		match_done(&policy->protects[i].match);
	free(policy->protects);
	for (size_t i = 0; i < policy->nr_program_protects; i++)
		process_match_done(&policy->program_protects[i].programs);
	free(policy->program_protects);
	free_sets(policy);
	free_rules(policy);
	free_process_rules(policy);
	free_tests(policy);
	free(policy);
}

void policy_freep(struct policy **policy)
{
	policy_free(*policy);
	*policy = NULL;
}
