/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_ANONYMOUS_SETS_H
#define POLICYC_ANONYMOUS_SETS_H

/*
 * The sets of what rules mention without a name. The same content is the same set, wherever it
 * stands. `node` is the place of a set that is new; 0 and its index, or -ENOMEM.
 */
#include "parser.h"

/* A list with more literals than this is one set: the compiler's effort grows with the square of
 * the sets of one rule. */
#define MAX_SINGLE_LITERALS 16

int anonymous_any(struct parser *parser, const struct node *node, uint32_t *ret_index);
int anonymous_prefix(struct parser *parser, const struct node *node,
		     const struct any_prefix *prefix, uint32_t *ret_index);

/* Normalises `list`, and takes it over when the set is new. */
int anonymous_list(struct parser *parser, const struct node *node, struct prefix_list *list,
		   uint32_t *ret_index);

#endif
