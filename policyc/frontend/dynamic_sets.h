/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_DYNAMIC_SETS_H
#define POLICYC_DYNAMIC_SETS_H

/* Sets whose members come and go while the policy is in force. */
#include "set_source.h"

/* A number of members -> uint32_t. */
int parse_set_size(struct parser *parser, const struct schema_key *key, const struct node *value,
		   void *target);

/* Reports the keys of a set's mapping that do not go together; what is missing only when there were
 * no other errors since there were `errors`. */
void set_keys_check(struct parser *parser, const struct node *body, const struct set_source *source,
		    size_t errors);

/* Numbers a dynamic set and reports what goes beyond the limits. */
void dynamic_set_add(struct parser *parser, struct policy_set *set,
		     const struct set_source *source);

#endif
