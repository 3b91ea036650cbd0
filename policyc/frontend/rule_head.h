/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_RULE_HEAD_H
#define POLICYC_RULE_HEAD_H

/* What rules on packets, processes and memory have in common. */
#include "parser.h"

enum rule_kind {
	RULE_PACKET,
	RULE_PROCESS,
	RULE_MEMORY,
	NR_RULE_KINDS,
};

struct rule_head {
	const struct node *name; /* NULL: not written, or none */
	char *description;
	const struct node *action_node, *score_node; /* NULL: not written */
	int action;				     /* what the word means to the section */
	uint32_t score;
	int monitor;
};

/* Entries for a table of key parsers; `field` is the place of the struct rule_head. */
#define RULE_HEAD_PARSERS(field)                                                              \
	{"name", rule_parse_name, field},                                                     \
		{"description", parse_text, field + offsetof(struct rule_head, description)}, \
		{"action", rule_parse_action, field}, {"score", rule_parse_score, field},     \
	{                                                                                     \
		"mode", parse_word, field + offsetof(struct rule_head, monitor)               \
	}

int rule_parse_name(struct parser *parser, const struct schema_key *key, const struct node *value,
		    void *target);
int rule_parse_action(struct parser *parser, const struct schema_key *key, const struct node *value,
		      void *target);
int rule_parse_score(struct parser *parser, const struct schema_key *key, const struct node *value,
		     void *target);

/* Reports a rule that has not exactly one of action and score. `rule` is where it stands. */
void rule_check_outcome(struct parser *parser, const struct rule_head *head,
			const struct node *rule, const char *hint);

/* The name of the rule, or "?". */
const char *rule_name_of(const struct rule_head *head);

/* Where the name stands, or the rule. */
struct location rule_at(const struct parser *parser, const struct rule_head *head,
			const struct node *rule);

/* Takes the name and remembers it: rules of all kinds share one name space, as reports go by it.
 * `index` is the rule's place in the policy, where its `at` is set already. No name: *ret_name is
 * NULL. 0 or -ENOMEM. */
int rule_take_name(struct parser *parser, const struct rule_head *head, enum rule_kind kind,
		   size_t index, char **ret_name);

/* The rule of that kind which a test expects. A copy of its name, or NULL: reported. 0 or -ENOMEM.
 */
int rule_find_expected(struct parser *parser, const struct node *value, enum rule_kind kind,
		       char **ret_name);

#endif
