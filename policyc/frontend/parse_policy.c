/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "process_outcome.h"
#include "set_subtract.h"
#include "thresholds.h"

/* What the sections leave behind for the order in which they have to be read: rules need to know
 * sets, services, interfaces and defaults, wherever those stand. */
enum deferred_section {
	READ_INTERFACES,
	READ_DEFAULTS,
	READ_SETS,
	READ_SERVICES,
	READ_PROTECT,
	READ_SCORING,
	READ_LOGGING,
	READ_RULES,
	READ_PROCESSES,
	READ_MEMORY,
	READ_PROCESS_SCORING,
	READ_TESTS,
	NR_DEFERRED,
};

static const struct {
	const char *name;
	parse_value_fn parse;
} deferred[NR_DEFERRED] = {
	[READ_INTERFACES] = {"interfaces", parse_interfaces},
	[READ_DEFAULTS] = {"defaults", parse_defaults},
	[READ_SETS] = {"sets", parse_sets},
	[READ_SERVICES] = {"services", parse_services},
	[READ_PROTECT] = {"protect", parse_protect},
	[READ_SCORING] = {"scoring", parse_scoring},
	[READ_LOGGING] = {"logging", parse_logging},
	[READ_RULES] = {"rules", parse_rules},
	[READ_PROCESSES] = {"processes", parse_processes},
	[READ_MEMORY] = {"memory", parse_memory},
	[READ_PROCESS_SCORING] = {"process-scoring", parse_process_scoring},
	[READ_TESTS] = {"tests", parse_tests},
};

struct policy_draft {
	const struct node *sections[NR_DEFERRED];
	int monitor;
};

static int parse_version(struct parser *parser, const struct schema_key *key,
			 const struct node *value, void *target)
{
	const char *text = parse_scalar(parser, value, "a version");

	if (text && strcmp(text, "1"))
		diag_error(parser->diags, location_of(parser, value),
			   "version \"%s\" is not known: the language has version 1", text);
	return 0;
}

static int parse_policy_name(struct parser *parser, const struct schema_key *key,
			     const struct node *value, void *target)
{
	return parse_name(parser, key, value, &parser->policy->name);
}

static int parse_policy_description(struct parser *parser, const struct schema_key *key,
				    const struct node *value, void *target)
{
	return parse_text(parser, key, value, &parser->policy->description);
}

static int defer_section(struct parser *parser, const struct schema_key *key,
			 const struct node *value, void *target)
{
	struct policy_draft *draft = target;

	for (int i = 0; i < NR_DEFERRED; i++)
		if (!strcmp(deferred[i].name, key->name))
			draft->sections[i] = value;
	return 0;
}

static int parse_default(struct parser *parser, const struct schema_key *key,
			 const struct node *value, void *target)
{
	static const struct {
		const char *name;
		size_t choice, at;
	} fields[] = {
		{"incoming", offsetof(struct policy, incoming),
		 offsetof(struct policy, incoming_at)},
		{"established", offsetof(struct policy, established),
		 offsetof(struct policy, established_at)},
		{"icmp", offsetof(struct policy, icmp), offsetof(struct policy, icmp_at)},
		{"fragments", offsetof(struct policy, fragments),
		 offsetof(struct policy, fragments_at)},
		{"malformed", offsetof(struct policy, malformed),
		 offsetof(struct policy, malformed_at)},
		{"ethertypes", offsetof(struct policy, ethertypes),
		 offsetof(struct policy, ethertypes_at)},
	};
	char *policy = target;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (strcmp(fields[i].name, key->name))
			continue;
		*(struct location *)(policy + fields[i].at) = location_of(parser, value);
		return parse_word(parser, key, value, policy + fields[i].choice);
	}
	return 0;
}

int parse_defaults(struct parser *parser, const struct schema_key *key, const struct node *value,
		   void *target)
{
	static const struct key_parser keys[] = {
		{"incoming", parse_default, 0},
		{"established", parse_default, 0},
		{"icmp", parse_default, 0},
		{"fragments", parse_default, 0},
		{"malformed", parse_default, 0},
		{"ethertypes", parse_default, 0},
		{NULL, NULL, 0},
	};
	struct policy *policy = parser->policy;
	int err;

	if (value->kind == NODE_SCALAR && !value->text[0])
		return 0;
	err = parse_mapping(parser, SCHEMA_DEFAULTS, value, keys, policy);
	/* Who drops what no rule decided would cut off answers; who allows it has no need of more.
	 */
	if (!policy->established_at.line && policy->incoming == CHOICE_ALLOW)
		policy->established = CHOICE_RULES;
	return err;
}

static int read_policy(struct parser *parser)
{
	static const struct key_parser keys[] = {
		{"version", parse_version, 0},
		{"name", parse_policy_name, 0},
		{"description", parse_policy_description, 0},
		{"mode", parse_word, offsetof(struct policy_draft, monitor)},
		{"interfaces", defer_section, 0},
		{"protect", defer_section, 0},
		{"sets", defer_section, 0},
		{"services", defer_section, 0},
		{"defaults", defer_section, 0},
		{"scoring", defer_section, 0},
		{"rules", defer_section, 0},
		{"processes", defer_section, 0},
		{"memory", defer_section, 0},
		{"process-scoring", defer_section, 0},
		{"logging", defer_section, 0},
		{"tests", defer_section, 0},
		{NULL, NULL, 0},
	};
	struct policy_draft draft = {0};
	int err;

	err = parse_mapping(parser, SCHEMA_POLICY, parser->tree.root, keys, &draft);
	parser->policy->monitor = draft.monitor;
	for (int i = 0; i < NR_DEFERRED && !err; i++)
		if (draft.sections[i])
			err = deferred[i].parse(parser,
						schema_find(SCHEMA_POLICY, deferred[i].name),
						draft.sections[i], NULL);
	if (!err && !diags_errors(parser->diags)) {
		scoring_check(parser);
		process_rules_check(parser);
	}
	return err ? err : sets_check_total(parser);
}

static void parser_done(struct parser *parser)
{
	tree_done(&parser->tree);
	name_table_done(&parser->set_names);
	name_table_done(&parser->literals);
	name_table_done(&parser->rule_names);
	service_table_done(&parser->services);
	account_table_done(&parser->users);
	account_table_done(&parser->groups);
	policy_free(parser->policy);
}

static struct policy *policy_new(const char *file)
{
	struct policy *policy = calloc(1, sizeof(*policy));

	if (!policy)
		return NULL;
	policy->file = strdup(file);
	if (!policy->file) {
		free(policy);
		return NULL;
	}
	policy->incoming = CHOICE_DROP;
	policy->established = CHOICE_ALLOW;
	policy->icmp = CHOICE_ESSENTIAL;
	policy->fragments = CHOICE_DROP;
	policy->malformed = CHOICE_DROP;
	policy->ethertypes = CHOICE_ALLOW;
	thresholds_default(policy);
	return policy;
}

int policyc_parse(const char *file, const char *text, size_t length,
		  const struct policyc_loader *loader, struct diags *diags,
		  struct policy **ret_policy)
{
	CLEANUP(parser_done)
	struct parser parser = {
		.loader = loader,
		.diags = diags,
		.policy = policy_new(file),
		.any_set = NAME_NOT_FOUND,
	};
	int err;

	if (!parser.policy)
		return -ENOMEM;
	err = diags_add_source(diags, file, text, length);
	if (!err)
		err = tree_parse(file, text, length, diags, &parser.tree);
	if (!err && parser.tree.root)
		err = read_policy(&parser);
	if (err)
		return err;
	if (diags_errors(diags))
		return -EINVAL;
	*ret_policy = TAKE_PTR(parser.policy);
	return 0;
}
