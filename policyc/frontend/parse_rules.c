/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "array.h"
#include "match.h"
#include "rule_effects.h"

#define MAX_SCORE 1000000

struct rule_draft {
	const struct node *name;
	char *description;
	struct match_draft match, except;
	const struct node *except_node;
	const struct node *action_node, *score_node;
	int action; /* enum synfw_rule_action */
	uint32_t score;
	int monitor;
	struct effects_draft effects;
};

static void rule_draft_done(struct rule_draft *draft)
{
	free(draft->description);
	match_done(&draft->match.match);
	match_done(&draft->except.match);
}

static int parse_rule_name(struct parser *parser, const struct schema_key *key,
			   const struct node *value, void *target)
{
	struct rule_draft *draft = target;

	if (check_name(parser, value, "a name"))
		draft->name = value;
	return 0;
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

static int parse_action(struct parser *parser, const struct schema_key *key,
			const struct node *value, void *target)
{
	struct rule_draft *draft = target;

	draft->action_node = value;
	return parse_word(parser, key, value, &draft->action);
}

static int parse_score(struct parser *parser, const struct schema_key *key,
		       const struct node *value, void *target)
{
	const char *text = parse_scalar(parser, value, "a number of points");
	struct rule_draft *draft = target;

	draft->score_node = value;
	if (text && (!parse_number(text, strlen(text), MAX_SCORE, &draft->score) || !draft->score))
		diag_error(parser->diags, location_of(parser, value),
			   "\"%s\" is not a number of points: 1 to %d", text, MAX_SCORE);
	return 0;
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

static void check_outcome(struct parser *parser, const struct rule_draft *draft,
			  const struct node *rule)
{
	struct diag *diag;

	if (draft->action_node && draft->score_node) {
		diag = diag_error(parser->diags, location_of(parser, draft->score_node),
				  "a rule has an action or a score, not both");
		diag_related(parser->diags, diag, location_of(parser, draft->action_node),
			     "the action is here");
	} else if (!draft->action_node && !draft->score_node) {
		diag = diag_error(parser->diags,
				  location_of(parser, draft->name ? draft->name : rule),
				  "the rule has neither an action nor a score");
		diag_hint(diag, "add \"action: allow\", \"action: drop\" or \"score: N\"");
	}
}

/* Remembers the name; another rule must not have it, counters belong to it. */
static int register_name(struct parser *parser, const struct rule_draft *draft, uint32_t index)
{
	const char *name = draft->name->text;
	uint32_t earlier = name_table_find(&parser->rule_names, name, strlen(name));
	struct diag *diag;

	if (earlier == NAME_NOT_FOUND)
		return name_table_add(&parser->rule_names, name, strlen(name), index);
	diag = diag_error(parser->diags, location_of(parser, draft->name),
			  "a second rule is called \"%s\"", name);
	diag_related(parser->diags, diag, parser->policy->rules[earlier].at, "first here");
	return 0;
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
	rule->at = location_of(parser, draft->name ? draft->name : node);
	rule->description = TAKE_PTR(draft->description);
	rule->match = draft->match.match;
	draft->match.match = (struct match){0};
	rule->has_except = draft->except_node;
	rule->except = draft->except.match;
	draft->except.match = (struct match){0};
	rule->action =
		draft->score_node ? SYNFW_ACTION_SCORE : (enum synfw_rule_action)draft->action;
	rule->score = draft->score;
	rule->monitor = draft->monitor;
	effects_finish(&draft->effects, rule);
	if (!draft->name)
		return 0;
	rule->name = strdup(draft->name->text);
	if (!rule->name)
		return -ENOMEM;
	return register_name(parser, draft, (uint32_t)policy->nr_rules - 1);
}

static int parse_rule(struct parser *parser, const struct schema_key *key, const struct node *value,
		      void *target)
{
	static const struct key_parser keys[] = {
		{"name", parse_rule_name, 0},
		{"description", parse_text, offsetof(struct rule_draft, description)},
		MATCH_KEY_PARSERS(offsetof(struct rule_draft, match)),
		{"except", parse_except, 0},
		{"action", parse_action, 0},
		{"score", parse_score, 0},
		{"mode", parse_word, offsetof(struct rule_draft, monitor)},
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
	check_outcome(parser, &draft, value);
	effects_check(parser, &draft.effects,
		      draft.action_node && draft.action == SYNFW_ACTION_ALLOW);
	name = draft.name ? draft.name->text : "?";
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
