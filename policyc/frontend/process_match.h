/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_PROCESS_MATCH_H
#define POLICYC_PROCESS_MATCH_H

/* What rules on processes and memory, and their `except`, match. */
#include "parser.h"

/* Entries for a table of key parsers; `field` is the place of the struct process_match. */
#define FILE_KEY_PARSERS(field)                                                             \
	{"exec", process_match_parse_key, field}, {"user", process_match_parse_key, field}, \
	{                                                                                   \
		"group", process_match_parse_key, field                                     \
	}
#define PROCESS_KEY_PARSERS(field)                                           \
	FILE_KEY_PARSERS(field), {"parent", process_match_parse_key, field}, \
		{"ancestor", process_match_parse_key, field},                \
	{                                                                    \
		"args", process_match_parse_key, field                       \
	}

int process_match_parse_key(struct parser *parser, const struct schema_key *key,
			    const struct node *value, void *target);

/* One user or group, by name or number. 0 or -ENOMEM; *ret_found says whether it is one. */
int process_parse_id(struct parser *parser, const struct schema_key *key, const struct node *value,
		     const char *text, bool *ret_found, uint32_t *ret_id);

/* The table that the key asks, read when it is asked first. 0 or -ENOMEM. */
int process_accounts(struct parser *parser, const struct schema_key *key,
		     const struct account_table **ret_table);

/* Whether everything that `inner` matches is matched by `outer`, as far as that shows from the
 * values as they are written and resolved. Adds to *work how many of them were compared. */
bool process_match_covers(const struct process_match *outer, const struct process_match *inner,
			  uint64_t *work);

void process_match_done(struct process_match *match);

#endif
