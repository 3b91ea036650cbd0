/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_COVERAGE_H
#define POLICYC_COVERAGE_H

#include "compile/bits.h"
#include "compile/vectors.h"

/* Warns of rules that can never match because one earlier rule, protect entry or default covers
 * all they match. Not found: what several earlier ones cover only together, rules whose `except`
 * has keys of several fields, and what is left when the comparisons have cost too much. 0 or
 * -ENOMEM. */
int coverage_warn(const struct bits *bits, const struct vectors *vectors, const bool *constrained,
		  struct diags *diags);

#endif
