/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BENCHMARKS_ENFORCED_H
#define BENCHMARKS_ENFORCED_H

/* synfw's program with a policy of its own. Needs root. */
#include <stddef.h>

#include "base/policy_text.h"
#include "harness/datapath.h"

struct enforced {
	struct compiled compiled;
	struct datapath *datapath;
	double compile_ms; /* from the text to the image */
};

/* 0 or -errno; what policyc refuses goes to stderr. */
int enforced_open(const struct policy_text *text, struct enforced *ret_enforced);
void enforced_close(struct enforced *enforced);

/* Makes a map with `count` members that no packet is from, class E, dynamic set 0. 0 or -errno. */
int enforced_add_members(struct enforced *enforced, uint32_t count);

/* The live program. Borrowed. */
int enforced_fd(const struct enforced *enforced);

#endif
