/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_PROCESS_OUTCOME_H
#define POLICYC_PROCESS_OUTCOME_H

/* What the two kinds of rules on processes have in common beside what they match. */
#include "process_match.h"
#include "rule_head.h"

struct process_draft {
	struct rule_head head; /* action: enum synfw_process_action */
	struct process_match match, except;
	const struct node *except_node;
	struct peers_effect peers;
	int fallback; /* enum synfw_process_action */
	const struct node *fallback_node;
};

/* Entries for a table of key parsers whose target is a struct process_draft. */
#define PROCESS_DRAFT_PARSERS                                                  \
	RULE_HEAD_PARSERS(offsetof(struct process_draft, head)),               \
		{"peers", parse_peers, offsetof(struct process_draft, peers)}, \
	{                                                                      \
		"fallback", process_parse_fallback, 0                          \
	}

int parse_peers(struct parser *parser, const struct schema_key *key, const struct node *value,
		void *target); /* struct peers_effect * */

int process_parse_fallback(struct parser *parser, const struct schema_key *key,
			   const struct node *value, void *target); /* struct process_draft * */

/* Reports what the outcome lacks, with that hint, and a `fallback` that nothing falls back to. */
void process_check_outcome(struct parser *parser, const struct process_draft *draft,
			   const struct node *node, const char *hint);

/* The mapping of an `except`, of the section's keys. */
int process_parse_except(struct parser *parser, enum schema_section section,
			 const struct schema_key *key, const struct node *value,
			 struct process_draft *draft);

/* Reports an `except` that leaves nothing. Only for a draft without errors. */
void process_check_except(struct parser *parser, const struct process_draft *draft);

/* What the draft says happens. */
struct process_outcome process_outcome_of(const struct process_draft *draft);

void process_draft_done(struct process_draft *draft);

/* Whether there is room for one rule more; otherwise that is reported once. */
bool process_rules_have_room(struct parser *parser, const struct node *value);

/* Warnings once all rules are known: those that can never match, points that lead to nothing. */
void process_rules_check(struct parser *parser);

/* Whether some rule does that to peers. */
bool process_rules_have_peers(const struct policy *policy, enum peers_kind kind);

#endif
