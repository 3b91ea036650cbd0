/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "rule_head.h"

#include <errno.h>
#include <string.h>

#include "suggest.h"

/* A name stands in the table with the kind of its rule above the place. */
#define PLACE_BITS 24
_Static_assert(SYNFW_MAX_RULES < 1 << PLACE_BITS, "the place of every rule fits");

int rule_parse_name(struct parser *parser, const struct schema_key *key, const struct node *value,
		    void *target)
{
	struct rule_head *head = target;

	if (check_name(parser, value, "a name"))
		head->name = value;
	return 0;
}

int rule_parse_action(struct parser *parser, const struct schema_key *key, const struct node *value,
		      void *target)
{
	struct rule_head *head = target;

	head->action_node = value;
	return parse_word(parser, key, value, &head->action);
}

int rule_parse_score(struct parser *parser, const struct schema_key *key, const struct node *value,
		     void *target)
{
	const char *text = parse_scalar(parser, value, "a number of points");
	struct rule_head *head = target;

	head->score_node = value;
	if (text &&
	    (!parse_number(text, strlen(text), SYNFW_MAX_SCORE, &head->score) || !head->score))
		diag_error(parser->diags, location_of(parser, value),
			   "\"%s\" is not a number of points: 1 to %d", text, SYNFW_MAX_SCORE);
	return 0;
}

void rule_check_outcome(struct parser *parser, const struct rule_head *head,
			const struct node *rule, const char *hint)
{
	struct diag *diag;

	if (head->action_node && head->score_node) {
		diag = diag_error(parser->diags, location_of(parser, head->score_node),
				  "a rule has an action or a score, not both");
		diag_related(parser->diags, diag, location_of(parser, head->action_node),
			     "the action is here");
	} else if (!head->action_node && !head->score_node) {
		diag = diag_error(parser->diags, rule_at(parser, head, rule),
				  "the rule has neither an action nor a score");
		diag_hint(diag, "%s", hint);
	}
}

const char *rule_name_of(const struct rule_head *head)
{
	return head->name ? head->name->text : "?";
}

struct location rule_at(const struct parser *parser, const struct rule_head *head,
			const struct node *rule)
{
	return location_of(parser, head->name ? head->name : rule);
}

static struct location registered_at(const struct policy *policy, uint32_t entry)
{
	uint32_t place = entry & ((1U << PLACE_BITS) - 1);

	switch ((enum rule_kind)(entry >> PLACE_BITS)) {
	case RULE_PROCESS:
		return policy->process_rules[place].at;
	case RULE_MEMORY:
		return policy->memory_rules[place].at;
	default:
		return policy->rules[place].at;
	}
}

int rule_take_name(struct parser *parser, const struct rule_head *head, enum rule_kind kind,
		   size_t index, char **ret_name)
{
	const char *name = rule_name_of(head);
	uint32_t earlier;
	struct diag *diag;

	if (!head->name)
		return 0;
	*ret_name = strdup(name);
	if (!*ret_name)
		return -ENOMEM;
	earlier = name_table_find(&parser->rule_names, name, strlen(name));
	if (earlier == NAME_NOT_FOUND)
		return name_table_add(&parser->rule_names, name, strlen(name),
				      (uint32_t)kind << PLACE_BITS | (uint32_t)index);
	diag = diag_error(parser->diags, location_of(parser, head->name),
			  "a second rule is called \"%s\"", name);
	diag_related(parser->diags, diag, registered_at(parser->policy, earlier), "first here");
	return 0;
}

static void suggest_rules(const struct policy *policy, enum rule_kind kind, struct suggestion *near)
{
	size_t count = kind == RULE_PACKET ? policy->nr_rules : policy->nr_process_rules;

	for (size_t i = 0; i < count; i++) {
		const char *name =
			kind == RULE_PACKET ? policy->rules[i].name : policy->process_rules[i].name;

		if (name)
			suggest_offer(near, name);
	}
}

int rule_find_expected(struct parser *parser, const struct node *value, enum rule_kind kind,
		       char **ret_name)
{
	const char *text = parse_scalar(parser, value, "the name of a rule");
	struct suggestion near;
	struct diag *diag;
	uint32_t entry;

	if (!text)
		return 0;
	entry = name_table_find(&parser->rule_names, text, strlen(text));
	if (entry != NAME_NOT_FOUND && entry >> PLACE_BITS == kind) {
		*ret_name = strdup(text);
		return *ret_name ? 0 : -ENOMEM;
	}
	if (entry != NAME_NOT_FOUND) {
		diag = diag_error(parser->diags, location_of(parser, value),
				  "the rule \"%s\" judges no %s", text,
				  kind == RULE_PACKET ? "packets" : "programs");
		diag_related(parser->diags, diag, registered_at(parser->policy, entry),
			     "it stands here");
		return 0;
	}
	diag = diag_error(parser->diags, location_of(parser, value), "no rule is called \"%s\"",
			  text);
	near = suggest_start(text);
	suggest_rules(parser->policy, kind, &near);
	if (near.best)
		diag_hint(diag, "did you mean \"%s\"?", near.best);
	return 0;
}
