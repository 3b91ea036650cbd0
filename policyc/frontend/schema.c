/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "schema.h"

#include <string.h>

#include "../model.h"
#include "set_file.h"
#include "suggest.h"

#define REQUIRED true
#define OPTIONAL false

#define KEY(section_, name_, type_, required_, doc_)                               \
	{                                                                          \
		.section = SCHEMA_##section_, .name = name_, .type = TYPE_##type_, \
		.required = required_, .doc = doc_                                 \
	}
#define CHILD_KEY(section_, name_, type_, required_, doc_, child_)                 \
	{                                                                          \
		.section = SCHEMA_##section_, .name = name_, .type = TYPE_##type_, \
		.required = required_, .doc = doc_, .child = SCHEMA_##child_       \
	}
#define WORD_KEY(section_, name_, required_, doc_, words_)                      \
	{                                                                       \
		.section = SCHEMA_##section_, .name = name_, .type = TYPE_WORD, \
		.required = required_, .doc = doc_, .words = words_             \
	}

static const struct schema_word modes[] = {
	{"block", false},
	{"monitor", true},
	{NULL, 0},
};

static const struct schema_word booleans[] = {
	{"true", true},
	{"false", false},
	{NULL, 0},
};

static const struct schema_word attach_modes[] = {
	{"auto", ATTACH_AUTO},
	{"native", ATTACH_NATIVE},
	{"generic", ATTACH_GENERIC},
	{NULL, 0},
};

static const struct schema_word formats[] = {
	{"auto", SET_FORMAT_AUTO},
	{"plain", SET_FORMAT_PLAIN},
	{"netset", SET_FORMAT_PLAIN},
	{"spamhaus-json", SET_FORMAT_SPAMHAUS_JSON},
	{NULL, 0},
};

static const struct schema_word stale_choices[] = {
	{"keep", STALE_KEEP},
	{"empty", STALE_EMPTY},
	{"fail", STALE_FAIL},
	{NULL, 0},
};

static const struct schema_word verdict_choices[] = {
	{"allow", CHOICE_ALLOW},
	{"drop", CHOICE_DROP},
	{NULL, 0},
};
_Static_assert((int)CHOICE_ALLOW == (int)SYNFW_ALLOW && (int)CHOICE_DROP == (int)SYNFW_DROP &&
		       (int)CHOICE_ALLOW == (int)SYNFW_ACTION_ALLOW &&
		       (int)CHOICE_DROP == (int)SYNFW_ACTION_DROP,
	       "one table of words serves defaults, actions and expected verdicts");

static const struct schema_word icmp_choices[] = {
	{"essential", CHOICE_ESSENTIAL},
	{"allow", CHOICE_ALLOW},
	{"rules", CHOICE_RULES},
	{NULL, 0},
};

static const struct schema_word established_choices[] = {
	{"allow", CHOICE_ALLOW},
	{"rules", CHOICE_RULES},
	{NULL, 0},
};

static const struct schema_word states[] = {
	{"new", STATE_NEW},
	{"established", STATE_ESTABLISHED},
	{NULL, 0},
};

static const struct schema_word rate_owners[] = {
	{"source", SYNFW_LIMIT_SOURCE_RATE},
	{"rule", SYNFW_LIMIT_RATE},
	{NULL, 0},
};

static const struct schema_word event_kinds[] = {
	{"drop", SYNFW_EVENT_DROP},
	{"block", SYNFW_EVENT_BLOCK},
	{"flag", SYNFW_EVENT_FLAG},
	{NULL, 0},
};

static const struct schema_word fragment_choices[] = {
	{"drop", CHOICE_DROP},
	{"allow", CHOICE_ALLOW},
	{"rules", CHOICE_RULES},
	{NULL, 0},
};

#define BOOLEAN_KEY(section_, name_, required_, doc_)                              \
	{                                                                          \
		.section = SCHEMA_##section_, .name = name_, .type = TYPE_BOOLEAN, \
		.required = required_, .doc = doc_, .words = booleans              \
	}

#define EVENTS_KEY(section_, name_, required_, doc_, words_)                      \
	{                                                                         \
		.section = SCHEMA_##section_, .name = name_, .type = TYPE_EVENTS, \
		.required = required_, .doc = doc_, .words = words_               \
	}

/* clang-format off: one key a line reads as a table */
const struct schema_key schema_keys[] = {
	KEY(POLICY, "version", VERSION, REQUIRED, "Version of the language: 1."),
	KEY(POLICY, "name", NAME, REQUIRED, "Name of the policy, in every report."),
	KEY(POLICY, "description", TEXT, OPTIONAL, "What the policy is for."),
	WORD_KEY(POLICY, "mode", OPTIONAL,
		 "block enforces; monitor counts what it would drop, and drops nothing.", modes),
	CHILD_KEY(POLICY, "interfaces", SECTIONS, OPTIONAL, "Interfaces that the policy guards.",
		  INTERFACE),
	CHILD_KEY(POLICY, "protect", PROTECT, OPTIONAL,
		  "Checked before everything else: what matches is never dropped.", PROTECT),
	CHILD_KEY(POLICY, "sets", SETS, OPTIONAL,
		  "Named sets of addresses, IPv4 and IPv6 mixed, written here or read from files.",
		  SET),
	KEY(POLICY, "services", SERVICES, OPTIONAL,
	    "Named ports; names not found here come from /etc/services."),
	CHILD_KEY(POLICY, "defaults", SECTION, OPTIONAL,
		  "What happens to packets that no rule decides.", DEFAULTS),
	CHILD_KEY(POLICY, "rules", SECTIONS, OPTIONAL,
		  "In order: the first action that matches decides, scores add up on the way.",
		  RULE),
	CHILD_KEY(POLICY, "tests", SECTIONS, OPTIONAL,
		  "Packets and their expected verdicts, judged before a policy is applied.", TEST),
	CHILD_KEY(POLICY, "scoring", SECTION, OPTIONAL,
		  "What the points of a source lead to, and how fast they are forgotten.", SCORING),
	KEY(POLICY, "processes", LATER, OPTIONAL, "Rules on programs."),
	KEY(POLICY, "memory", LATER, OPTIONAL, "Rules on memory behaviour."),
	KEY(POLICY, "process-scoring", LATER, OPTIONAL, "Thresholds of process scores."),
	CHILD_KEY(POLICY, "logging", SECTION, OPTIONAL,
		  "Which events are reported, and how many of them.", LOGGING),

	KEY(INTERFACE, "name", INTERFACE, REQUIRED, "Exact name or glob, as eth0 or wan*."),
	WORD_KEY(INTERFACE, "attach", OPTIONAL, "auto takes native, else generic, and says which.",
		 attach_modes),

	KEY(PROTECT, "from", ADDRESSES, REQUIRED, "Sources that are always let through."),
	KEY(PROTECT, "to", PORTS, OPTIONAL,
	    "Only to these services; left out: everything from there."),

	KEY(SET, "file", PATH, OPTIONAL, "Set file, relative to the policy."),
	WORD_KEY(SET, "format", OPTIONAL, "Format of the file; auto looks at its first entry.",
		 formats),
	KEY(SET, "max-age", DURATION, OPTIONAL, "A file older than this is stale."),
	WORD_KEY(SET, "if-stale", OPTIONAL,
		 "What a stale file means: keep it and warn, take it as empty, or fail.",
		 stale_choices),
	KEY(SET, "except", ADDRESSES, OPTIONAL,
	    "Sets or prefixes that are subtracted when the policy is compiled."),
	BOOLEAN_KEY(SET, "dynamic", OPTIONAL,
		    "Filled while the policy is in force, with `synfw set`; instead of a file."),
	KEY(SET, "size", SIZE, OPTIONAL, "Members that a dynamic set has room for; 65536."),
	KEY(SET, "timeout", DURATION, OPTIONAL,
	    "How long an address stays in a dynamic set; left out: until it is taken out."),

	WORD_KEY(DEFAULTS, "incoming", OPTIONAL, "What happens to a packet that no rule decided.",
		 verdict_choices),
	WORD_KEY(DEFAULTS, "established", OPTIONAL,
		 "What belongs to a connection that this host opened: allow lets it pass before "
		 "the rules.",
		 established_choices),
	WORD_KEY(DEFAULTS, "icmp", OPTIONAL,
		 "essential lets errors, path MTU, neighbour and multicast listener discovery pass "
		 "before the rules and echo after them.",
		 icmp_choices),
	WORD_KEY(DEFAULTS, "fragments", OPTIONAL,
		 "Fragments after the first, which carry no ports.", fragment_choices),
	WORD_KEY(DEFAULTS, "malformed", OPTIONAL,
		 "Truncated packets, bad lengths, impossible flags and what cannot be walked.",
		 verdict_choices),
	WORD_KEY(DEFAULTS, "ethertypes", OPTIONAL,
		 "Frames that are neither IPv4 nor IPv6; ARP always passes.", verdict_choices),

	KEY(SCORING, "flag-at", SCORE, OPTIONAL,
	    "Points from which on a source is reported, once each time."),
	KEY(SCORING, "drop-at", SCORE, OPTIONAL, "Points from which on a source is blocked."),
	KEY(SCORING, "decay", DECAY, REQUIRED, "Points that are forgotten: 10/min."),
	KEY(SCORING, "block-for", DURATIONS, OPTIONAL,
	    "How long drop-at blocks: the 1st, 2nd, 3rd and later time."),
	KEY(SCORING, "ipv6-prefix", PREFIX_LENGTH, OPTIONAL,
	    "How much of an IPv6 address is a source, for scores, rates and blocks; 64."),

	KEY(RULE, "name", NAME, REQUIRED,
	    "Log key, metric label, error anchor and identity of the counter."),
	KEY(RULE, "description", TEXT, OPTIONAL, "Why the rule is there."),
	KEY(RULE, "from", ADDRESSES, OPTIONAL, "Sources: sets, prefixes or any."),
	KEY(RULE, "to-address", ADDRESSES, OPTIONAL, "Destinations: sets, prefixes or any."),
	KEY(RULE, "proto", PROTOCOLS, OPTIONAL, "IP protocols: a name or a number."),
	KEY(RULE, "to", PORTS, OPTIONAL, "Destination services: names, 80/tcp, 1000-2000/udp."),
	KEY(RULE, "from-port", PORT_RANGES, OPTIONAL, "Source ports or ranges."),
	KEY(RULE, "icmp", ICMP_TYPES, OPTIONAL,
	    "ICMP types, by names that hold for IPv4 and IPv6, or by number."),
	KEY(RULE, "flags", FLAGS, OPTIONAL,
	    "TCP flags: exactly these, or with \"not x\" in the list those set and those clear."),
	KEY(RULE, "interface", INTERFACES, OPTIONAL, "Interfaces it came in on: names or globs."),
	KEY(RULE, "vlan", VLANS, OPTIONAL, "VLAN ids of the outermost tag whose id is not 0."),
	CHILD_KEY(RULE, "except", SECTION, OPTIONAL, "Does not match what matches here.", EXCEPT),
	WORD_KEY(RULE, "action", OPTIONAL, "Ends the walk with this verdict.", verdict_choices),
	KEY(RULE, "score", SCORE, OPTIONAL, "Points that are added; the walk goes on."),
	WORD_KEY(RULE, "mode", OPTIONAL, "monitor: count what the rule would do, and go on.",
		 modes),
	WORD_KEY(RULE, "state", OPTIONAL,
		 "established: part of a connection that this host opened; new: anything else.",
		 states),
	CHILD_KEY(RULE, "rate", SECTION, OPTIONAL, "Matches only what exceeds a rate.", RATE),
	CHILD_KEY(RULE, "distinct-ports", SECTION, OPTIONAL,
		  "Matches only sources that try many destination ports.", DISTINCT_PORTS),
	KEY(RULE, "block", DURATION, OPTIONAL, "Also blocks the source for that long."),
	KEY(RULE, "add-to", SET, OPTIONAL, "Also puts the source into a dynamic set."),
	BOOLEAN_KEY(RULE, "log", OPTIONAL, "Reports matches as events."),

	KEY(EXCEPT, "from", ADDRESSES, OPTIONAL, "Sources."),
	KEY(EXCEPT, "to-address", ADDRESSES, OPTIONAL, "Destinations."),
	KEY(EXCEPT, "proto", PROTOCOLS, OPTIONAL, "IP protocols."),
	KEY(EXCEPT, "to", PORTS, OPTIONAL, "Destination services."),
	KEY(EXCEPT, "from-port", PORT_RANGES, OPTIONAL, "Source ports or ranges."),
	KEY(EXCEPT, "icmp", ICMP_TYPES, OPTIONAL, "ICMP types."),
	KEY(EXCEPT, "flags", FLAGS, OPTIONAL, "TCP flags."),
	KEY(EXCEPT, "interface", INTERFACES, OPTIONAL, "Interfaces."),
	KEY(EXCEPT, "vlan", VLANS, OPTIONAL, "VLAN ids of the outermost tag whose id is not 0."),

	KEY(RATE, "over", RATE, REQUIRED, "More than so many packets: 200/s, 30/min, 5/h."),
	KEY(RATE, "burst", BURST, OPTIONAL,
	    "Packets that may come at once; left out: as many as the number of over."),
	WORD_KEY(RATE, "per", OPTIONAL,
		 "source (the default) counts each source for itself, rule all together.",
		 rate_owners),

	KEY(DISTINCT_PORTS, "over", PORT_COUNT, REQUIRED, "More than so many ports, 1 to 60."),
	KEY(DISTINCT_PORTS, "within", DURATION, REQUIRED, "In that time."),

	EVENTS_KEY(LOGGING, "events", OPTIONAL,
		   "Kinds of events that are reported; left out: block, flag.", event_kinds),
	KEY(LOGGING, "sample", SAMPLE, OPTIONAL,
	    "One of so many drops is reported, the first of each source and rule always; 1/100."),
	KEY(LOGGING, "limit", RATE, OPTIONAL, "Events of all kinds together, at most; 50/s."),
	KEY(LOGGING, "outputs", LATER, OPTIONAL, "Where events are written."),

	KEY(TEST, "from", ENDPOINT, REQUIRED,
	    "Source of the packet: 192.0.2.1, 192.0.2.1:1024, \"[2001:db8::1]:1024\"."),
	KEY(TEST, "to", ENDPOINT, REQUIRED,
	    "Destination: 22/tcp, 192.0.2.1:22/tcp, echo-request/icmp, gre."),
	KEY(TEST, "flags", FLAGS, OPTIONAL, "TCP flags of the packet; left out: syn."),
	KEY(TEST, "interface", INTERFACE, OPTIONAL,
	    "Interface it comes in on; left out: the first of the policy."),
	KEY(TEST, "vlan", VLAN, OPTIONAL, "VLAN id of its tag; left out: untagged."),
	WORD_KEY(TEST, "expect", REQUIRED, "The verdict that is right.", verdict_choices),
	KEY(TEST, "rule", NAME, OPTIONAL, "The rule that has to decide; left out: any."),
};
/* clang-format on */

const size_t schema_nr_keys = sizeof(schema_keys) / sizeof(schema_keys[0]);

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
