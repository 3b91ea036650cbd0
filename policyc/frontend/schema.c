/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "schema.h"

#include "../model.h"
#include "set_file.h"

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
	{"process", EVENTS_OF_PROCESSES},
	{"memory", EVENTS_OF_MEMORY},
	{NULL, 0},
};

static const struct schema_word fragment_choices[] = {
	{"drop", CHOICE_DROP},
	{"allow", CHOICE_ALLOW},
	{"rules", CHOICE_RULES},
	{NULL, 0},
};

static const struct schema_word process_actions[] = {
	{"flag", SYNFW_PROCESS_FLAG}, {"isolate", SYNFW_PROCESS_ISOLATE},
	{"kill", SYNFW_PROCESS_KILL}, {"deny", SYNFW_PROCESS_DENY},
	{NULL, 0},
};

/* Memory is there by the time it is judged: nothing can be denied. */
static const struct schema_word memory_actions[] = {
	{"flag", SYNFW_PROCESS_FLAG},
	{"isolate", SYNFW_PROCESS_ISOLATE},
	{"kill", SYNFW_PROCESS_KILL},
	{NULL, 0},
};

static const struct schema_word fallbacks[] = {
	{"kill", SYNFW_PROCESS_KILL},
	{"flag", SYNFW_PROCESS_FLAG},
	{"partial", SYNFW_PROCESS_ISOLATE}, /* isolate all the same, without what is lacking */
	{NULL, 0},
};

static const struct schema_word flag_only[] = {
	{"flag", true},
	{NULL, 0},
};

static const struct schema_word memory_events[] = {
	{"wx-mapping", SYNFW_ON_WX_MAPPING},
	{"allocation", SYNFW_ON_ALLOCATION},
	{"growth", SYNFW_ON_GROWTH},
	{NULL, 0},
};

static const struct schema_word expectations[] = {
	{"allow", SYNFW_ALLOW},
	{"drop", SYNFW_DROP},
	{"flag", EXPECT_OF_PROGRAM + SYNFW_PROCESS_FLAG},
	{"isolate", EXPECT_OF_PROGRAM + SYNFW_PROCESS_ISOLATE},
	{"kill", EXPECT_OF_PROGRAM + SYNFW_PROCESS_KILL},
	{"deny", EXPECT_OF_PROGRAM + SYNFW_PROCESS_DENY},
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
		  "Checked before everything else: what matches is never dropped, nor acted on.",
		  PROTECT),
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
	CHILD_KEY(POLICY, "processes", SECTIONS, OPTIONAL,
		  "Rules on programs that are executed, in order, as those on packets.", PROCESS),
	CHILD_KEY(POLICY, "memory", SECTIONS, OPTIONAL,
		  "Rules on what processes do with memory, in order.", MEMORY),
	CHILD_KEY(POLICY, "process-scoring", SECTION, OPTIONAL,
		  "What the points of a process lead to, and how fast they are forgotten.",
		  PROCESS_SCORING),
	CHILD_KEY(POLICY, "logging", SECTION, OPTIONAL,
		  "Which events are reported, and how many of them.", LOGGING),

	KEY(INTERFACE, "name", INTERFACE, REQUIRED, "Exact name or glob, as eth0 or wan*."),
	WORD_KEY(INTERFACE, "attach", OPTIONAL, "auto takes native, else generic, and says which.",
		 attach_modes),

	KEY(PROTECT, "from", ADDRESSES, OPTIONAL, "Sources that are always let through."),
	KEY(PROTECT, "to", PORTS, OPTIONAL,
	    "Only to these services; left out: everything from there."),
	KEY(PROTECT, "exec", PATTERNS, OPTIONAL,
	    "Instead of addresses: programs that no rule on processes or memory may touch."),

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

	KEY(PROCESS, "name", NAME, REQUIRED,
	    "Log key, metric label, error anchor and identity of the counter."),
	KEY(PROCESS, "description", TEXT, OPTIONAL, "Why the rule is there."),
	KEY(PROCESS, "exec", PATTERNS, OPTIONAL,
	    "The file that runs: /usr/bin/nc, /tmp/**, **/nc or memfd."),
	KEY(PROCESS, "parent", PATTERNS, OPTIONAL, "The file that the parent runs."),
	KEY(PROCESS, "ancestor", PATTERNS, OPTIONAL,
	    "The file that the parent, its parent or one further up runs."),
	KEY(PROCESS, "user", IDS, OPTIONAL, "Effective users, or with \"not\" all others."),
	KEY(PROCESS, "group", IDS, OPTIONAL,
	    "Groups that it has, effective or supplementary, or with \"not\" those that it has not."),
	CHILD_KEY(PROCESS, "args", ARGUMENTS_OR_SECTION, OPTIONAL,
		  "Arguments, any of which it is called with.", ARGS),
	CHILD_KEY(PROCESS, "except", SECTION, OPTIONAL, "Does not match what matches here.",
		  PROCESS_EXCEPT),
	WORD_KEY(PROCESS, "action", OPTIONAL,
		 "Ends the walk: report it, cut it off the network, kill it, or let exec fail.",
		 process_actions),
	WORD_KEY(PROCESS, "fallback", OPTIONAL,
		 "What deny, or isolate, becomes where the kernel cannot, or not in full; left out: the "
		 "policy is refused there.",
		 fallbacks),
	KEY(PROCESS, "score", SCORE, OPTIONAL, "Points that are added; the walk goes on."),
	WORD_KEY(PROCESS, "mode", OPTIONAL, "monitor: count what the rule would do, and go on.",
		 modes),
	KEY(PROCESS, "peers", PEERS, OPTIONAL,
	    "What happens to those it is connected with: block 10m, score 20."),

	KEY(PROCESS_EXCEPT, "exec", PATTERNS, OPTIONAL, "Files that run."),
	KEY(PROCESS_EXCEPT, "parent", PATTERNS, OPTIONAL, "Files that the parent runs."),
	KEY(PROCESS_EXCEPT, "ancestor", PATTERNS, OPTIONAL, "Files that an ancestor runs."),
	KEY(PROCESS_EXCEPT, "user", IDS, OPTIONAL, "Effective users."),
	KEY(PROCESS_EXCEPT, "group", IDS, OPTIONAL, "Groups that it has."),
	CHILD_KEY(PROCESS_EXCEPT, "args", ARGUMENTS_OR_SECTION, OPTIONAL, "Arguments.", ARGS),

	KEY(ARGS, "any", ARGUMENTS, OPTIONAL, "At least one of these is an argument."),
	KEY(ARGS, "all", ARGUMENTS, OPTIONAL, "Each of these is an argument."),

	KEY(MEMORY, "name", NAME, REQUIRED,
	    "Log key, metric label, error anchor and identity of the counter."),
	KEY(MEMORY, "description", TEXT, OPTIONAL, "Why the rule is there."),
	WORD_KEY(MEMORY, "event", REQUIRED,
		 "A writable and executable mapping, one large request, or growth in a time.",
		 memory_events),
	KEY(MEMORY, "over", BYTES, OPTIONAL, "allocation, growth: more than so much, as 2GiB."),
	KEY(MEMORY, "within", DURATION, OPTIONAL, "growth: in that time."),
	KEY(MEMORY, "exec", PATTERNS, OPTIONAL, "Only of processes that run such a file."),
	KEY(MEMORY, "user", IDS, OPTIONAL, "Only of these effective users."),
	KEY(MEMORY, "group", IDS, OPTIONAL, "Only of these groups."),
	CHILD_KEY(MEMORY, "except", PATTERNS_OR_SECTION, OPTIONAL,
		  "Does not match what matches here: files that run, or a mapping.",
		  MEMORY_EXCEPT),
	WORD_KEY(MEMORY, "action", OPTIONAL,
		 "Ends the walk: report the process, cut it off the network, or kill it.",
		 memory_actions),
	WORD_KEY(MEMORY, "fallback", OPTIONAL,
		 "What isolate becomes where the kernel cannot do it in full; left out: the policy is "
		 "refused there.", fallbacks),
	KEY(MEMORY, "score", SCORE, OPTIONAL, "Points that are added; the walk goes on."),
	WORD_KEY(MEMORY, "mode", OPTIONAL, "monitor: count what the rule would do, and go on.",
		 modes),
	KEY(MEMORY, "peers", PEERS, OPTIONAL,
	    "What happens to those it is connected with: block 10m, score 20."),

	KEY(MEMORY_EXCEPT, "exec", PATTERNS, OPTIONAL, "Files that run."),
	KEY(MEMORY_EXCEPT, "parent", PATTERNS, OPTIONAL, "Files that the parent runs."),
	KEY(MEMORY_EXCEPT, "ancestor", PATTERNS, OPTIONAL, "Files that an ancestor runs."),
	KEY(MEMORY_EXCEPT, "user", IDS, OPTIONAL, "Effective users."),
	KEY(MEMORY_EXCEPT, "group", IDS, OPTIONAL, "Groups that it has."),

	KEY(PROCESS_SCORING, "flag-at", SCORE, OPTIONAL,
	    "Points from which on a process is reported, once each time."),
	KEY(PROCESS_SCORING, "act-at", SCORE, OPTIONAL,
	    "Points from which on something is done about it."),
	WORD_KEY(PROCESS_SCORING, "action", OPTIONAL, "What is done at act-at.", memory_actions),
	WORD_KEY(PROCESS_SCORING, "fallback", OPTIONAL,
		 "What isolate becomes where the kernel cannot do it in full; left out: the policy is "
		 "refused there.", fallbacks),
	KEY(PROCESS_SCORING, "decay", DECAY, OPTIONAL, "Points that are forgotten: 5/min."),
	WORD_KEY(PROCESS_SCORING, "on-peer-block", OPTIONAL,
		 "flag: a process that talks with a source which gets blocked is flagged.",
		 flag_only),

	EVENTS_KEY(LOGGING, "events", OPTIONAL,
		   "Kinds of events that are reported; left out: all but drop.", event_kinds),
	KEY(LOGGING, "sample", SAMPLE, OPTIONAL,
	    "One of so many drops is reported, besides the first of each source and rule; 1/100."),
	KEY(LOGGING, "limit", RATE, OPTIONAL, "Events of each of four groups, at most; 50/s."),
	KEY(LOGGING, "outputs", LATER, OPTIONAL, "Where events are written."),

	KEY(TEST, "from", ENDPOINT, OPTIONAL,
	    "Source of a packet: 192.0.2.1, 192.0.2.1:1024, \"[2001:db8::1]:1024\"."),
	KEY(TEST, "to", ENDPOINT, OPTIONAL,
	    "Destination: 22/tcp, 192.0.2.1:22/tcp, echo-request/icmp, gre."),
	KEY(TEST, "flags", FLAGS, OPTIONAL, "TCP flags of the packet; left out: syn."),
	KEY(TEST, "interface", INTERFACE, OPTIONAL,
	    "Interface it comes in on; left out: the first of the policy."),
	KEY(TEST, "vlan", VLAN, OPTIONAL, "VLAN id of its tag; left out: untagged."),
	KEY(TEST, "exec", FILE, OPTIONAL,
	    "Instead of a packet: the program that is executed, as /usr/bin/nc, or memfd."),
	KEY(TEST, "user", ID, OPTIONAL, "Its effective user; left out: root."),
	KEY(TEST, "group", ID, OPTIONAL,
	    "Its only group; left out: the primary one of the user, or else group 0."),
	KEY(TEST, "parent", FILE, OPTIONAL, "Program that executes it; left out: an unknown one."),
	KEY(TEST, "ancestor", FILE, OPTIONAL, "Program further up; left out: an unknown one."),
	KEY(TEST, "args", ARGUMENTS, OPTIONAL, "Its arguments, without its name; left out: none."),
	WORD_KEY(TEST, "expect", REQUIRED,
		 "What is right: of packets the verdict, of programs what is done.", expectations),
	KEY(TEST, "rule", NAME, OPTIONAL, "The rule that has to decide; left out: any."),
};
/* clang-format on */

const size_t schema_nr_keys = sizeof(schema_keys) / sizeof(schema_keys[0]);
