/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>

#include <synfw/abi.h>
#include <synfw/cleanup.h>
#include <synfw/state.h>

#include "rates.h"
#include "schema.h"

#define ONE_OR_MANY(value) \
	"\"anyOf\":[" value ",{\"type\":\"array\",\"minItems\":1,\"items\":" value "}]"
#define TEXT_OF(limit) #limit
#define LIMIT(limit)   TEXT_OF(limit)
#define TEXT	       "{\"type\":\"string\"}"
#define TEXT_OR_NUMBER "{\"type\":[\"string\",\"integer\"]}"
#define NAME_PATTERN   "^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"
#define OBJECT_OF(value)                                                             \
	"\"type\":\"object\",\"additionalProperties\":false,\"patternProperties\":{" \
	"\"" NAME_PATTERN "\":" value "}"
#define DURATION_MEMBERS "\"type\":\"string\",\"pattern\":\"^[0-9]+[smhd]$\""
#define DURATION	 "{" DURATION_MEMBERS "}"
#define RATE_MEMBERS	 "\"type\":\"string\",\"pattern\":\"^[0-9]+/(s|min|h)$\""
#define PATTERN		 "{\"type\":\"string\",\"pattern\":\"^(/|[*][*]/|memfd$)\"}"
#define ARGUMENT	 "{\"type\":[\"string\",\"number\",\"boolean\"]}"
#define ARGUMENTS                                                                         \
	"\"anyOf\":[" ARGUMENT ",{\"type\":\"array\",\"minItems\":1,\"maxItems\":" LIMIT( \
		SYNFW_MAX_RULE_ARGS) ",\"items\":" ARGUMENT "}]"
#define INFRASTRUCTURE "{\"const\":\"infrastructure\"}"

/* Members of the object that describes a value of the type; sections and words are made from the
 * table of keys. */
static const char *const type_members[] = {
	[TYPE_VERSION] = "\"const\":1",
	[TYPE_NAME] = "\"type\":\"string\",\"pattern\":\"" NAME_PATTERN "\"",
	[TYPE_TEXT] = "\"type\":\"string\"",
	[TYPE_WORD] = NULL,
	[TYPE_SECTION] = NULL,
	[TYPE_SECTIONS] = NULL,
	[TYPE_PROTECT] = "\"anyOf\":[" INFRASTRUCTURE ",{\"type\":\"array\",\"items\":{\"anyOf\":["
			 "{\"$ref\":\"#/$defs/protect\"}," INFRASTRUCTURE "]}}]",
	[TYPE_SETS] = OBJECT_OF("{\"anyOf\":[{\"$ref\":\"#/$defs/sets\"}," TEXT ",{\"type\":"
				"\"array\",\"items\":" TEXT "}]}"),
	[TYPE_SERVICES] = OBJECT_OF("{" ONE_OR_MANY(TEXT_OR_NUMBER) "}"),
	[TYPE_ADDRESSES] = ONE_OR_MANY(TEXT),
	[TYPE_PROTOCOLS] = ONE_OR_MANY(TEXT_OR_NUMBER),
	[TYPE_PORTS] = ONE_OR_MANY(TEXT_OR_NUMBER),
	[TYPE_PORT_RANGES] = ONE_OR_MANY(TEXT_OR_NUMBER),
	[TYPE_ICMP_TYPES] = ONE_OR_MANY(TEXT_OR_NUMBER),
	[TYPE_FLAGS] = ONE_OR_MANY("{\"type\":\"string\",\"pattern\":"
				   "\"^(none|(not +)?(fin|syn|rst|psh|ack|urg|ece|cwr))$\"}"),
	[TYPE_INTERFACES] = ONE_OR_MANY(TEXT),
	[TYPE_VLANS] = ONE_OR_MANY("{\"type\":\"integer\",\"minimum\":1,\"maximum\":4094}"),
	[TYPE_DURATIONS] = "\"anyOf\":[" DURATION ",{\"type\":\"array\",\"minItems\":1,"
			   "\"maxItems\":3,\"items\":" DURATION "}]",
	[TYPE_EVENTS] = NULL,
	[TYPE_SCORE] = "\"type\":\"integer\",\"minimum\":1,\"maximum\":1000000",
	[TYPE_PATH] = "\"type\":\"string\",\"minLength\":1",
	[TYPE_DURATION] = DURATION_MEMBERS,
	[TYPE_ENDPOINT] = "\"type\":\"string\"",
	[TYPE_INTERFACE] = "\"type\":\"string\",\"minLength\":1",
	[TYPE_VLAN] = "\"type\":\"integer\",\"minimum\":1,\"maximum\":4094",
	[TYPE_BOOLEAN] = "\"type\":\"boolean\"",
	[TYPE_SIZE] =
		"\"type\":\"integer\",\"minimum\":1,\"maximum\":" LIMIT(SYNFW_MAX_DYNAMIC_SIZE),
	[TYPE_SET] = "\"type\":\"string\",\"pattern\":\"" NAME_PATTERN "\"",
	[TYPE_RATE] = RATE_MEMBERS,
	[TYPE_DECAY] = RATE_MEMBERS,
	[TYPE_BURST] = "\"type\":\"integer\",\"minimum\":1,\"maximum\":" LIMIT(MAX_BURST),
	[TYPE_PORT_COUNT] =
		"\"type\":\"integer\",\"minimum\":1,\"maximum\":" LIMIT(SYNFW_MAX_DISTINCT_PORTS),
	[TYPE_PREFIX_LENGTH] = "\"type\":\"integer\",\"minimum\":1,\"maximum\":128",
	[TYPE_PATTERNS] = ONE_OR_MANY(PATTERN),
	[TYPE_PATTERNS_OR_SECTION] = NULL,
	[TYPE_IDS] = ONE_OR_MANY(TEXT_OR_NUMBER),
	[TYPE_ARGUMENTS] = ARGUMENTS,
	[TYPE_ARGUMENTS_OR_SECTION] = NULL,
	[TYPE_FILE] = "\"type\":\"string\",\"pattern\":\"^(/|memfd$)\"",
	[TYPE_ID] = "\"type\":[\"string\",\"integer\"]",
	[TYPE_BYTES] = "\"type\":\"string\",\"pattern\":\"^[0-9]+([KMG]i)?B$\"",
	[TYPE_PEERS] = "\"type\":\"string\",\"pattern\":\"^(block +[0-9]+[smhd]|score +[0-9]+)$\"",
	[TYPE_SAMPLE] = "\"type\":\"string\",\"pattern\":\"^1/[0-9]+$\"",
	[TYPE_LATER] = "\"not\":{}",
};
_Static_assert(sizeof(type_members) / sizeof(type_members[0]) == SCHEMA_NR_TYPES,
	       "every type is described");

/* The texts are ours: quotes and backslashes are all that needs care. */
static void write_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void write_words(FILE *out, const struct schema_word *words)
{
	fprintf(out, "\"enum\":[");
	for (const struct schema_word *word = words; word->word; word++) {
		if (word != words)
			fputc(',', out);
		write_string(out, word->word);
	}
	fputc(']', out);
}

/* One of them, or a list. */
static void write_word_list(FILE *out, const struct schema_word *words)
{
	fprintf(out, "\"anyOf\":[{");
	write_words(out, words);
	fprintf(out, "},{\"type\":\"array\",\"minItems\":1,\"items\":{");
	write_words(out, words);
	fprintf(out, "}}]");
}

/* What may stand for a mapping: one of the values, or a list. */
static void write_mapping_or(FILE *out, const char *values, const char *child)
{
	fprintf(out, "\"anyOf\":[{%s},{\"$ref\":\"#/$defs/%s\"}]", values, child);
}

static void write_key(FILE *out, const struct schema_key *key)
{
	const char *child = schema_section_path(key->child);

	write_string(out, key->name);
	fprintf(out, ":{\"description\":");
	write_string(out, key->doc);
	fputc(',', out);
	if (key->type == TYPE_WORD)
		write_words(out, key->words);
	else if (key->type == TYPE_EVENTS)
		write_word_list(out, key->words);
	else if (key->type == TYPE_SECTION)
		fprintf(out, "\"$ref\":\"#/$defs/%s\"", child);
	else if (key->type == TYPE_PATTERNS_OR_SECTION)
		write_mapping_or(out, type_members[TYPE_PATTERNS], child);
	else if (key->type == TYPE_ARGUMENTS_OR_SECTION)
		write_mapping_or(out, type_members[TYPE_ARGUMENTS], child);
	else if (key->type == TYPE_SECTIONS)
		fprintf(out, "\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/%s\"}", child);
	else
		fprintf(out, "%s", type_members[key->type]);
	fputc('}', out);
}

#define NEEDS(key)	"{\"required\":[\"" key "\"]}"
#define NEEDS_TWO(a, b) "{\"required\":[\"" a "\",\"" b "\"]}"
#define ONE_OUTCOME	"\"oneOf\":[" NEEDS("action") "," NEEDS("score") "]"

/* Which keys go together. */
static const struct {
	enum schema_section section;
	const char *members;
} conditions[] = {
	{SCHEMA_PROTECT, "\"oneOf\":[" NEEDS("from") "," NEEDS(
				 "exec") "],\"dependentRequired\":{\"to\":[\"from\"]}"},
	{SCHEMA_RULE, ONE_OUTCOME ",\"not\":" NEEDS_TWO("rate", "distinct-ports")},
	{SCHEMA_SCORING, "\"anyOf\":[" NEEDS("flag-at") "," NEEDS_TWO("drop-at", "block-for") "]"},
	{SCHEMA_SET, "\"oneOf\":[" NEEDS("file") "," NEEDS("dynamic") "]"},
	{SCHEMA_PROCESS, ONE_OUTCOME},
	{SCHEMA_ARGS, "\"oneOf\":[" NEEDS("any") "," NEEDS("all") "]"},
	{SCHEMA_MEMORY, ONE_OUTCOME},
	{SCHEMA_PROCESS_SCORING, "\"anyOf\":[" NEEDS_TWO("flag-at", "decay") "," NEEDS_TWO(
					 "act-at", "decay") "," NEEDS("on-peer-block") "]"},
	{SCHEMA_TEST, "\"oneOf\":[" NEEDS_TWO("from", "to") "," NEEDS("exec") "]"},
};

/* "type", "required" and "properties" of an object, without its braces. */
static void write_section(FILE *out, enum schema_section section)
{
	const char *separator = "";

	fprintf(out, "\"type\":\"object\",\"additionalProperties\":false,\"required\":[");
	for (size_t i = 0; i < schema_nr_keys; i++) {
		if (schema_keys[i].section != section || !schema_keys[i].required)
			continue;
		fprintf(out, "%s", separator);
		write_string(out, schema_keys[i].name);
		separator = ",";
	}
	fprintf(out, "],\"properties\":{");
	separator = "";
	for (size_t i = 0; i < schema_nr_keys; i++) {
		if (schema_keys[i].section != section)
			continue;
		fprintf(out, "%s\n  ", separator);
		write_key(out, &schema_keys[i]);
		separator = ",";
	}
	fprintf(out, "}");
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++)
		if (conditions[i].section == section)
			fprintf(out, ",%s", conditions[i].members);
}

char *schema_to_json(void)
{
	CLEANUP(cleanup_free) char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool failed;

	if (!out)
		return NULL;
	fprintf(out, "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\n"
		     " \"title\":\"synfw policy, version 1\",\n ");
	write_section(out, SCHEMA_POLICY);
	fprintf(out, ",\n \"$defs\":{");
	for (int section = SCHEMA_POLICY + 1; section < SCHEMA_NR_SECTIONS; section++) {
		fprintf(out, "%s\n \"%s\":{", section > SCHEMA_POLICY + 1 ? "," : "",
			schema_section_path((enum schema_section)section));
		write_section(out, (enum schema_section)section);
		fputc('}', out);
	}
	fprintf(out, "}}\n");
	failed = ferror(out);
	if (fclose(out) || failed)
		return NULL;
	return TAKE_PTR(text);
}
