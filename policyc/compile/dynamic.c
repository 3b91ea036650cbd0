/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/dynamic.h"

#include <errno.h>

bool dynamic_condition_constrains(const struct dynamic_condition *condition)
{
	uint8_t asked = condition->none_of;

	for (int key = 0; key < DYNAMIC_KEYS; key++)
		asked |= condition->any_of[key];
	return asked;
}

bool dynamic_condition_holds(const struct dynamic_condition *condition, uint8_t held)
{
	for (int key = 0; key < DYNAMIC_KEYS; key++)
		if (condition->any_of[key] && !(condition->any_of[key] & held))
			return false;
	return !(condition->none_of & held);
}

static bool condition_is_possible(const struct dynamic_condition *condition)
{
	for (unsigned int held = 0; held < 1U << SYNFW_MAX_DYNAMIC_PAIRS; held++)
		if (dynamic_condition_holds(condition, held))
			return true;
	return false;
}

/* ---- pairs ---- */

static uint8_t pair_of(const struct policy_set *set, enum synfw_direction direction)
{
	return set->number | (direction == SYNFW_DIR_DST ? SYNFW_PAIR_DST : 0);
}

static uint32_t pair_index(const struct dynamic_pairs *pairs, uint8_t pair)
{
	uint32_t i = 0;

	while (i < pairs->count && pairs->pair[i] != pair)
		i++;
	return i;
}

static int pairs_add(const struct policy *policy, const struct set_refs *refs,
		     enum synfw_direction direction, struct location at, struct diags *diags,
		     struct dynamic_pairs *pairs)
{
	for (size_t i = 0; i < refs->count; i++) {
		const struct policy_set *set = &policy->sets[refs->index[i]];
		uint8_t pair = pair_of(set, direction);
		struct diag *diag;

		if (!set->dynamic || pair_index(pairs, pair) < pairs->count)
			continue;
		if (pairs->count < SYNFW_MAX_DYNAMIC_PAIRS) {
			pairs->pair[pairs->count++] = pair;
			continue;
		}
		diag = diag_error(diags, at,
				  "set \"%s\" is one dynamic set too many in a %s: rules may look "
				  "into at most %d",
				  set->name, direction == SYNFW_DIR_SRC ? "source" : "destination",
				  SYNFW_MAX_DYNAMIC_PAIRS);
		diag_hint(diag, "a set that is looked into for the source and for the destination "
				"counts twice");
		return -EINVAL;
	}
	return 0;
}

static int pairs_of_match(const struct policy *policy, const struct match *match,
			  struct location at, struct diags *diags, struct dynamic_pairs *pairs)
{
	int error = pairs_add(policy, &match->from, SYNFW_DIR_SRC, at, diags, pairs);

	return error ? error
		     : pairs_add(policy, &match->to_address, SYNFW_DIR_DST, at, diags, pairs);
}

int dynamic_pairs_find(const struct policy *policy, struct diags *diags,
		       struct dynamic_pairs *ret_pairs)
{
	struct dynamic_pairs pairs = {};
	int error = 0;

	for (size_t i = 0; !error && i < policy->nr_protects; i++)
		error = pairs_of_match(policy, &policy->protects[i].match, policy->protects[i].at,
				       diags, &pairs);
	for (size_t i = 0; !error && i < policy->nr_rules; i++) {
		const struct policy_rule *rule = &policy->rules[i];

		error = pairs_of_match(policy, &rule->match, rule->at, diags, &pairs);
		if (!error)
			error = pairs_of_match(policy, &rule->except, rule->at, diags, &pairs);
	}
	if (error)
		return error;
	*ret_pairs = pairs;
	return 0;
}

/* ---- cases ---- */

/* One key that may name dynamic sets, and what it names. */
struct key_use {
	uint32_t key; /* MATCH_FROM or MATCH_TO_ADDRESS */
	bool of_except;
	bool has_listed; /* sets that are not dynamic */
	bool has_dynamic;
	uint8_t pairs; /* of the dynamic ones */
};

static struct key_use key_use(const struct policy *policy, const struct dynamic_pairs *pairs,
			      const struct match *match, uint32_t key, bool of_except)
{
	enum synfw_direction direction = key == MATCH_FROM ? SYNFW_DIR_SRC : SYNFW_DIR_DST;
	const struct set_refs *refs = key == MATCH_FROM ? &match->from : &match->to_address;
	struct key_use use = {.key = key, .of_except = of_except};

	for (size_t i = 0; i < refs->count; i++) {
		const struct policy_set *set = &policy->sets[refs->index[i]];

		use.has_listed |= !set->dynamic;
		use.has_dynamic |= set->dynamic;
		if (set->dynamic && pairs)
			use.pairs |= 1U << pair_index(pairs, pair_of(set, direction));
	}
	return use;
}

static void key_uses(const struct policy *policy, const struct dynamic_pairs *pairs,
		     const struct match *match, const struct match *except,
		     struct key_use uses[DYNAMIC_KEYS])
{
	static const struct match nothing;
	const struct match *excepted = except ? except : &nothing;

	uses[0] = key_use(policy, pairs, match, MATCH_FROM, false);
	uses[1] = key_use(policy, pairs, match, MATCH_TO_ADDRESS, false);
	uses[2] = key_use(policy, pairs, excepted, MATCH_FROM, true);
	uses[3] = key_use(policy, pairs, excepted, MATCH_TO_ADDRESS, true);
}

/* Bit k of `number`: a dynamic set satisfies key k. False: nothing can match in this case. */
static bool case_make(const struct key_use uses[DYNAMIC_KEYS], unsigned int number,
		      const struct match *except, struct dynamic_case *ret_case)
{
	struct dynamic_case made = {};

	for (int i = 0; i < DYNAMIC_KEYS; i++) {
		const struct key_use *use = &uses[i];

		if (number >> i & 1) {
			if (!use->has_dynamic)
				return false; /* the same as the case without this bit */
			made.condition.any_of[i] = use->pairs;
			*(use->of_except ? &made.except_keys : &made.match_keys) |= use->key;
			continue;
		}
		made.condition.none_of |= use->pairs;
		if (!use->has_dynamic || use->has_listed)
			continue;
		if (!use->of_except)
			return false;
		made.without_except = true;
	}
	if (except && !made.without_except && !(except->keys & ~made.except_keys))
		return false; /* the except takes out all of it */
	*ret_case = made;
	return condition_is_possible(&made.condition);
}

size_t dynamic_cases(const struct policy *policy, const struct dynamic_pairs *pairs,
		     const struct match *match, const struct match *except,
		     struct dynamic_case cases[DYNAMIC_MAX_CASES])
{
	struct key_use uses[DYNAMIC_KEYS];
	size_t count = 0;

	key_uses(policy, pairs, match, except, uses);
	for (unsigned int number = 0; number < DYNAMIC_MAX_CASES; number++)
		count += case_make(uses, number, except, &cases[count]);
	return count;
}

size_t dynamic_cases_room(const struct policy *policy, const struct match *match,
			  const struct match *except)
{
	struct key_use uses[DYNAMIC_KEYS];
	size_t room = 1;

	key_uses(policy, NULL, match, except, uses);
	for (int i = 0; i < DYNAMIC_KEYS; i++)
		room <<= uses[i].has_dynamic;
	return room;
}
