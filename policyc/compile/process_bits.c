/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The bits: rules in the order of the policy, those on memory last, then an `except` each. */
#include "compile/process_build.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static struct process_bit *bit_append(struct process_build *build,
				      const struct process_match *match)
{
	struct process_bit *bit = &build->bit[build->nr_bits++];

	bit->match = match;
	bit->parent_term = bit->ancestor_term = NO_TERM;
	bit->rule.except_bit = SYNFW_NO_PROCESS_BIT;
	if (match->args.all)
		bit->rule.flags |= SYNFW_PROCESS_ARGS_ALL;
	return bit;
}

static void outcome_set(const struct process_outcome *outcome, struct synfw_process_rule *rule)
{
	rule->action = outcome->action;
	rule->fallback = outcome->fallback;
	rule->score = outcome->score;
	if (outcome->monitor)
		rule->flags |= SYNFW_PROCESS_MONITOR;
	if (outcome->peers.kind == PEERS_BLOCK) {
		rule->flags |= SYNFW_PROCESS_PEERS_BLOCK;
		rule->peers_block_ns = outcome->peers.block_ns;
	}
	if (outcome->peers.kind == PEERS_SCORE)
		rule->peers_score = outcome->peers.score;
}

static void rule_bits(struct process_build *build)
{
	const struct policy *policy = build->policy;

	for (size_t i = 0; i < policy->nr_process_rules; i++) {
		const struct process_rule *rule = &policy->process_rules[i];
		struct process_bit *bit = bit_append(build, &rule->match);

		bit->rule.index = i;
		bit->rule.trigger = SYNFW_ON_EXEC;
		outcome_set(&rule->outcome, &bit->rule);
	}
	for (size_t i = 0; i < policy->nr_memory_rules; i++) {
		const struct memory_rule *rule = &policy->memory_rules[i];
		struct process_bit *bit = bit_append(build, &rule->match);

		bit->rule.index = SYNFW_PROCESS_INDEX_MEMORY | i;
		bit->rule.trigger = rule->event;
		bit->rule.over_bytes = rule->over_bytes;
		bit->rule.within_ns = rule->within_ns;
		outcome_set(&rule->outcome, &bit->rule);
	}
}

static void except_bit(struct process_build *build, uint32_t of, const struct process_match *except)
{
	struct process_bit *bit = bit_append(build, except);

	bit->rule.index = build->bit[of].rule.index;
	bit->rule.trigger = build->bit[of].rule.trigger;
	build->bit[of].rule.except_bit = build->nr_bits - 1;
}

static void except_bits(struct process_build *build)
{
	const struct policy *policy = build->policy;
	uint32_t bit = 0;

	for (size_t i = 0; i < policy->nr_process_rules; i++, bit++)
		if (policy->process_rules[i].has_except)
			except_bit(build, bit, &policy->process_rules[i].except);
	for (size_t i = 0; i < policy->nr_memory_rules; i++, bit++)
		if (policy->memory_rules[i].has_except)
			except_bit(build, bit, &policy->memory_rules[i].except);
}

int process_bits_make(struct process_build *build)
{
	size_t nr_rules = build->policy->nr_process_rules + build->policy->nr_memory_rules;

	assert(nr_rules <= SYNFW_MAX_PROCESS_RULES);
	build->bit = calloc(2 * nr_rules + 1, sizeof(*build->bit));
	if (!build->bit)
		return -ENOMEM;
	rule_bits(build);
	build->nr_rules = build->nr_bits;
	except_bits(build);
	return 0;
}
