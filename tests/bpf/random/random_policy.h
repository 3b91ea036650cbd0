/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_RANDOM_POLICY_H
#define TESTS_BPF_RANDOM_POLICY_H

/*
 * Random policies as text, so that they go through the front end too. Every one of them is valid:
 * that policyc refuses one is a finding.
 */
#include <policyc.h>

#include "base/policy_text.h"
#include "base/random.h"
#include "random/random_universe.h"

/* What a policy is judged with: the interfaces are always the same four slots, the rest is random.
 */
struct random_policy {
	struct policy_text text;
	struct prefix_list gateways, resolvers;
	struct policyc_options options; /* borrows the two lists */
};

extern const struct policyc_interface random_interfaces[];
extern const size_t random_nr_interfaces;

/* Writes a policy of `nr_rules` rules, in place: its options point into it. Aborts without memory.
 */
void random_policy(struct rng *rng, size_t nr_rules, struct random_policy *ret_policy);

/* The same with what makes one packet change what the next one meets: limits, scoring, effects. */
void random_policy_over_time(struct rng *rng, size_t nr_rules, struct random_policy *ret_policy);
void random_policy_done(struct random_policy *policy);

#endif
