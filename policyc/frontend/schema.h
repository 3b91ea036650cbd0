/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_SCHEMA_H
#define POLICYC_SCHEMA_H

/*
 * Every key of the policy language, as data: the parser looks keys up here, `synfw explain` prints
 * them, the JSON Schema is generated from them.
 */
#include <stdbool.h>
#include <stddef.h>

enum schema_section {
	SCHEMA_POLICY,
	SCHEMA_INTERFACE,
	SCHEMA_PROTECT,
	SCHEMA_SET,
	SCHEMA_DEFAULTS,
	SCHEMA_SCORING,
	SCHEMA_RULE,
	SCHEMA_EXCEPT,
	SCHEMA_RATE,
	SCHEMA_DISTINCT_PORTS,
	SCHEMA_PROCESS,
	SCHEMA_PROCESS_EXCEPT,
	SCHEMA_ARGS,
	SCHEMA_MEMORY,
	SCHEMA_MEMORY_EXCEPT,
	SCHEMA_PROCESS_SCORING,
	SCHEMA_LOGGING,
	SCHEMA_TEST,
	SCHEMA_NR_SECTIONS,
};

enum schema_type {
	TYPE_VERSION,
	TYPE_NAME,
	TYPE_TEXT,
	TYPE_WORD,	/* one of `words` */
	TYPE_SECTION,	/* a mapping with the keys of `child` */
	TYPE_SECTIONS,	/* a list of such mappings */
	TYPE_PROTECT,	/* a list of such mappings or the word infrastructure */
	TYPE_SETS,	/* names -> addresses, or a mapping with the keys of `child` */
	TYPE_SERVICES,	/* names -> ports */
	TYPE_ADDRESSES, /* from here on: one value or a list */
	TYPE_PROTOCOLS,
	TYPE_PORTS, /* services or ports */
	TYPE_PORT_RANGES,
	TYPE_ICMP_TYPES,
	TYPE_FLAGS,
	TYPE_INTERFACES,
	TYPE_VLANS,
	TYPE_DURATIONS,
	TYPE_PATTERNS,
	TYPE_PATTERNS_OR_SECTION, /* or a mapping with the keys of `child` */
	TYPE_IDS,
	TYPE_ARGUMENTS,
	TYPE_ARGUMENTS_OR_SECTION, /* the same */
	TYPE_EVENTS,		   /* of `words` */
	TYPE_SCORE,		   /* single values again */
	TYPE_PATH,
	TYPE_DURATION,
	TYPE_ENDPOINT,
	TYPE_INTERFACE,
	TYPE_VLAN,
	TYPE_BOOLEAN,
	TYPE_SIZE,
	TYPE_SET,
	TYPE_RATE,
	TYPE_DECAY,
	TYPE_BURST,
	TYPE_PORT_COUNT,
	TYPE_PREFIX_LENGTH,
	TYPE_SAMPLE,
	TYPE_FILE, /* the path of a program, or memfd */
	TYPE_ID,
	TYPE_BYTES,
	TYPE_PEERS,
	TYPE_LATER, /* not supported yet */
	SCHEMA_NR_TYPES,
};

/* What the words of `logging.events` mean beside enum synfw_event_kind. */
enum {
	EVENTS_OF_PROCESSES = 0x100,
	EVENTS_OF_MEMORY,
};

/* What the words of `tests.expect` mean: of packets enum synfw_verdict; of programs this and enum
 * synfw_process_action. `allow` is for both. */
#define EXPECT_OF_PROGRAM 0x100

struct schema_word {
	const char *word; /* NULL: the end */
	int value;	  /* what the model says for it */
};

struct schema_key {
	enum schema_section section;
	const char *name;
	enum schema_type type;
	bool required;
	const char *doc; /* one sentence */
	const struct schema_word
		*words;		   /* TYPE_WORD, TYPE_BOOLEAN, TYPE_EVENTS: what may stand here */
	enum schema_section child; /* TYPE_SECTION, TYPE_SECTIONS, TYPE_PROTECT, TYPE_SETS */
};

/* All keys, those of one section together and in the order in which people write them. */
extern const struct schema_key schema_keys[];
extern const size_t schema_nr_keys;

/* "a rule", "defaults": how messages call a section. */
const char *schema_section_title(enum schema_section section);

/* Where the section stands in a policy: "rules", "rules.except"; "" for the policy itself. */
const char *schema_section_path(enum schema_section section);

/* How `explain` names a type: "addresses", "ports". */
const char *schema_type_word(enum schema_type type);

/* Whether this version knows what to do with the key; others are refused, never ignored. */
bool schema_supported(const struct schema_key *key);

/* The key of that name in a section, or NULL. */
const struct schema_key *schema_find(enum schema_section section, const char *name);

/* The key that is named by a path: "rules.from", "defaults.icmp", "name"; or NULL. */
const struct schema_key *schema_find_path(const char *path);

/* The nearest key name of the section, for "did you mean", or NULL. */
const char *schema_suggest(enum schema_section section, const char *name);

/* The JSON Schema of the language; the caller frees. NULL without memory. */
char *schema_to_json(void);

#endif
