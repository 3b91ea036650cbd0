/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_MODEL_H
#define POLICYC_MODEL_H

/*
 * A policy after parsing and resolution: every name is looked up, every set file read, every value
 * typed. This is what the class builders compile and what the reference model in tests/ interprets.
 * Strings and arrays belong to the policy; policy_free() frees everything.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <synfw/abi.h>
#include <synfw/state.h>

#include "diag.h"
#include "prefix.h"
#include "process_model.h"

enum attach_mode {
	ATTACH_AUTO,
	ATTACH_NATIVE,
	ATTACH_GENERIC,
};

struct policy_interface {
	char *pattern; /* exact name or fnmatch(3) glob */
	enum attach_mode attach;
	struct location at;
};

enum set_if_stale {
	STALE_KEEP,
	STALE_EMPTY,
	STALE_FAIL,
};

/* A set of addresses. Named sets come first, in the order of the policy; after them anonymous
 * ones (name NULL): one for each distinct literal prefix that a rule mentions, one for each
 * distinct list with more than 16 of them, which together are one set, and one for `any`. */
struct policy_set {
	char *name;		     /* NULL: anonymous */
	struct prefix_list prefixes; /* normalised, `except` subtracted */
	char *file;		     /* as written, or NULL */
	uint64_t max_age_ns;	     /* 0: none */
	uint64_t file_mtime_ns;	     /* CLOCK_REALTIME, 0: no file */
	enum set_if_stale if_stale;
	bool dynamic;	     /* filled while the policy is in force; `prefixes` is empty */
	uint32_t number;     /* dynamic: its place among the dynamic sets of the policy */
	uint32_t size;	     /* dynamic: members that it has room for */
	uint64_t timeout_ns; /* dynamic: lifetime of a member that does not say its own; 0: forever
			      */
	struct location at;
	/* private to the resolver (sets.c); unused once policyc_parse has returned */
	const void *resolver_data;
};

/* Indices into policy.sets. */
struct set_refs {
	uint32_t *index;
	size_t count;
};

/* proto 0: any protocol that has ports (TCP, UDP, SCTP). */
struct port_range {
	uint8_t proto;
	uint16_t first, last;
};

struct icmp_type {
	uint8_t proto; /* 1 (ICMP) or 58 (ICMPv6) */
	uint8_t type;
};

/* Match when (flags & mask) == value. */
struct flags_match {
	uint8_t mask;
	uint8_t value;
};

enum match_key {
	MATCH_FROM = 1 << 0,
	MATCH_TO_ADDRESS = 1 << 1,
	MATCH_PROTO = 1 << 2,
	MATCH_TO = 1 << 3,
	MATCH_FROM_PORT = 1 << 4,
	MATCH_ICMP = 1 << 5,
	MATCH_FLAGS = 1 << 6,
	MATCH_INTERFACE = 1 << 7,
	MATCH_VLAN = 1 << 8,
	MATCH_STATE = 1 << 9, /* rules only */
};

/* Connections are those that this host opened; NEW is every packet that belongs to none of them. */
enum connection_state {
	STATE_NEW,
	STATE_ESTABLISHED,
};

/*
 * What a rule, an `except` or an entry of `protect` matches. A packet matches when every key in
 * `keys` matches; the values of one key are alternatives. keys == 0 matches every IP packet.
 * TO and FROM_PORT match only packets with ports, ICMP only ICMP and ICMPv6 packets with a type,
 * FLAGS only TCP packets with a header.
 */
struct match {
	uint32_t keys; /* MATCH_* */
	struct set_refs from, to_address;
	uint8_t *protos; /* IP protocol numbers */
	size_t nr_protos;
	struct port_range *to;
	size_t nr_to;
	struct port_range *from_ports;
	size_t nr_from_ports;
	struct icmp_type *icmp;
	size_t nr_icmp;
	struct flags_match flags;
	char **interfaces; /* exact names or globs */
	size_t nr_interfaces;
	uint16_t *vlans; /* ids of the outermost tag whose id is not 0 */
	size_t nr_vlans;
	enum connection_state state;
};

/* `count` in `per_ns`: one second, minute or hour. count 0: not written. */
struct rate {
	uint32_t count;
	uint64_t per_ns;
};

/* What `rate` and `distinct-ports` of a rule ask: it matches only what exceeds the limit. */
struct rule_limit {
	enum synfw_limit_kind kind;
	struct rate rate;   /* RATE, SOURCE_RATE: 1/h to 10,000,000/s */
	uint32_t burst;	    /* RATE, SOURCE_RATE: packets that may come at once, at least 1 */
	uint32_t over;	    /* PORTS */
	uint64_t within_ns; /* PORTS */
};

struct scoring {
	bool written; /* there is a section; all else is 0 but for ipv6_prefixlen */
	struct location at;
	uint32_t flag_at, drop_at; /* points; 0: never */
	struct rate decay;	   /* 1/h to 1,000,000/s */
	uint64_t block_for_ns[3];  /* of the first, second, later offences; set when drop_at is */
	uint32_t ipv6_prefixlen;   /* 1 to 128, always set */
};

/* The section `process-scoring`. */
struct process_scoring {
	bool written; /* there is a section; all else is 0 without one */
	struct location at;
	uint32_t flag_at, act_at;	    /* points, 1 to SYNFW_MAX_SCORE; 0: never */
	enum synfw_process_action action;   /* at act_at: FLAG, ISOLATE or KILL */
	enum synfw_process_action fallback; /* as of struct process_outcome */
	bool has_fallback;
	struct rate decay;	 /* as scoring.decay; count 0: there are no thresholds */
	bool flag_on_peer_block; /* a process that talks with a blocked source is flagged */
};

/* What is left out stands for its default. */
struct logging {
	uint32_t events; /* bit k: enum synfw_event_kind; RULE is always among them */
	bool process_events, memory_events; /* matches of rules on processes, on memory */
	uint32_t sample;		    /* one of so many drops */
	struct rate limit;
};

struct policy_rule {
	char *name;
	char *description;  /* or NULL */
	struct location at; /* of the name's value */
	struct match match;
	bool has_except;
	struct match except; /* does not match what matches here */
	enum synfw_rule_action action;
	uint32_t score; /* SYNFW_ACTION_SCORE: 1 to 1,000,000 */
	bool monitor;
	struct rule_limit limit;
	uint64_t block_ns; /* 0: does not block */
	bool adds;
	uint32_t add_to; /* index in policy.sets of a dynamic set, when it adds */
	bool log;
};

struct protect_entry {
	struct location at;
	bool infrastructure; /* the word; `match` is then empty */
	struct match match;  /* FROM, and TO when written */
};

/* Programs that no rule on processes or memory touches. */
struct program_protect {
	struct location at;
	struct process_match programs; /* EXEC alone; its patterns are EXACT or UNDER */
};

enum default_choice {
	CHOICE_ALLOW,
	CHOICE_DROP,
	CHOICE_RULES,	  /* fragments, icmp, established */
	CHOICE_ESSENTIAL, /* icmp */
};

/* What a test or a trace asks about. */
struct packet_spec {
	uint8_t family; /* 4 or 6 */
	uint8_t saddr[16],
		daddr[16]; /* network order, IPv4 in the first 4 bytes; daddr zero: not given */
	bool has_daddr;
	uint8_t proto;
	uint16_t sport, dport; /* host order; sport 0: not given */
	uint8_t icmp_type;
	bool has_icmp_type;
	uint8_t flags;
	bool has_flags;	 /* not given: SYN */
	char *interface; /* or NULL: the first of the policy */
	uint16_t vlan;	 /* SYNFW_VLAN_NONE: untagged */
};

struct policy_test {
	struct location at;
	struct packet_spec packet;
	enum synfw_verdict expect;
	char *rule; /* or NULL: any */
};

struct policy {
	char *file; /* as given */
	char *name;
	char *description; /* or NULL */
	bool monitor;
	struct policy_interface *interfaces;
	size_t nr_interfaces;
	struct protect_entry *protects;
	size_t nr_protects;
	struct program_protect *program_protects;
	size_t nr_program_protects;
	struct policy_set *sets;
	size_t nr_sets, nr_named_sets;
	enum default_choice incoming, established, icmp, fragments, malformed, ethertypes;
	struct location incoming_at, established_at, icmp_at, fragments_at, malformed_at,
		ethertypes_at;
	struct scoring scoring;
	struct logging logging;
	struct policy_rule *rules;
	size_t nr_rules;
	struct process_rule *process_rules; /* with memory_rules at most SYNFW_MAX_PROCESS_RULES */
	size_t nr_process_rules;
	struct memory_rule *memory_rules; /* at most SYNFW_MAX_MEMORY_RULES */
	size_t nr_memory_rules;
	struct process_scoring process_scoring;
	struct policy_test *tests; /* of packets */
	size_t nr_tests;
	struct process_test *process_tests;
	size_t nr_process_tests;
};

/* Nanoseconds from one to the next, rounded to the nearest. The rate has been written. */
uint64_t rate_interval_ns(const struct rate *rate);

/* The virtual schedule of struct synfw_rule_rate: how much earlier than it a packet may come. */
uint64_t rate_tolerance_ns(const struct rate *rate, uint32_t burst);

void policy_free(struct policy *policy);
void policy_freep(struct policy **policy);

#endif
