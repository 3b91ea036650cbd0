/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../duration.h"
#include "parser.h"
#include "suggest.h"

static const char *const kind_names[] = {
	[NODE_INVALID] = "nothing",
	[NODE_SCALAR] = "a single value",
	[NODE_SEQUENCE] = "a list",
	[NODE_MAPPING] = "a mapping",
};

/* Reports a node of the wrong kind. An unquoted IPv6 address is the usual reason for a mapping. */
static void report_kind(struct parser *parser, const struct node *node, const char *expected)
{
	struct location at = location_of(parser, node);
	struct span word;

	if (node->kind == NODE_INVALID)
		return;
	if (node->kind == NODE_MAPPING && tree_ipv6_word(&parser->tree, node->offset, &word)) {
		at.length = (uint32_t)word.length;
		tree_report_ipv6(&parser->tree, parser->diags, at, word);
		return;
	}
	diag_error(parser->diags, at, "expected %s, found %s", expected, kind_names[node->kind]);
}

static bool is_empty(const struct node *node)
{
	return node->kind == NODE_SCALAR && !node->text[0];
}

static bool has_key(const struct schema_key *key, const struct node *mapping)
{
	for (const struct node *name = mapping->first; name; name = name->next->next)
		if (name->kind == NODE_SCALAR && !strcmp(name->text, key->name))
			return true;
	return false;
}

static void report_missing(struct parser *parser, enum schema_section section,
			   const struct node *mapping)
{
	for (size_t i = 0; i < schema_nr_keys; i++) {
		const struct schema_key *key = &schema_keys[i];

		if (key->section == section && key->required && !has_key(key, mapping))
			diag_error(parser->diags, location_of(parser, mapping),
				   "%s needs the key \"%s\"", schema_section_title(section),
				   key->name);
	}
}

static void report_unknown(struct parser *parser, enum schema_section section,
			   const struct node *name)
{
	struct diag *diag =
		diag_error(parser->diags, location_of(parser, name), "unknown key \"%s\" in %s",
			   name->text, schema_section_title(section));
	const char *near = diag ? schema_suggest(section, name->text) : NULL;

	if (near)
		diag_hint(diag, "did you mean \"%s\"?", near);
}

static const struct key_parser *find_parser(const struct key_parser *parsers, const char *name)
{
	while (parsers->name && strcmp(parsers->name, name))
		parsers++;
	return parsers->name ? parsers : NULL;
}

int parse_mapping(struct parser *parser, enum schema_section section, const struct node *mapping,
		  const struct key_parser *parsers, void *target)
{
	bool later = false;

	if (mapping->kind != NODE_MAPPING) {
		report_kind(parser, mapping, "a mapping");
		return 0;
	}
	for (const struct node *name = mapping->first; name; name = name->next->next) {
		const struct key_parser *found;
		const struct schema_key *key;
		int err;

		if (name->kind != NODE_SCALAR)
			continue;
		key = schema_find(section, name->text);
		if (!key) {
			report_unknown(parser, section, name);
			continue;
		}
		if (!schema_supported(key)) {
			later = true;
			diag_error(parser->diags, location_of(parser, name),
				   "\"%s\" in %s is not supported yet", key->name,
				   schema_section_title(section));
			continue;
		}
		found = find_parser(parsers, key->name);
		if (!found || name->next->kind == NODE_INVALID)
			continue;
		err = found->parse(parser, key, name->next, (char *)target + found->offset);
		if (err)
			return err;
	}
	/* Whoever writes for a later version need not hear what this one would need instead. */
	if (!later)
		report_missing(parser, section, mapping);
	return 0;
}

int parse_list(struct parser *parser, const struct schema_key *key, const struct node *list,
	       parse_value_fn parse, void *target)
{
	int err = 0;

	if (is_empty(list) || (list->kind == NODE_SEQUENCE && !list->first)) {
		diag_error(parser->diags, location_of(parser, list), "\"%s\" is empty", key->name);
		return 0;
	}
	if (list->kind == NODE_SCALAR)
		return parse(parser, key, list, target);
	if (list->kind != NODE_SEQUENCE) {
		report_kind(parser, list, "a value or a list");
		return 0;
	}
	for (const struct node *item = list->first; item && !err; item = item->next)
		if (item->kind != NODE_INVALID)
			err = parse(parser, key, item, target);
	return err;
}

int parse_sections(struct parser *parser, const struct schema_key *key, const struct node *list,
		   parse_value_fn parse, void *target)
{
	int err = 0;

	if (is_empty(list))
		return 0;
	if (list->kind != NODE_SEQUENCE) {
		report_kind(parser, list, "a list");
		return 0;
	}
	for (const struct node *item = list->first; item && !err; item = item->next)
		if (item->kind != NODE_INVALID)
			err = parse(parser, key, item, target);
	return err;
}

const char *parse_scalar(struct parser *parser, const struct node *node, const char *expected)
{
	if (node->kind == NODE_SCALAR)
		return node->text;
	report_kind(parser, node, expected);
	return NULL;
}

static bool is_name_character(char c, bool first)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (!first && (c == '_' || c == '.' || c == '-'));
}

bool check_name(struct parser *parser, const struct node *node, const char *expected)
{
	const char *text = parse_scalar(parser, node, expected);
	struct diag *diag;
	size_t length;

	if (!text)
		return false;
	length = strlen(text);
	if (length >= SYNFW_MAX_NAME) {
		diag_error(parser->diags, location_of(parser, node),
			   "the name is %zu bytes long: at most %d", length, SYNFW_MAX_NAME - 1);
		return false;
	}
	for (size_t i = 0; i < length || !length; i++) {
		if (length && is_name_character(text[i], i == 0))
			continue;
		diag = diag_error(parser->diags, location_of(parser, node), "\"%s\" is not a name",
				  text);
		diag_hint(diag, "letters and digits, and after the first also _ . -");
		return false;
	}
	return true;
}

int parse_name(struct parser *parser, const struct schema_key *key, const struct node *value,
	       void *target)
{
	char **name = target;

	if (!check_name(parser, value, "a name"))
		return 0;
	*name = strdup(value->text);
	return *name ? 0 : -ENOMEM;
}

int parse_text(struct parser *parser, const struct schema_key *key, const struct node *value,
	       void *target)
{
	const char *text = parse_scalar(parser, value, "a text");
	char **ret = target;

	if (!text)
		return 0;
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

int parse_word(struct parser *parser, const struct schema_key *key, const struct node *value,
	       void *target)
{
	const char *text = parse_scalar(parser, value, "a word");
	struct suggestion near;
	char choices[128] = "";
	struct diag *diag;

	if (!text)
		return 0;
	near = suggest_start(text);
	for (const struct schema_word *word = key->words; word->word; word++) {
		size_t used = strlen(choices);

		if (!strcmp(word->word, text)) {
			*(int *)target = word->value;
			return 0;
		}
		suggest_offer(&near, word->word);
		snprintf(choices + used, sizeof(choices) - used, "%s%s", used ? " | " : "",
			 word->word);
	}
	diag = diag_error(parser->diags, location_of(parser, value), "\"%s\" is not one of %s",
			  text, choices);
	if (near.best)
		diag_hint(diag, "did you mean \"%s\"?", near.best);
	return 0;
}

bool parse_number(const char *text, size_t length, uint32_t max, uint32_t *ret)
{
	uint64_t value = 0;

	if (!length)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text[i] - '0');
		if (value > max)
			return false;
	}
	*ret = (uint32_t)value;
	return true;
}

bool parse_vlan_number(const char *text, uint16_t *ret_id)
{
	uint32_t id;

	if (!parse_number(text, strlen(text), 4094, &id) || !id)
		return false;
	*ret_id = (uint16_t)id;
	return true;
}

bool parse_vlan_id(struct parser *parser, const struct node *value, uint16_t *ret_id)
{
	const char *text = parse_scalar(parser, value, "a VLAN id");

	if (!text)
		return false;
	if (parse_vlan_number(text, ret_id))
		return true;
	diag_error(parser->diags, location_of(parser, value), "\"%s\" is not a VLAN id: 1 to 4094",
		   text);
	return false;
}

int parse_duration(struct parser *parser, const struct schema_key *key, const struct node *value,
		   void *target)
{
	const char *text = parse_scalar(parser, value, "a duration");
	struct diag *diag;

	if (!text || duration_parse(text, target))
		return 0;
	diag = diag_error(parser->diags, location_of(parser, value), "\"%s\" is not a duration",
			  text);
	diag_hint(diag, "a number and s, m, h or d, as in 36h");
	return 0;
}

void report_prefix(struct diags *diags, struct location at, const char *text, size_t length,
		   enum prefix_error error, const struct any_prefix *masked)
{
	/* Feeds are others' text: quote what identifies it, not all of it. */
	int quoted = length > 64 ? 64 : (int)length;
	struct diag *diag;
	char better[64];

	if (error == PREFIX_BAD_ADDRESS) {
		diag_error(diags, at, "\"%.*s\" is not an address", quoted, text);
	} else if (error == PREFIX_BAD_LENGTH) {
		diag = diag_error(diags, at, "\"%.*s\" has a bad prefix length", quoted, text);
		diag_hint(diag, "a number after the slash, to 32 for IPv4 and to 128 for IPv6");
	} else if (error == PREFIX_HOST_BITS) {
		if (masked->family == 4)
			prefix4_format(&masked->v4, better, sizeof(better));
		else
			prefix6_format(&masked->v6, better, sizeof(better));
		diag = diag_error(diags, at, "\"%.*s\" has host bits set", quoted, text);
		diag_hint(diag, "write %s", better);
	}
}
