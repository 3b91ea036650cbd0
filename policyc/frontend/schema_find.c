/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of sections and types, and the keys that names lead to. */
#include "schema.h"

#include <string.h>

#include "suggest.h"

static const struct {
	const char *title, *path;
} sections[] = {
	[SCHEMA_POLICY] = {"the policy", ""},
	[SCHEMA_INTERFACE] = {"an interface", "interfaces"},
	[SCHEMA_PROTECT] = {"a protect entry", "protect"},
	[SCHEMA_SET] = {"a set", "sets"},
	[SCHEMA_DEFAULTS] = {"defaults", "defaults"},
	[SCHEMA_SCORING] = {"scoring", "scoring"},
	[SCHEMA_RULE] = {"a rule", "rules"},
	[SCHEMA_EXCEPT] = {"except", "rules.except"},
	[SCHEMA_RATE] = {"rate", "rules.rate"},
	[SCHEMA_DISTINCT_PORTS] = {"distinct-ports", "rules.distinct-ports"},
	[SCHEMA_PROCESS] = {"a rule on processes", "processes"},
	[SCHEMA_PROCESS_EXCEPT] = {"except", "processes.except"},
	[SCHEMA_ARGS] = {"args", "processes.args"},
	[SCHEMA_MEMORY] = {"a rule on memory", "memory"},
	[SCHEMA_MEMORY_EXCEPT] = {"except", "memory.except"},
	[SCHEMA_PROCESS_SCORING] = {"process-scoring", "process-scoring"},
	[SCHEMA_LOGGING] = {"logging", "logging"},
	[SCHEMA_TEST] = {"a test", "tests"},
};
_Static_assert(sizeof(sections) / sizeof(sections[0]) == SCHEMA_NR_SECTIONS, "a title for each");

static const char *const type_words[] = {
	[TYPE_VERSION] = "1",
	[TYPE_NAME] = "name",
	[TYPE_TEXT] = "text",
	[TYPE_WORD] = "word",
	[TYPE_SECTION] = "mapping",
	[TYPE_SECTIONS] = "list",
	[TYPE_PROTECT] = "list",
	[TYPE_SETS] = "names to addresses",
	[TYPE_SERVICES] = "names to ports",
	[TYPE_ADDRESSES] = "addresses",
	[TYPE_PROTOCOLS] = "protocols",
	[TYPE_PORTS] = "services",
	[TYPE_PORT_RANGES] = "ports",
	[TYPE_ICMP_TYPES] = "ICMP types",
	[TYPE_FLAGS] = "flags",
	[TYPE_INTERFACES] = "interfaces",
	[TYPE_VLANS] = "VLAN ids",
	[TYPE_DURATIONS] = "durations",
	[TYPE_EVENTS] = "words",
	[TYPE_PATTERNS] = "paths",
	[TYPE_PATTERNS_OR_SECTION] = "paths or mapping",
	[TYPE_IDS] = "names or numbers",
	[TYPE_ARGUMENTS] = "arguments",
	[TYPE_ARGUMENTS_OR_SECTION] = "arguments or mapping",
	[TYPE_SCORE] = "points",
	[TYPE_PATH] = "path",
	[TYPE_DURATION] = "duration",
	[TYPE_ENDPOINT] = "endpoint",
	[TYPE_INTERFACE] = "interface",
	[TYPE_VLAN] = "VLAN id",
	[TYPE_BOOLEAN] = "true or false",
	[TYPE_SIZE] = "number",
	[TYPE_SET] = "dynamic set",
	[TYPE_RATE] = "rate",
	[TYPE_DECAY] = "rate",
	[TYPE_BURST] = "packets",
	[TYPE_PORT_COUNT] = "number",
	[TYPE_PREFIX_LENGTH] = "prefix length",
	[TYPE_SAMPLE] = "ratio",
	[TYPE_FILE] = "path",
	[TYPE_ID] = "name or number",
	[TYPE_BYTES] = "size",
	[TYPE_PEERS] = "block or score",
	[TYPE_LATER] = "not supported yet",
};
_Static_assert(sizeof(type_words) / sizeof(type_words[0]) == SCHEMA_NR_TYPES, "a word for each");

const char *schema_section_title(enum schema_section section)
{
	return sections[section].title;
}

const char *schema_section_path(enum schema_section section)
{
	return sections[section].path;
}

const char *schema_type_word(enum schema_type type)
{
	return type_words[type];
}

bool schema_supported(const struct schema_key *key)
{
	return key->type != TYPE_LATER;
}

const struct schema_key *schema_find(enum schema_section section, const char *name)
{
	for (size_t i = 0; i < schema_nr_keys; i++)
		if (schema_keys[i].section == section && !strcmp(schema_keys[i].name, name))
			return &schema_keys[i];
	return NULL;
}

const struct schema_key *schema_find_path(const char *path)
{
	for (size_t i = 0; i < schema_nr_keys; i++) {
		const char *section = schema_section_path(schema_keys[i].section), *rest = path;

		if (*section) {
			size_t length = strlen(section);

			if (strncmp(path, section, length) || path[length] != '.')
				continue;
			rest = path + length + 1;
		}
		if (!strcmp(rest, schema_keys[i].name))
			return &schema_keys[i];
	}
	return NULL;
}

const char *schema_suggest(enum schema_section section, const char *name)
{
	struct suggestion suggestion = suggest_start(name);

	for (size_t i = 0; i < schema_nr_keys; i++)
		if (schema_keys[i].section == section)
			suggest_offer(&suggestion, schema_keys[i].name);
	return suggestion.best;
}
