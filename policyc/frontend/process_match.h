/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_PROCESS_MATCH_H
#define POLICYC_PROCESS_MATCH_H

/* What rules on processes and memory, and their `except`, match. */
#include "../model.h"

void process_match_done(struct process_match *match);

#endif
