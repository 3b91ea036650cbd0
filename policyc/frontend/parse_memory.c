/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The section `memory`. */
#include <errno.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "../byte_size.h"
#include "array.h"
#include "path_pattern.h"
#include "process_outcome.h"

#define MAX_WITHIN_NS (86400 * 1000000000ULL)

struct memory_draft {
	struct process_draft common;
	int event; /* enum synfw_process_trigger */
	const struct node *event_node, *over_node, *within_node;
	uint64_t over_bytes, within_ns;
};

static void memory_draft_done(struct memory_draft *draft)
{
	process_draft_done(&draft->common);
}

static int parse_event(struct parser *parser, const struct schema_key *key,
		       const struct node *value, void *target)
{
	struct memory_draft *draft = target;

	draft->event_node = value;
	return parse_word(parser, key, value, &draft->event);
}

static int parse_over(struct parser *parser, const struct schema_key *key, const struct node *value,
		      void *target)
{
	const char *text = parse_scalar(parser, value, "a size");
	struct memory_draft *draft = target;
	struct diag *diag;

	draft->over_node = value;
	if (!text || byte_size_parse(text, &draft->over_bytes))
		return 0;
	diag = diag_error(parser->diags, location_of(parser, value), "\"%s\" is not a size", text);
	diag_hint(diag, "a number and B, KiB, MiB or GiB, as in 512MiB; at most 1048576GiB");
	return 0;
}

static int parse_within(struct parser *parser, const struct schema_key *key,
			const struct node *value, void *target)
{
	struct memory_draft *draft = target;
	int err = parse_duration(parser, key, value, &draft->within_ns);

	draft->within_node = value;
	if (draft->within_ns > MAX_WITHIN_NS)
		diag_error(parser->diags, location_of(parser, value),
			   "\"%s\" is too long for \"within\": at most a day", value->text);
	return err;
}

/* Patterns of programs, or a mapping as in a rule on processes. */
static int parse_except(struct parser *parser, const struct schema_key *key,
			const struct node *value, void *target)
{
	struct memory_draft *draft = target;
	struct process_draft *common = &draft->common;

	if (value->kind == NODE_MAPPING)
		return process_parse_except(parser, SCHEMA_MEMORY_EXCEPT, key, value, common);
	common->except_node = value;
	common->except.keys = PROCESS_EXEC;
	return path_list_parse(parser, key, value, &common->except.exec);
}

/* What the event asks for has to be there, and nothing else. */
static void check_event(struct parser *parser, const struct memory_draft *draft)
{
	const struct {
		const char *name;
		const struct node *node;
		bool wanted;
	} keys[] = {
		{"over", draft->over_node, draft->event != SYNFW_ON_WX_MAPPING},
		{"within", draft->within_node, draft->event == SYNFW_ON_GROWTH},
	};
	const struct node *event = draft->event_node;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (keys[i].wanted && !keys[i].node)
			diag_error(parser->diags, location_of(parser, event),
				   "the event \"%s\" needs the key \"%s\"", event->text,
				   keys[i].name);
		if (!keys[i].wanted && keys[i].node)
			diag_error(parser->diags, location_of(parser, keys[i].node),
				   "\"%s\" means nothing for the event \"%s\"", keys[i].name,
				   event->text);
	}
}

static int add_rule(struct parser *parser, struct memory_draft *draft, const struct node *node)
{
	struct policy *policy = parser->policy;
	struct process_draft *common = &draft->common;
	struct memory_rule *rule = ARRAY_APPEND(policy->memory_rules, policy->nr_memory_rules);

	if (!rule)
		return -ENOMEM;
	rule->at = rule_at(parser, &common->head, node);
	rule->description = TAKE_PTR(common->head.description);
	rule->event = (enum synfw_process_trigger)draft->event;
	rule->over_bytes = draft->over_bytes;
	rule->within_ns = draft->within_ns;
	rule->match = common->match;
	common->match = (struct process_match){0};
	rule->has_except = common->except_node;
	rule->except = common->except;
	common->except = (struct process_match){0};
	rule->outcome = process_outcome_of(common);
	return rule_take_name(parser, &common->head, RULE_MEMORY, policy->nr_memory_rules - 1,
			      &rule->name);
}

static int parse_rule(struct parser *parser, const struct schema_key *key, const struct node *value,
		      void *target)
{
	static const struct key_parser keys[] = {
		PROCESS_DRAFT_PARSERS,
		FILE_KEY_PARSERS(offsetof(struct process_draft, match)),
		{"event", parse_event, 0},
		{"over", parse_over, 0},
		{"within", parse_within, 0},
		{"except", parse_except, 0},
		{NULL, NULL, 0},
	};
	CLEANUP(memory_draft_done) struct memory_draft draft = {0};
	size_t errors = diags_errors(parser->diags);
	int err;

	if (!process_rules_have_room(parser, value))
		return 0;
	err = parse_mapping(parser, SCHEMA_MEMORY, value, keys, &draft);
	if (err || value->kind != NODE_MAPPING)
		return err;
	process_check_outcome(parser, &draft.common, value,
			      "add an action: flag, isolate or kill; or \"score: N\"");
	if (draft.event)
		check_event(parser, &draft);
	if (diags_errors(parser->diags) == errors)
		process_check_except(parser, &draft.common);
	return add_rule(parser, &draft, value);
}

int parse_memory(struct parser *parser, const struct schema_key *key, const struct node *value,
		 void *target)
{
	return parse_sections(parser, key, value, parse_rule, NULL);
}
