/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "array.h"
#include "match.h"
#include "rule_effects.h"
#include "rule_head.h"

struct rule_draft {
	struct rule_head head; /* action: enum synfw_rule_action */
	struct match_draft match, except;
	const struct node *except_node;
	struct effects_draft effects;
};

static void rule_draft_done(struct rule_draft *draft)
{
	free(draft->head.description);
	match_done(&draft->match.match);
	match_done(&draft->except.match);
}

static int parse_except(struct parser *parser, const struct schema_key *key,
			const struct node *value, void *target)
{
	static const struct key_parser keys[] = {MATCH_KEY_PARSERS(0), {NULL, NULL, 0}};
	struct rule_draft *draft = target;

	if (value->kind == NODE_MAPPING && !value->first) {
		diag_error(parser->diags, location_of(parser, value), "\"%s\" is empty", key->name);
		return 0;
	}
	draft->except_node = value;
	return parse_mapping(parser, SCHEMA_EXCEPT, value, keys, &draft->except);
}

static int parse_state(struct parser *parser, const struct schema_key *key,
		       const struct node *value, void *target)
{
	struct rule_draft *draft = target;
	struct match *match = &draft->match.match;

	draft->effects.state = value;
	match->keys |= MATCH_STATE;
	return parse_word(parser, key, value, &match->state);
}

static void check_rule(struct parser *parser, const struct rule_draft *draft)
{
	size_t errors = diags_errors(parser->diags);

	match_check(parser, &draft->match);
	effects_check_match(parser, &draft->effects, &draft->match);
	if (!draft->except_node)
		return;
	match_check(parser, &draft->except);
	if (diags_errors(parser->diags) == errors &&
	    match_covers(parser->policy, &draft->except.match, &draft->match.match,
			 parser->any_set))
		diag_error(parser->diags, location_of(parser, draft->except_node),
			   "%s can never match: \"except\" takes out all that it matches",
			   draft->match.owner);
}

static int add_rule(struct parser *parser, struct rule_draft *draft, const struct node *node)
{
	struct policy *policy = parser->policy;
	struct policy_rule *rule = ARRAY_APPEND(policy->rules, policy->nr_rules);

	if (!rule)
		return -ENOMEM;
	rule->at = rule_at(parser, &draft->head, node);
	rule->description = TAKE_PTR(draft->head.description);
	rule->match = draft->match.match;
	draft->match.match = (struct match){0};
	rule->has_except = draft->except_node;
	rule->except = draft->except.match;
	draft->except.match = (struct match){0};
	rule->action = draft->head.score_node ? SYNFW_ACTION_SCORE
					      : (enum synfw_rule_action)draft->head.action;
	rule->score = draft->head.score;
	rule->monitor = draft->head.monitor;
	effects_finish(&draft->effects, rule);
	return rule_take_name(parser, &draft->head, RULE_PACKET, policy->nr_rules - 1, &rule->name);
}

static int parse_rule(struct parser *parser, const struct schema_key *key, const struct node *value,
		      void *target)
{
	static const struct key_parser keys[] = {
		RULE_HEAD_PARSERS(offsetof(struct rule_draft, head)),
		MATCH_KEY_PARSERS(offsetof(struct rule_draft, match)),
		{"except", parse_except, 0},
		{"state", parse_state, 0},
		{"rate", parse_rule_rate, offsetof(struct rule_draft, effects)},
		{"distinct-ports", parse_distinct_ports, offsetof(struct rule_draft, effects)},
		{"block", parse_block, offsetof(struct rule_draft, effects)},
		{"add-to", parse_add_to, offsetof(struct rule_draft, effects)},
		{"log", parse_word, offsetof(struct rule_draft, effects.log)},
		{NULL, NULL, 0},
	};
	CLEANUP(rule_draft_done) struct rule_draft draft = {0};
	size_t errors = diags_errors(parser->diags);
	const char *name;
	int err;

	if (parser->policy->nr_rules == SYNFW_MAX_RULES) {
		if (!*(bool *)target)
			diag_error(parser->diags, location_of(parser, value), "more than %d rules",
				   SYNFW_MAX_RULES);
		*(bool *)target = true;
		return 0;
	}
	err = parse_mapping(parser, SCHEMA_RULE, value, keys, &draft);
	if (err || value->kind != NODE_MAPPING)
		return err;
	rule_check_outcome(parser, &draft.head, value,
			   "add \"action: allow\", \"action: drop\" or \"score: N\"");
	effects_check(parser, &draft.effects,
		      draft.head.action_node && draft.head.action == SYNFW_ACTION_ALLOW);
	name = rule_name_of(&draft.head);
	snprintf(draft.match.owner, sizeof(draft.match.owner), "rule \"%s\"", name);
	snprintf(draft.except.owner, sizeof(draft.except.owner), "\"except\" of rule \"%s\"", name);
	err = match_finish(parser, &draft.match);
	if (!err)
		err = match_finish(parser, &draft.except);
	if (err)
		return err;
	if (diags_errors(parser->diags) == errors)
		check_rule(parser, &draft);
	return add_rule(parser, &draft, value);
}

int parse_rules(struct parser *parser, const struct schema_key *key, const struct node *value,
		void *target)
{
	bool too_many = false;

	return parse_sections(parser, key, value, parse_rule, &too_many);
}
