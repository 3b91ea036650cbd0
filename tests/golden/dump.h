/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_GOLDEN_DUMP_H
#define TESTS_GOLDEN_DUMP_H

#include <stdio.h>

#include <model.h>

/* Writes everything that a policy says, one line a thing, for comparison with an expected text. */
void dump_policy(const struct policy *policy, FILE *out);

#endif
