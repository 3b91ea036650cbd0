/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "../model.h"

#include <stdlib.h>

#include "match.h"

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

static void free_sets(struct policy *policy)
{
	for (size_t i = 0; i < policy->nr_sets; i++) {
		free(policy->sets[i].name);
		free(policy->sets[i].file);
		prefix_list_done(&policy->sets[i].prefixes);
	}
	free(policy->sets);
}

bool policy_has_dynamic_sets(const struct policy *policy)
{
	for (size_t i = 0; i < policy->nr_named_sets; i++)
		if (policy->sets[i].dynamic)
			return true;
	return false;
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
	free_sets(policy);
	free_rules(policy);
	for (size_t i = 0; i < policy->nr_tests; i++) {
		free(policy->tests[i].packet.interface);
		free(policy->tests[i].rule);
	}
	free(policy->tests);
	free(policy);
}

void policy_freep(struct policy **policy)
{
	policy_free(*policy);
	*policy = NULL;
}
