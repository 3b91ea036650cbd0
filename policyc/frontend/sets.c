/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "anonymous_sets.h"
#include "array.h"
#include "dynamic_sets.h"
#include "parser.h"
#include "set_source.h"
#include "set_subtract.h"
#include "suggest.h"

/* Digits and dots only, or anything with a colon or a slash, is an address and never a name. */
static bool is_address_text(const char *text)
{
	return strpbrk(text, ":/") || (*text && !text[strspn(text, "0123456789.")]);
}

static bool parse_prefix(struct parser *parser, const struct node *node, struct any_prefix *ret)
{
	enum prefix_error error = prefix_parse(node->text, strlen(node->text), ret);

	if (error)
		report_prefix(parser->diags, location_of(parser, node), node->text,
			      strlen(node->text), error, ret);
	return !error;
}

static void report_undefined(struct parser *parser, const struct node *node)
{
	struct diag *diag = diag_error(parser->diags, location_of(parser, node),
				       "undefined set \"%s\"", node->text);
	struct suggestion near = suggest_start(node->text);

	if (!diag)
		return;
	suggest_offer(&near, "any");
	for (size_t i = 0; i < parser->policy->nr_named_sets; i++)
		suggest_offer(&near, parser->policy->sets[i].name);
	if (near.best)
		diag_hint(diag, "did you mean \"%s\"?", near.best);
}

/* A list of references while it is read. */
struct reference_list {
	struct set_refs *refs;
	bool many; /* literals are gathered, not sets of their own */
	struct prefix_list literals;
};

static int add_reference(struct set_refs *refs, uint32_t index)
{
	uint32_t *added = ARRAY_APPEND(refs->index, refs->count);

	if (!added)
		return -ENOMEM;
	*added = index;
	return 0;
}

static int parse_literal(struct parser *parser, const struct node *value,
			 struct reference_list *list)
{
	struct any_prefix prefix;
	uint32_t index;
	int err;

	if (!parse_prefix(parser, value, &prefix))
		return 0;
	if (list->many)
		return prefix_list_add(&list->literals, &prefix);
	err = anonymous_prefix(parser, value, &prefix, &index);
	return err ? err : add_reference(list->refs, index);
}

static int parse_reference(struct parser *parser, const struct schema_key *key,
			   const struct node *value, void *target)
{
	const char *text = parse_scalar(parser, value, "a set or an address");
	struct reference_list *list = target;
	uint32_t index;
	int err = 0;

	if (!text)
		return 0;
	if (is_address_text(text))
		return parse_literal(parser, value, list);
	index = name_table_find(&parser->set_names, text, strlen(text));
	if (index == NAME_NOT_FOUND && !strcmp(text, "any"))
		err = anonymous_any(parser, value, &index);
	if (err)
		return err;
	if (index == NAME_NOT_FOUND) {
		report_undefined(parser, value);
		return 0;
	}
	return add_reference(list->refs, index);
}

static size_t count_literals(const struct node *list)
{
	size_t count = 0;

	for (const struct node *item = list->first; item; item = item->next)
		count += item->kind == NODE_SCALAR && is_address_text(item->text);
	return count;
}

static void reference_list_done(struct reference_list *list)
{
	prefix_list_done(&list->literals);
}

int parse_addresses(struct parser *parser, const struct schema_key *key, const struct node *value,
		    void *target)
{
	CLEANUP(reference_list_done)
	struct reference_list list = {
		.refs = target,
		.many = value->kind == NODE_SEQUENCE && count_literals(value) > MAX_SINGLE_LITERALS,
	};
	uint32_t index;
	int err = parse_list(parser, key, value, parse_reference, &list);

	if (err || !prefix_list_count(&list.literals))
		return err;
	err = anonymous_list(parser, value, &list.literals, &index);
	return err ? err : add_reference(list.refs, index);
}

static int parse_member(struct parser *parser, const struct schema_key *key,
			const struct node *value, void *target)
{
	struct prefix_list *list = target;
	struct any_prefix prefix;
	struct diag *diag;

	if (!parse_scalar(parser, value, "an address"))
		return 0;
	if (name_table_find(&parser->set_names, value->text, strlen(value->text)) !=
	    NAME_NOT_FOUND) {
		diag = diag_error(parser->diags, location_of(parser, value),
				  "a set holds addresses, and \"%s\" is a set", value->text);
		diag_hint(diag, "name both where they are used, as in from: [a, b]");
		return 0;
	}
	if (!parse_prefix(parser, value, &prefix))
		return 0;
	return prefix_list_add(list, &prefix);
}

static int parse_excepted(struct parser *parser, const struct schema_key *key,
			  const struct node *value, void *target)
{
	const char *text = parse_scalar(parser, value, "a set or an address");
	struct set_source *source = target;
	struct any_prefix prefix;
	uint32_t index, *added;

	if (!text)
		return 0;
	index = name_table_find(&parser->set_names, text, strlen(text));
	if (index == NAME_NOT_FOUND) {
		if (!is_address_text(text)) {
			report_undefined(parser, value);
			return 0;
		}
		if (!parse_prefix(parser, value, &prefix))
			return 0;
		return prefix_list_add(&source->except_prefixes, &prefix);
	}
	added = ARRAY_APPEND(source->except, source->nr_except);
	if (!added)
		return -ENOMEM;
	*added = index;
	return 0;
}

static int parse_set_except(struct parser *parser, const struct schema_key *key,
			    const struct node *value, void *target)
{
	struct set_source *source = target;

	source->except_at = location_of(parser, value);
	return parse_list(parser, key, value, parse_excepted, source);
}

static int parse_set_file(struct parser *parser, const struct schema_key *key,
			  const struct node *value, void *target)
{
	const char *text = parse_scalar(parser, value, "a path");
	struct set_source *source = target;

	if (text && !*text) {
		diag_error(parser->diags, location_of(parser, value), "\"%s\" is empty", key->name);
		return 0;
	}
	source->file = text;
	source->file_at = location_of(parser, value);
	return 0;
}

static int parse_set_stale(struct parser *parser, const struct schema_key *key,
			   const struct node *value, void *target)
{
	struct set_source *source = target;

	source->if_stale_at = location_of(parser, value);
	return parse_word(parser, key, value, &source->if_stale);
}

static int parse_set_body(struct parser *parser, const struct node *body, struct policy_set *set,
			  struct set_source *source)
{
	static const struct key_parser keys[] = {
		{"file", parse_set_file, 0},
		{"format", parse_word, offsetof(struct set_source, format)},
		{"max-age", parse_duration, offsetof(struct set_source, max_age_ns)},
		{"if-stale", parse_set_stale, 0},
		{"except", parse_set_except, 0},
		{"dynamic", parse_word, offsetof(struct set_source, dynamic)},
		{"size", parse_set_size, offsetof(struct set_source, size)},
		{"timeout", parse_duration, offsetof(struct set_source, timeout_ns)},
		{NULL, NULL, 0},
	};
	const struct schema_key members = {.name = set->name};
	size_t errors = diags_errors(parser->diags);
	struct diag *diag;
	int err;

	if (body->kind == NODE_SEQUENCE && !body->first)
		return 0;
	if (body->kind != NODE_MAPPING)
		return parse_list(parser, &members, body, parse_member, &set->prefixes);
	err = parse_mapping(parser, SCHEMA_SET, body, keys, source);
	if (err)
		return err;
	set_keys_check(parser, body, source, errors);
	if (source->dynamic) {
		dynamic_set_add(parser, set, source);
		return 0;
	}
	if (source->if_stale_at.line && !source->max_age_ns) {
		diag = diag_error(parser->diags, source->if_stale_at,
				  "\"if-stale\" without \"max-age\"");
		diag_hint(diag, "say how old the file may be, as in max-age: 36h");
	}
	return source->file ? set_source_load(parser, set, source) : 0;
}

/* All names first: `except` may name a set that is defined further down. */
static int register_names(struct parser *parser, const struct node *mapping,
			  const struct node **bodies)
{
	struct policy *policy = parser->policy;

	for (const struct node *name = mapping->first; name; name = name->next->next) {
		struct policy_set *set;

		if (name->kind != NODE_SCALAR || !check_name(parser, name, "a name"))
			continue;
		if (!strcmp(name->text, "any") || is_address_text(name->text)) {
			diag_error(parser->diags, location_of(parser, name),
				   "a set cannot be called \"%s\": it reads as an address",
				   name->text);
			continue;
		}
		bodies[policy->nr_sets] = name->next;
		set = ARRAY_APPEND(policy->sets, policy->nr_sets);
		if (!set)
			return -ENOMEM;
		policy->nr_named_sets = policy->nr_sets;
		set->at = location_of(parser, name);
		set->name = strdup(name->text);
		if (!set->name || name_table_add(&parser->set_names, name->text, strlen(name->text),
						 (uint32_t)policy->nr_sets - 1))
			return -ENOMEM;
	}
	return 0;
}

static size_t count_children(const struct node *node)
{
	size_t count = 0;

	for (const struct node *child = node->first; child; child = child->next)
		count++;
	return count;
}

/* Stops where there are too many prefixes: what many large files hold must not be in memory before
 * it is refused. */
static int parse_bodies(struct parser *parser, const struct node **bodies,
			struct set_sources *sources)
{
	size_t total = 0;

	for (size_t i = 0; i < sources->count && !parser->sets_too_large; i++) {
		struct policy_set *set = &parser->policy->sets[i];
		int err;

		if (bodies[i]->kind == NODE_INVALID)
			continue;
		err = parse_set_body(parser, bodies[i], set, &sources->sources[i]);
		if (err)
			return err;
		prefix_list_normalise(&set->prefixes);
		total += prefix_list_count(&set->prefixes);
		parser->sets_too_large = !sets_within_limit(parser, total, set->at);
	}
	return 0;
}

int parse_sets(struct parser *parser, const struct schema_key *key, const struct node *value,
	       void *target)
{
	CLEANUP(cleanup_free) const struct node **bodies = NULL;
	CLEANUP(set_sources_done)
	struct set_sources sources = {0};
	int err;

	if (value->kind == NODE_SCALAR && !value->text[0])
		return 0;
	if (value->kind != NODE_MAPPING) {
		diag_error(parser->diags, location_of(parser, value),
			   "sets have to be a mapping of names to addresses");
		return 0;
	}
	bodies = calloc(count_children(value) + 1, sizeof(*bodies));
	if (!bodies)
		return -ENOMEM;
	err = register_names(parser, value, bodies);
	if (err)
		return err;
	sources.count = parser->policy->nr_named_sets;
	sources.sources = calloc(sources.count + 1, sizeof(*sources.sources));
	if (!sources.sources)
		return -ENOMEM;
	err = parse_bodies(parser, bodies, &sources);
	if (err || parser->sets_too_large)
		return err;
	return sets_finish(parser, &sources);
}
