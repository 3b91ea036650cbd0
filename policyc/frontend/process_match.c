/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "process_match.h"

#include <errno.h>
#include <string.h>

#include "array.h"
#include "path_pattern.h"
#include "suggest.h"

static bool is_group(const struct schema_key *key)
{
	return !strcmp(key->name, "group");
}

static const char *accounts_file(const struct schema_key *key)
{
	return is_group(key) ? "/etc/group" : "/etc/passwd";
}

int process_accounts(struct parser *parser, const struct schema_key *key,
		     const struct account_table **ret_table)
{
	struct account_table *table = is_group(key) ? &parser->groups : &parser->users;
	char *text = NULL;
	uint64_t mtime_ns;
	size_t length;
	int err = 0;

	*ret_table = table;
	if (table->loaded)
		return 0;
	table->loaded = true;
	table->error = parser->loader->load(parser->loader->context, accounts_file(key), &text,
					    &length, &mtime_ns);
	if (table->error)
		return table->error == -ENOMEM ? -ENOMEM : 0;
	err = account_table_add(table, text, length, !is_group(key));
	free(text);
	return err;
}

static void report_unknown_account(struct parser *parser, const struct schema_key *key,
				   const struct node *value, const char *name,
				   const struct account_table *table)
{
	struct diag *diag = diag_error(parser->diags, location_of(parser, value),
				       "no %s is called \"%s\" on this host", key->name, name);
	struct suggestion near = suggest_start(name);

	for (size_t i = 0; i < table->count; i++)
		suggest_offer(&near, table->accounts[i].name);
	if (near.best)
		diag_hint(diag, "did you mean \"%s\"?", near.best);
	else if (table->error)
		diag_hint(diag, "%s cannot be read: %s", accounts_file(key),
			  strerror(-table->error));
}

int process_parse_id(struct parser *parser, const struct schema_key *key, const struct node *value,
		     const char *text, bool *ret_found, uint32_t *ret_id)
{
	const struct account_table *table;
	const struct account *account;
	int err;

	*ret_found = parse_number(text, strlen(text), UINT32_MAX - 1, ret_id);
	if (*ret_found)
		return 0;
	err = process_accounts(parser, key, &table);
	if (err)
		return err;
	account = account_find(table, text);
	*ret_found = account;
	if (account)
		*ret_id = account->id;
	else
		report_unknown_account(parser, key, value, text, table);
	return 0;
}

struct ids_draft {
	struct id_match *ids;
	bool positive, negated;
};

static int parse_id(struct parser *parser, const struct schema_key *key, const struct node *value,
		    void *target)
{
	const char *text = parse_scalar(parser, value, "a name or a number");
	struct ids_draft *draft = target;
	uint32_t id = 0, *added;
	bool found;
	int err;

	if (!text)
		return 0;
	if (!strncmp(text, "not ", 4)) {
		draft->negated = true;
		text += 4 + strspn(text + 4, " ");
	} else {
		draft->positive = true;
	}
	err = process_parse_id(parser, key, value, text, &found, &id);
	if (err || !found)
		return err;
	for (size_t i = 0; i < draft->ids->count; i++)
		if (draft->ids->id[i] == id)
			return 0;
	added = ARRAY_APPEND(draft->ids->id, draft->ids->count);
	if (!added)
		return -ENOMEM;
	*added = id;
	return 0;
}

static int parse_ids(struct parser *parser, const struct schema_key *key, const struct node *value,
		     struct id_match *ids)
{
	struct ids_draft draft = {.ids = ids};
	int err = parse_list(parser, key, value, parse_id, &draft);

	ids->negated = draft.negated;
	if (draft.positive && draft.negated)
		diag_error(parser->diags, location_of(parser, value),
			   "\"%s\" names those that match or, each with \"not\", those that do "
			   "not: not both",
			   key->name);
	return err;
}

static int parse_arg(struct parser *parser, const struct schema_key *key, const struct node *value,
		     void *target)
{
	const char *text = parse_scalar(parser, value, "an argument");
	struct args_match *args = target;
	char **added;
	size_t length;

	if (!text)
		return 0;
	length = strlen(text);
	if (!length || length > SYNFW_MAX_ARG_BYTES) {
		diag_error(parser->diags, location_of(parser, value),
			   "the argument is %zu bytes long: 1 to %d", length, SYNFW_MAX_ARG_BYTES);
		return 0;
	}
	for (size_t i = 0; i < args->count; i++)
		if (!strcmp(args->arg[i], text))
			return 0;
	if (args->count == SYNFW_MAX_RULE_ARGS) {
		diag_error(parser->diags, location_of(parser, value),
			   "more than %d arguments in one list", SYNFW_MAX_RULE_ARGS);
		return 0;
	}
	added = ARRAY_APPEND(args->arg, args->count);
	if (!added)
		return -ENOMEM;
	*added = strdup(text);
	return *added ? 0 : -ENOMEM;
}

struct args_draft {
	struct args_match *args;
	const struct node *any, *all;
};

static int parse_any(struct parser *parser, const struct schema_key *key, const struct node *value,
		     void *target)
{
	struct args_draft *draft = target;

	draft->any = value;
	return parse_list(parser, key, value, parse_arg, draft->args);
}

static int parse_all(struct parser *parser, const struct schema_key *key, const struct node *value,
		     void *target)
{
	struct args_draft *draft = target;

	draft->all = value;
	return parse_list(parser, key, value, parse_arg, draft->args);
}

static int parse_args(struct parser *parser, const struct schema_key *key, const struct node *value,
		      struct args_match *args)
{
	static const struct key_parser keys[] = {
		{"any", parse_any, 0}, {"all", parse_all, 0}, {NULL, NULL, 0}};
	struct args_draft draft = {.args = args};
	struct diag *diag;
	int err;

	if (value->kind != NODE_MAPPING)
		return parse_list(parser, key, value, parse_arg, args);
	err = parse_mapping(parser, SCHEMA_ARGS, value, keys, &draft);
	args->all = draft.all;
	if (draft.any && draft.all) {
		diag = diag_error(parser->diags, location_of(parser, draft.all),
				  "\"args\" has \"any\" or \"all\", not both");
		diag_related(parser->diags, diag, location_of(parser, draft.any), "any is here");
	} else if (!value->first) {
		diag_error(parser->diags, location_of(parser, value), "\"%s\" is empty", key->name);
	}
	return err;
}

int process_match_parse_key(struct parser *parser, const struct schema_key *key,
			    const struct node *value, void *target)
{
	struct process_match *match = target;
	const struct {
		const char *name;
		uint32_t bit;
		struct path_list *paths;
		struct id_match *ids;
	} keys[] = {
		{"exec", PROCESS_EXEC, &match->exec, NULL},
		{"parent", PROCESS_PARENT, &match->parent, NULL},
		{"ancestor", PROCESS_ANCESTOR, &match->ancestor, NULL},
		{"user", PROCESS_USER, NULL, &match->user},
		{"group", PROCESS_GROUP, NULL, &match->group},
		{"args", PROCESS_ARGS, NULL, NULL},
	};
	size_t i = 0;

	while (strcmp(keys[i].name, key->name))
		i++;
	match->keys |= keys[i].bit;
	if (keys[i].paths)
		return path_list_parse(parser, key, value, keys[i].paths);
	if (keys[i].ids)
		return parse_ids(parser, key, value, keys[i].ids);
	return parse_args(parser, key, value, &match->args);
}
