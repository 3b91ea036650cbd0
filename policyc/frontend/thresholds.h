/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_THRESHOLDS_H
#define POLICYC_THRESHOLDS_H

/* The sections `scoring` and `logging`; their parse functions stand in parser.h. */
#include "parser.h"

/* What holds when they are left out. */
void thresholds_default(struct policy *policy);

/* Warns of points that lead to nothing, and of thresholds that no rule gives points for. */
void scoring_check(struct parser *parser);

#endif
