/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_RULE_EFFECTS_H
#define POLICYC_RULE_EFFECTS_H

/* What a rule asks of the past, and what it does besides deciding or scoring. */
#include "match.h"

struct effects_draft {
	struct rule_limit limit;
	const struct node *rate, *ports, *block, *state; /* NULL: not written */
	uint64_t block_ns;
	const struct node *add_to;
	uint32_t add_to_set;
	int log;
};

/* Of a struct effects_draft. */
int parse_rule_rate(struct parser *parser, const struct schema_key *key, const struct node *value,
		    void *target);
int parse_distinct_ports(struct parser *parser, const struct schema_key *key,
			 const struct node *value, void *target);
int parse_block(struct parser *parser, const struct schema_key *key, const struct node *value,
		void *target);
int parse_add_to(struct parser *parser, const struct schema_key *key, const struct node *value,
		 void *target);

/* Reports what does not go together. `allows`: the rule's action is allow. */
void effects_check(struct parser *parser, const struct effects_draft *draft, bool allows);

/* Reports what makes the rule match nothing. Only for a match that was finished without errors. */
void effects_check_match(struct parser *parser, const struct effects_draft *draft,
			 const struct match_draft *match);

void effects_finish(const struct effects_draft *draft, struct policy_rule *rule);

#endif
