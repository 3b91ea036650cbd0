/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The section `protect`: addresses, programs, and the word infrastructure. */
#include <errno.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "array.h"
#include "match.h"
#include "path_pattern.h"
#include "process_match.h"

struct protect_draft {
	struct match_draft addresses;
	struct process_match programs; /* EXEC */
};

static void protect_draft_done(struct protect_draft *draft)
{
	match_done(&draft->addresses.match);
	process_match_done(&draft->programs);
}

/* What anybody can make would protect anybody. */
static int parse_exec(struct parser *parser, const struct schema_key *key, const struct node *value,
		      void *target)
{
	struct process_match *programs = target;
	const struct path_list *list = &programs->exec;
	struct diag *diag;
	int err = process_match_parse_key(parser, key, value, programs);

	for (size_t i = 0; i < list->count; i++) {
		const struct path_pattern *pattern = &list->pattern[i];

		if (pattern->kind != PATH_NAME && pattern->kind != PATH_MEMFD)
			continue;
		diag = diag_error(parser->diags, location_of(parser, value),
				  "\"%s%s\" protects nothing: anybody can make such a file",
				  pattern->kind == PATH_NAME ? "**" : "memfd", pattern->path);
		diag_hint(diag, "a path as /usr/sbin/sshd, or \"/usr/lib/systemd/**\"");
	}
	return err;
}

/* Whatever stands there, also what could not be read. */
static const struct node *value_of(const struct node *mapping, const char *key)
{
	for (const struct node *name = mapping->first; name; name = name->next->next)
		if (name->kind == NODE_SCALAR && !strcmp(name->text, key))
			return name->next;
	return NULL;
}

static void check_keys(struct parser *parser, const struct node *entry)
{
	const struct node *exec = value_of(entry, "exec"), *from = value_of(entry, "from");
	const struct node *address = from ? from : value_of(entry, "to");
	struct diag *diag;

	if (exec && address) {
		diag = diag_error(parser->diags, location_of(parser, exec),
				  "a protect entry is about programs or about addresses, not both");
		diag_related(parser->diags, diag, location_of(parser, address),
			     "addresses are here");
	}
	if (!exec && !from)
		diag_error(parser->diags, location_of(parser, entry),
			   "a protect entry needs the key \"from\" or \"exec\"");
}

static int add_programs(struct parser *parser, struct protect_draft *draft, struct location at)
{
	struct policy *policy = parser->policy;
	struct program_protect *entry =
		ARRAY_APPEND(policy->program_protects, policy->nr_program_protects);

	if (!entry)
		return -ENOMEM;
	entry->at = at;
	entry->programs = draft->programs;
	draft->programs = (struct process_match){0};
	return 0;
}

/* Later sections look at entries, right or wrong. */
static struct protect_entry *add_entry(struct parser *parser, struct location at)
{
	struct policy *policy = parser->policy;
	struct protect_entry *entry = ARRAY_APPEND(policy->protects, policy->nr_protects);

	if (entry)
		entry->at = at;
	return entry;
}

static int add_addresses(struct parser *parser, struct protect_draft *draft, struct location at)
{
	struct protect_entry *entry = add_entry(parser, at);
	int err = entry ? match_finish(parser, &draft->addresses) : -ENOMEM;

	if (err)
		return err;
	entry->match = draft->addresses.match;
	draft->addresses.match = (struct match){0};
	return 0;
}

static int parse_protect_word(struct parser *parser, const struct node *value)
{
	struct protect_entry *entry = add_entry(parser, location_of(parser, value));
	struct diag *diag;

	if (!entry)
		return -ENOMEM;
	entry->infrastructure = !strcmp(value->text, "infrastructure");
	if (entry->infrastructure)
		return 0;
	diag = diag_error(parser->diags, entry->at, "\"%s\" is not a protect entry", value->text);
	diag_hint(diag, "write {from: SET, to: SERVICE}, {exec: PATH}, or the word infrastructure");
	return 0;
}

static int parse_protect_entry(struct parser *parser, const struct schema_key *key,
			       const struct node *value, void *target)
{
	static const struct key_parser keys[] = {
		{"from", match_parse_key, offsetof(struct protect_draft, addresses)},
		{"to", match_parse_key, offsetof(struct protect_draft, addresses)},
		{"exec", parse_exec, offsetof(struct protect_draft, programs)},
		{NULL, NULL, 0},
	};
	CLEANUP(protect_draft_done)
	struct protect_draft draft = {.addresses.owner = "protect entry"};
	struct location at = location_of(parser, value);
	int err;

	if (value->kind == NODE_SCALAR)
		return parse_protect_word(parser, value);
	err = parse_mapping(parser, SCHEMA_PROTECT, value, keys, &draft);
	if (err || value->kind != NODE_MAPPING)
		return err;
	check_keys(parser, value);
	return value_of(value, "exec") ? add_programs(parser, &draft, at)
				       : add_addresses(parser, &draft, at);
}

int parse_protect(struct parser *parser, const struct schema_key *key, const struct node *value,
		  void *target)
{
	if (value->kind == NODE_SCALAR && value->text[0])
		return parse_protect_entry(parser, key, value, NULL);
	return parse_sections(parser, key, value, parse_protect_entry, NULL);
}
