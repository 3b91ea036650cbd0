/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "../packet_spec.h"
#include "array.h"
#include "parser.h"
#include "suggest.h"
#include "tcp_flags.h"

struct test_draft {
	struct policy_test *test;
	struct flags_words flags;
	const struct node *from, *to;
};

static int parse_test_from(struct parser *parser, const struct schema_key *key,
			   const struct node *value, void *target)
{
	struct test_draft *draft = target;

	draft->from = value;
	return 0;
}

static int parse_test_to(struct parser *parser, const struct schema_key *key,
			 const struct node *value, void *target)
{
	struct test_draft *draft = target;

	draft->to = value;
	return 0;
}

static int parse_test_flag(struct parser *parser, const struct schema_key *key,
			   const struct node *value, void *target)
{
	const char *text = parse_scalar(parser, value, "a flag");
	struct test_draft *draft = target;
	const char *problem;

	if (!text)
		return 0;
	problem = flags_take_word(&draft->flags, text, strlen(text));
	if (!problem && draft->flags.clear)
		problem = "says nothing about a packet: name the flags that it has";
	if (problem)
		diag_error(parser->diags, location_of(parser, value), "\"%s\" %s", text, problem);
	return 0;
}

static int parse_test_flags(struct parser *parser, const struct schema_key *key,
			    const struct node *value, void *target)
{
	struct test_draft *draft = target;
	size_t errors = diags_errors(parser->diags);
	struct flags_match match;
	const char *problem;
	int err = parse_list(parser, key, value, parse_test_flag, target);

	if (err || diags_errors(parser->diags) > errors)
		return err;
	problem = flags_finish(&draft->flags, &match);
	if (problem) {
		diag_error(parser->diags, location_of(parser, value), "%s", problem);
		return 0;
	}
	draft->test->packet.flags = match.value;
	draft->test->packet.has_flags = true;
	return 0;
}

static int parse_test_interface(struct parser *parser, const struct schema_key *key,
				const struct node *value, void *target)
{
	struct test_draft *draft = target;

	if (!check_interface(parser, value))
		return 0;
	if (!interface_is_guarded(parser->policy, value->text)) {
		diag_error(parser->diags, location_of(parser, value),
			   "the policy guards no interface \"%s\"", value->text);
		return 0;
	}
	draft->test->packet.interface = strdup(value->text);
	return draft->test->packet.interface ? 0 : -ENOMEM;
}

static int parse_test_vlan(struct parser *parser, const struct schema_key *key,
			   const struct node *value, void *target)
{
	struct test_draft *draft = target;

	parse_vlan_id(parser, value, &draft->test->packet.vlan);
	return 0;
}

static int parse_test_expect(struct parser *parser, const struct schema_key *key,
			     const struct node *value, void *target)
{
	struct test_draft *draft = target;

	return parse_word(parser, key, value, &draft->test->expect);
}

static int parse_test_rule(struct parser *parser, const struct schema_key *key,
			   const struct node *value, void *target)
{
	const char *text = parse_scalar(parser, value, "the name of a rule");
	struct test_draft *draft = target;
	struct suggestion near;
	struct diag *diag;

	if (!text)
		return 0;
	if (name_table_find(&parser->rule_names, text, strlen(text)) != NAME_NOT_FOUND) {
		draft->test->rule = strdup(text);
		return draft->test->rule ? 0 : -ENOMEM;
	}
	diag = diag_error(parser->diags, location_of(parser, value), "no rule is called \"%s\"",
			  text);
	near = suggest_start(text);
	for (size_t i = 0; i < parser->policy->nr_rules && diag; i++)
		if (parser->policy->rules[i].name)
			suggest_offer(&near, parser->policy->rules[i].name);
	if (near.best)
		diag_hint(diag, "did you mean \"%s\"?", near.best);
	return 0;
}

static void parse_endpoint(struct parser *parser, const struct node *node, const char *expected,
			   const char *(*parse)(const char *text, struct packet_spec *spec),
			   struct packet_spec *spec)
{
	const char *text = node ? parse_scalar(parser, node, expected) : NULL;
	const char *problem = text ? parse(text, spec) : NULL;

	if (problem)
		diag_error(parser->diags, location_of(parser, node), "\"%s\" %s", text, problem);
}

static int parse_test(struct parser *parser, const struct schema_key *key, const struct node *value,
		      void *target)
{
	static const struct key_parser keys[] = {
		{"from", parse_test_from, 0},	{"to", parse_test_to, 0},
		{"flags", parse_test_flags, 0}, {"interface", parse_test_interface, 0},
		{"vlan", parse_test_vlan, 0},	{"expect", parse_test_expect, 0},
		{"rule", parse_test_rule, 0},	{NULL, NULL, 0},
	};
	struct policy *policy = parser->policy;
	size_t errors = diags_errors(parser->diags);
	struct test_draft draft = {.test = ARRAY_APPEND(policy->tests, policy->nr_tests)};
	const char *problem;
	int err;

	if (!draft.test)
		return -ENOMEM;
	packet_spec_init(&draft.test->packet);
	draft.test->at = location_of(parser, value);
	err = parse_mapping(parser, SCHEMA_TEST, value, keys, &draft);
	if (err)
		return err;
	/* The source first: it says which family the destination has to be of. */
	parse_endpoint(parser, draft.from, "a source", packet_spec_parse_from, &draft.test->packet);
	parse_endpoint(parser, draft.to, "a destination", packet_spec_parse_to,
		       &draft.test->packet);
	if (diags_errors(parser->diags) > errors)
		return 0;
	problem = packet_spec_check(&draft.test->packet);
	if (problem)
		diag_error(parser->diags, location_of(parser, value), "%s", problem);
	return 0;
}

int parse_tests(struct parser *parser, const struct schema_key *key, const struct node *value,
		void *target)
{
	return parse_sections(parser, key, value, parse_test, NULL);
}
