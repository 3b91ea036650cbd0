/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What rules ask or do beyond their fields. */
#include "compile/bits.h"

static void limit_write(const struct rule_limit *limit, struct synfw_effect *effect)
{
	effect->limit = limit->kind;
	if (limit->kind == SYNFW_LIMIT_PORTS) {
		effect->interval_ns = limit->within_ns;
		effect->over = limit->over;
	} else if (limit->kind != SYNFW_LIMIT_NONE) {
		effect->interval_ns = rate_interval_ns(&limit->rate);
		effect->tolerance_ns = rate_tolerance_ns(&limit->rate, limit->burst);
	}
}

/* A monitoring rule asks its limit, to count what exceeds it, and does nothing. False: no effect.
 */
static bool effect_write(const struct policy *policy, const struct policy_rule *rule,
			 struct synfw_effect *effect)
{
	bool acts = !rule->monitor && (rule->block_ns || rule->adds || rule->log);

	if (rule->limit.kind == SYNFW_LIMIT_NONE && !acts)
		return false;
	limit_write(&rule->limit, effect);
	if (!acts)
		return true;
	effect->block_ns = rule->block_ns;
	effect->add_to = rule->adds ? policy->sets[rule->add_to].number + 1 : 0;
	effect->log = rule->log;
	return true;
}

uint16_t bits_add_effect(struct bits *bits, const struct policy *policy,
			 const struct policy_rule *rule)
{
	return effect_write(policy, rule, &bits->effects[bits->nr_effects]) ? ++bits->nr_effects
									    : 0;
}
