/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The section `processes`. */
#include <errno.h>

#include <synfw/cleanup.h>

#include "array.h"
#include "process_outcome.h"

static int parse_except(struct parser *parser, const struct schema_key *key,
			const struct node *value, void *target)
{
	return process_parse_except(parser, SCHEMA_PROCESS_EXCEPT, key, value, target);
}

static void check_rule(struct parser *parser, const struct process_draft *draft,
		       const struct node *node, size_t errors)
{
	const struct rule_head *head = &draft->head;
	struct diag *diag;

	process_check_outcome(parser, draft, node,
			      "add an action: flag, isolate, kill or deny; or \"score: N\"");
	if (diags_errors(parser->diags) > errors)
		return;
	if (!draft->match.keys) {
		diag = diag_error(parser->diags, rule_at(parser, head, node),
				  "rule \"%s\" matches every process", rule_name_of(head));
		diag_hint(diag, "say which: exec, parent, ancestor, user, group or args; all of "
				"them are exec: [\"/**\", memfd]");
		return;
	}
	process_check_except(parser, draft);
}

static int add_rule(struct parser *parser, struct process_draft *draft, const struct node *node)
{
	struct policy *policy = parser->policy;
	struct process_rule *rule = ARRAY_APPEND(policy->process_rules, policy->nr_process_rules);

	if (!rule)
		return -ENOMEM;
	rule->at = rule_at(parser, &draft->head, node);
	rule->description = TAKE_PTR(draft->head.description);
	rule->match = draft->match;
	draft->match = (struct process_match){0};
	rule->has_except = draft->except_node;
	rule->except = draft->except;
	draft->except = (struct process_match){0};
	rule->outcome = process_outcome_of(draft);
	return rule_take_name(parser, &draft->head, RULE_PROCESS, policy->nr_process_rules - 1,
			      &rule->name);
}

static int parse_rule(struct parser *parser, const struct schema_key *key, const struct node *value,
		      void *target)
{
	static const struct key_parser keys[] = {
		PROCESS_DRAFT_PARSERS,
		PROCESS_KEY_PARSERS(offsetof(struct process_draft, match)),
		{"except", parse_except, 0},
		{NULL, NULL, 0},
	};
	CLEANUP(process_draft_done) struct process_draft draft = {0};
	size_t errors = diags_errors(parser->diags);
	int err;

	if (!process_rules_have_room(parser, value))
		return 0;
	err = parse_mapping(parser, SCHEMA_PROCESS, value, keys, &draft);
	if (err || value->kind != NODE_MAPPING)
		return err;
	check_rule(parser, &draft, value, errors);
	return add_rule(parser, &draft, value);
}

int parse_processes(struct parser *parser, const struct schema_key *key, const struct node *value,
		    void *target)
{
	return parse_sections(parser, key, value, parse_rule, NULL);
}
