/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_MATCH_H
#define POLICYC_MATCH_H

/* What rules, `except` and protect entries match. */
#include "parser.h"

enum match_key_index {
	KEY_FROM,
	KEY_TO_ADDRESS,
	KEY_PROTO,
	KEY_TO,
	KEY_FROM_PORT,
	KEY_ICMP,
	KEY_FLAGS,
	KEY_INTERFACE,
	KEY_VLAN,
	NR_MATCH_KEYS,
};

/* A match while its keys are read. Ports and ICMP types wait for `proto`, which may stand below
 * them: they are parsed by match_finish. */
struct match_draft {
	struct match match;
	const struct node *value[NR_MATCH_KEYS]; /* NULL: not written */
	char owner[SYNFW_MAX_NAME + 32];	 /* `rule "web"`, for messages */
};

/* Entries for a table of key parsers; `field` is the draft's place in their target. */
#define MATCH_KEY_PARSERS(field)                                                          \
	{"from", match_parse_key, field}, {"to-address", match_parse_key, field},         \
		{"proto", match_parse_key, field}, {"to", match_parse_key, field},        \
		{"from-port", match_parse_key, field}, {"icmp", match_parse_key, field},  \
		{"flags", match_parse_key, field}, {"interface", match_parse_key, field}, \
	{                                                                                 \
		"vlan", match_parse_key, field                                            \
	}

int match_parse_key(struct parser *parser, const struct schema_key *key, const struct node *value,
		    void *target);

/* Parses what was recorded. 0 or -ENOMEM. */
int match_finish(struct parser *parser, struct match_draft *draft);

/* Reports keys that contradict each other, so that nothing can match. Only for a draft that was
 * finished without errors. */
void match_check(struct parser *parser, const struct match_draft *draft);

/* Whether everything that `inner` matches certainly matches `outer` as well, judged by the values
 * as they are written; a list of literals that became one set is looked into. `any_set` is the
 * index of the set for `any`. */
bool match_covers(const struct policy *policy, const struct match *outer, const struct match *inner,
		  uint32_t any_set);

/* Whether some packet with ports may match, as far as protocols and ICMP types say. */
bool match_may_have_ports(const struct match *match);

void match_done(struct match *match);

#endif
