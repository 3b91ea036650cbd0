/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_SET_SUBTRACT_H
#define POLICYC_SET_SUBTRACT_H

#include "set_source.h"

/* Takes away what each named set excepts; the sets are normalised. Reports sets that end up empty.
 * 0 or -ENOMEM. */
int sets_finish(struct parser *parser, struct set_sources *sources);

/* The compiler keeps every prefix of every set, so that the distinct ones alone limit no memory. */
#define MAX_TOTAL_PREFIXES (2 * SYNFW_MAX_PREFIXES)

/* Reports a total over all sets, repetitions included, that is too large; `at` is the set that
 * went too far. */
bool sets_within_limit(struct parser *parser, size_t total, struct location at);

/* Reports more prefixes in all sets, anonymous ones too, than there may be: distinct ones, and with
 * repetitions. 0 or -ENOMEM. */
int sets_check_total(struct parser *parser);

#endif
