/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "parse_tests.h"

#include <errno.h>
#include <string.h>

#include "array.h"
#include "path_pattern.h"
#include "process_match.h"
#include "rule_head.h"

#define MAX_ARGS_BYTES sizeof(((struct synfw_process_question *)NULL)->args)

static int parse_test_file(struct parser *parser, const struct test_draft *draft, const char *name,
			   char **ret_path)
{
	const struct node *value = test_value(draft, name);

	return value ? path_parse_file(parser, value, !strcmp(name, "exec"), ret_path) : 0;
}

/* *ret_found: it is written and right. */
static int parse_test_id(struct parser *parser, const struct test_draft *draft, const char *name,
			 bool *ret_found, uint32_t *ret_id)
{
	const struct node *value = test_value(draft, name);
	const char *text = value ? parse_scalar(parser, value, "a name or a number") : NULL;

	*ret_found = false;
	return text ? process_parse_id(parser, schema_find(SCHEMA_TEST, name), value, text,
				       ret_found, ret_id)
		    : 0;
}

/* A user brings its primary group along. */
static int parse_test_ids(struct parser *parser, const struct test_draft *draft,
			  struct process_spec *spec)
{
	const struct account_table *users;
	const struct account *user;
	bool has_user, has_group;
	int err = parse_test_id(parser, draft, "user", &has_user, &spec->uid);

	if (!err)
		err = parse_test_id(parser, draft, "group", &has_group, &spec->gid);
	if (err || !has_user || test_value(draft, "group"))
		return err;
	err = process_accounts(parser, schema_find(SCHEMA_TEST, "user"), &users);
	user = err ? NULL : account_find_id(users, spec->uid);
	if (user)
		spec->gid = user->group;
	return err;
}

struct args_draft {
	struct process_spec *spec;
	size_t bytes;
	bool too_long; /* reported */
};

static int parse_test_arg(struct parser *parser, const struct schema_key *key,
			  const struct node *value, void *target)
{
	const char *text = parse_scalar(parser, value, "an argument");
	struct args_draft *draft = target;
	char **added;

	if (!text || draft->too_long)
		return 0;
	draft->bytes += strlen(text) + 1;
	draft->too_long = draft->bytes > MAX_ARGS_BYTES;
	if (draft->too_long) {
		diag_error(parser->diags, location_of(parser, value),
			   "the arguments of a test take more than %zu bytes", MAX_ARGS_BYTES);
		return 0;
	}
	added = ARRAY_APPEND(draft->spec->args, draft->spec->nr_args);
	if (!added)
		return -ENOMEM;
	*added = strdup(text);
	return *added ? 0 : -ENOMEM;
}

static int parse_test_args(struct parser *parser, const struct test_draft *test,
			   struct process_spec *spec)
{
	const struct node *value = test_value(test, "args");
	struct args_draft draft = {.spec = spec};

	return value ? parse_list(parser, schema_find(SCHEMA_TEST, "args"), value, parse_test_arg,
				  &draft)
		     : 0;
}

int parse_process_test(struct parser *parser, const struct test_draft *draft)
{
	struct policy *policy = parser->policy;
	struct process_test *test = ARRAY_APPEND(policy->process_tests, policy->nr_process_tests);
	int err;

	if (!test)
		return -ENOMEM;
	test->at = location_of(parser, draft->node);
	if (draft->expect >= EXPECT_OF_PROGRAM)
		test->expect = (enum synfw_process_action)(draft->expect - EXPECT_OF_PROGRAM);
	err = parse_test_file(parser, draft, "exec", &test->process.exec);
	if (!err)
		err = parse_test_file(parser, draft, "parent", &test->process.parent);
	if (!err)
		err = parse_test_file(parser, draft, "ancestor", &test->process.ancestor);
	if (!err)
		err = parse_test_ids(parser, draft, &test->process);
	if (!err)
		err = parse_test_args(parser, draft, &test->process);
	if (!err && test_value(draft, "rule"))
		err = rule_find_expected(parser, test_value(draft, "rule"), RULE_PROCESS,
					 &test->rule);
	return err;
}
