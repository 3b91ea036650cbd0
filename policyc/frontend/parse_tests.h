/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_PARSE_TESTS_H
#define POLICYC_PARSE_TESTS_H

/* Entries of `tests`: what their keys mean depends on whether one of them is `exec`. */
#include "parser.h"

#define NR_TEST_KEYS 13

struct test_draft {
	const struct node *node;
	const struct node *value[NR_TEST_KEYS]; /* see test_value() */
	int expect;				/* see EXPECT_OF_PROGRAM */
};

/* The value of the key, or NULL: not written. */
const struct node *test_value(const struct test_draft *draft, const char *name);

/* parse_process_test.c. 0 or -ENOMEM. */
int parse_process_test(struct parser *parser, const struct test_draft *draft);

#endif
