/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "../packet_spec.h"
#include "array.h"
#include "parser.h"
#include "parse_tests.h"
#include "rule_head.h"
#include "tcp_flags.h"

struct packet_draft {
	struct policy_test *test;
	struct flags_words flags;
};

static int parse_test_flag(struct parser *parser, const struct schema_key *key,
			   const struct node *value, void *target)
{
	const char *text = parse_scalar(parser, value, "a flag");
	struct packet_draft *draft = target;
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
	struct packet_draft *draft = target;
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
	struct packet_draft *draft = target;

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
	struct packet_draft *draft = target;

	parse_vlan_id(parser, value, &draft->test->packet.vlan);
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

/* What the test asks for beside the endpoints. */
static int parse_rest(struct parser *parser, const struct test_draft *test,
		      struct packet_draft *draft)
{
	static const struct key_parser keys[] = {
		{"flags", parse_test_flags, 0},
		{"interface", parse_test_interface, 0},
		{"vlan", parse_test_vlan, 0},
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && !err; i++) {
		const struct node *value = test_value(test, keys[i].name);

		if (value)
			err = keys[i].parse(parser, schema_find(SCHEMA_TEST, keys[i].name), value,
					    draft);
	}
	return err;
}

static int parse_packet_test(struct parser *parser, const struct test_draft *draft)
{
	struct policy *policy = parser->policy;
	size_t errors = diags_errors(parser->diags);
	struct policy_test *test = ARRAY_APPEND(policy->tests, policy->nr_tests);
	struct packet_draft packet = {.test = test};
	const char *problem;
	int err;

	if (!test)
		return -ENOMEM;
	packet_spec_init(&test->packet);
	test->at = location_of(parser, draft->node);
	test->expect = (enum synfw_verdict)draft->expect;
	err = parse_rest(parser, draft, &packet);
	if (!err && test_value(draft, "rule"))
		err = rule_find_expected(parser, test_value(draft, "rule"), RULE_PACKET,
					 &test->rule);
	if (err)
		return err;
	/* The source first: it says which family the destination has to be of. */
	parse_endpoint(parser, test_value(draft, "from"), "a source", packet_spec_parse_from,
		       &test->packet);
	parse_endpoint(parser, test_value(draft, "to"), "a destination", packet_spec_parse_to,
		       &test->packet);
	if (diags_errors(parser->diags) > errors)
		return 0;
	problem = packet_spec_check(&test->packet);
	if (problem)
		diag_error(parser->diags, location_of(parser, draft->node), "%s", problem);
	return 0;
}

static const struct {
	const char *name;
	enum { BOTH, OF_PACKETS, OF_PROGRAMS } of;
} test_keys[NR_TEST_KEYS] = {
	{"from", OF_PACKETS},	 {"to", OF_PACKETS},
	{"flags", OF_PACKETS},	 {"interface", OF_PACKETS},
	{"vlan", OF_PACKETS},	 {"exec", OF_PROGRAMS},
	{"user", OF_PROGRAMS},	 {"group", OF_PROGRAMS},
	{"parent", OF_PROGRAMS}, {"ancestor", OF_PROGRAMS},
	{"args", OF_PROGRAMS},	 {"expect", BOTH},
	{"rule", BOTH},
};

const struct node *test_value(const struct test_draft *draft, const char *name)
{
	for (size_t i = 0; i < NR_TEST_KEYS; i++)
		if (!strcmp(test_keys[i].name, name))
			return draft->value[i];
	return NULL;
}

static int record(struct parser *parser, const struct schema_key *key, const struct node *value,
		  void *target)
{
	struct test_draft *draft = target;

	for (size_t i = 0; i < NR_TEST_KEYS; i++)
		if (!strcmp(test_keys[i].name, key->name))
			draft->value[i] = value;
	return 0;
}

static int parse_expect(struct parser *parser, const struct schema_key *key,
			const struct node *value, void *target)
{
	struct test_draft *draft = target;

	record(parser, key, value, target);
	return parse_word(parser, key, value, &draft->expect);
}

/* Reports keys of the other kind of test. */
static void check_kind(struct parser *parser, const struct test_draft *draft, bool of_program)
{
	for (size_t i = 0; i < NR_TEST_KEYS; i++) {
		if (!draft->value[i] || test_keys[i].of != (of_program ? OF_PACKETS : OF_PROGRAMS))
			continue;
		diag_error(parser->diags, location_of(parser, draft->value[i]),
			   of_program ? "\"%s\" is asked of packets: with \"exec\" the test is of "
					"a program"
				      : "\"%s\" is asked of programs: the test has no \"exec\"",
			   test_keys[i].name);
	}
	if (of_program ? draft->expect == SYNFW_DROP : draft->expect >= EXPECT_OF_PROGRAM)
		diag_error(parser->diags, location_of(parser, test_value(draft, "expect")),
			   of_program ? "no program is dropped: allow, flag, isolate, kill or deny"
				      : "a packet is only allowed or dropped");
}

static void report_no_endpoint(struct parser *parser, const struct test_draft *draft,
			       const char *name)
{
	struct diag *diag;

	if (test_value(draft, name))
		return;
	diag = diag_error(parser->diags, location_of(parser, draft->node),
			  "a test needs the key \"%s\"", name);
	if (!test_value(draft, "from") && !test_value(draft, "to"))
		diag_hint(diag, "or, to be of a program, \"exec\"");
}

static int parse_test(struct parser *parser, const struct schema_key *key, const struct node *value,
		      void *target)
{
	static const struct key_parser keys[] = {
		{"from", record, 0},	  {"to", record, 0},	{"flags", record, 0},
		{"interface", record, 0}, {"vlan", record, 0},	{"exec", record, 0},
		{"user", record, 0},	  {"group", record, 0}, {"parent", record, 0},
		{"ancestor", record, 0},  {"args", record, 0},	{"expect", parse_expect, 0},
		{"rule", record, 0},	  {NULL, NULL, 0},
	};
	struct test_draft draft = {.node = value};
	bool of_program;
	int err = parse_mapping(parser, SCHEMA_TEST, value, keys, &draft);

	if (err || value->kind != NODE_MAPPING)
		return err;
	of_program = test_value(&draft, "exec");
	check_kind(parser, &draft, of_program);
	if (of_program)
		return parse_process_test(parser, &draft);
	report_no_endpoint(parser, &draft, "from");
	report_no_endpoint(parser, &draft, "to");
	return parse_packet_test(parser, &draft);
}

int parse_tests(struct parser *parser, const struct schema_key *key, const struct node *value,
		void *target)
{
	return parse_sections(parser, key, value, parse_test, NULL);
}
