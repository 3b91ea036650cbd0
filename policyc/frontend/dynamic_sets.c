/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "dynamic_sets.h"

#include <string.h>

int parse_set_size(struct parser *parser, const struct schema_key *key, const struct node *value,
		   void *target)
{
	const char *text = parse_scalar(parser, value, "a number of members");
	uint32_t size;

	if (!text)
		return 0;
	if (!parse_number(text, strlen(text), SYNFW_MAX_DYNAMIC_SIZE, &size) || !size) {
		diag_error(parser->diags, location_of(parser, value),
			   "\"%s\" is not a number of members: 1 to %d", text,
			   SYNFW_MAX_DYNAMIC_SIZE);
		return 0;
	}
	*(uint32_t *)target = size;
	return 0;
}

static bool is_one_of(const char *const *names, const char *name)
{
	while (*names && strcmp(*names, name))
		names++;
	return *names;
}

static void refuse_key(struct parser *parser, const struct node *name, bool dynamic)
{
	struct diag *diag;

	if (dynamic) {
		diag = diag_error(parser->diags, location_of(parser, name),
				  "a dynamic set has no \"%s\"", name->text);
		diag_hint(diag, "its members come and go while the policy is in force, with "
				"`synfw set`");
	} else {
		diag = diag_error(parser->diags, location_of(parser, name),
				  "only a dynamic set has a \"%s\"", name->text);
		diag_hint(diag, "add \"dynamic: true\"");
	}
}

void set_keys_check(struct parser *parser, const struct node *body, const struct set_source *source,
		    size_t errors)
{
	static const char *const of_dynamic[] = {"size", "timeout", NULL};
	static const char *const of_files[] = {"file",	   "format", "max-age",
					       "if-stale", "except", NULL};
	bool has_file = false;
	struct diag *diag;

	for (const struct node *name = body->first; name; name = name->next->next) {
		if (name->kind != NODE_SCALAR)
			continue;
		has_file |= !strcmp(name->text, "file");
		if (is_one_of(source->dynamic ? of_files : of_dynamic, name->text))
			refuse_key(parser, name, source->dynamic);
	}
	if (has_file || source->dynamic || diags_errors(parser->diags) > errors)
		return;
	diag = diag_error(parser->diags, location_of(parser, body), "a set needs the key \"file\"");
	diag_hint(diag, "a list of addresses will do, and so will \"dynamic: true\"");
}

void dynamic_set_add(struct parser *parser, struct policy_set *set, const struct set_source *source)
{
	uint64_t before = parser->dynamic_size;

	set->dynamic = true;
	set->number = parser->nr_dynamic_sets++;
	set->size = source->size ? source->size : SYNFW_DYNAMIC_SIZE;
	set->timeout_ns = source->timeout_ns;
	parser->dynamic_size += set->size;
	if (parser->nr_dynamic_sets == SYNFW_MAX_DYNAMIC_SETS + 1)
		diag_error(parser->diags, set->at, "more than %d dynamic sets",
			   SYNFW_MAX_DYNAMIC_SETS);
	if (before <= SYNFW_MAX_DYNAMIC_SIZE && parser->dynamic_size > SYNFW_MAX_DYNAMIC_SIZE)
		diag_error(parser->diags, set->at,
			   "the dynamic sets have room for %llu members; the limit is %d for all "
			   "of them together",
			   (unsigned long long)parser->dynamic_size, SYNFW_MAX_DYNAMIC_SIZE);
}
