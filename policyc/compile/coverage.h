/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_COVERAGE_H
#define POLICYC_COVERAGE_H

/* Warns of rules that can never match because one earlier rule, protect entry or default covers
 * all they match. Rules that several earlier ones cover only together are not found. 0 or -ENOMEM. */
#include "compile/bits.h"
#include "compile/vectors.h"

int coverage_warn(const struct bits *bits, const struct vectors *vectors, const bool *constrained,
		  struct diags *diags);

#endif
