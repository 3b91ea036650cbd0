/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_PARSER_H
#define POLICYC_PARSER_H

/*
 * What the parts of the front end share. A parse function returns 0 or -ENOMEM; a user's mistake
 * is a diagnostic and parsing goes on, so whoever needs to know whether a part was right compares
 * diags_errors() before and after.
 */
#include "../policyc.h"
#include "accounts.h"
#include "name_table.h"
#include "schema.h"
#include "services.h"
#include "yaml_tree.h"

struct parser {
	struct tree tree;
	const struct policyc_loader *loader;
	struct diags *diags;
	struct policy *policy;
	struct name_table set_names;
	struct name_table literals; /* prefixes -> anonymous set */
	uint32_t any_set;	    /* NAME_NOT_FOUND until `any` is used */
	uint32_t nr_dynamic_sets;
	uint64_t dynamic_size; /* members that they have room for, all together */
	bool sets_too_large;   /* reported; the rest was not read */
	struct name_table rule_names;
	struct service_table services;
	bool process_rules_full;	    /* reported; the rest was not read */
	struct account_table users, groups; /* of the host */
};

/* ---- values.c: nodes to typed values -------------------------------------------------------- */

/* Parses the value of a key into `target`. */
typedef int (*parse_value_fn)(struct parser *parser, const struct schema_key *key,
			      const struct node *value, void *target);

struct key_parser {
	const char *name; /* as in the schema; NULL: the end */
	parse_value_fn parse;
	size_t offset; /* of the target inside what parse_mapping was given */
};

/* Reports unknown, unsupported and missing keys, and calls the parser of each other one. */
int parse_mapping(struct parser *parser, enum schema_section section, const struct node *mapping,
		  const struct key_parser *parsers, void *target);

/* Calls `parse` for each item of a list, or for the one scalar that stands for it. An empty list is
 * an error. */
int parse_list(struct parser *parser, const struct schema_key *key, const struct node *list,
	       parse_value_fn parse, void *target);

/* The same for lists of mappings, which may be empty. */
int parse_sections(struct parser *parser, const struct schema_key *key, const struct node *list,
		   parse_value_fn parse, void *target);

/* The text of a scalar, or NULL when it is none, which is then reported. */
const char *parse_scalar(struct parser *parser, const struct node *node, const char *expected);

/* Checks a name of a rule, set, policy or service; false: reported. */
bool check_name(struct parser *parser, const struct node *node, const char *expected);

int parse_name(struct parser *parser, const struct schema_key *key, const struct node *value,
	       void *target); /* char ** */
int parse_text(struct parser *parser, const struct schema_key *key, const struct node *value,
	       void *target); /* char ** */
int parse_word(struct parser *parser, const struct schema_key *key, const struct node *value,
	       void *target); /* int *, or an enum */
int parse_duration(struct parser *parser, const struct schema_key *key, const struct node *value,
		   void *target); /* uint64_t *, nanoseconds */

/* A decimal number; leading zeros mean nothing. */
bool parse_number(const char *text, size_t length, uint32_t max, uint32_t *ret);

/* 1 to 4094: 0 is a priority and no VLAN, and 4095 is reserved. */
bool parse_vlan_number(const char *text, uint16_t *ret_id);

/* The same of a policy's value. false: reported. */
bool parse_vlan_id(struct parser *parser, const struct node *value, uint16_t *ret_id);

/* Reports why a prefix was refused. `text` need not have a NUL. */
void report_prefix(struct diags *diags, struct location at, const char *text, size_t length,
		   enum prefix_error error, const struct any_prefix *masked);

static inline struct location location_of(const struct parser *parser, const struct node *node)
{
	return node_at(&parser->tree, node);
}

/* ---- the sections --------------------------------------------------------------------------- */

int parse_interfaces(struct parser *parser, const struct schema_key *key, const struct node *value,
		     void *target);
int parse_protect(struct parser *parser, const struct schema_key *key, const struct node *value,
		  void *target);
int parse_sets(struct parser *parser, const struct schema_key *key, const struct node *value,
	       void *target);
int parse_services(struct parser *parser, const struct schema_key *key, const struct node *value,
		   void *target);
int parse_defaults(struct parser *parser, const struct schema_key *key, const struct node *value,
		   void *target);
int parse_scoring(struct parser *parser, const struct schema_key *key, const struct node *value,
		  void *target);
int parse_logging(struct parser *parser, const struct schema_key *key, const struct node *value,
		  void *target);
int parse_rules(struct parser *parser, const struct schema_key *key, const struct node *value,
		void *target);
int parse_processes(struct parser *parser, const struct schema_key *key, const struct node *value,
		    void *target);
int parse_memory(struct parser *parser, const struct schema_key *key, const struct node *value,
		 void *target);
int parse_process_scoring(struct parser *parser, const struct schema_key *key,
			  const struct node *value, void *target);
int parse_tests(struct parser *parser, const struct schema_key *key, const struct node *value,
		void *target);

/* A list of set names, prefixes and `any` -> struct set_refs. */
int parse_addresses(struct parser *parser, const struct schema_key *key, const struct node *value,
		    void *target);

/* Whether a rule's interface name or glob can match one of the policy's interfaces. */
bool interface_is_guarded(const struct policy *policy, const char *pattern);

/* Checks an interface name or glob; false: reported. */
bool check_interface(struct parser *parser, const struct node *node);

#endif
