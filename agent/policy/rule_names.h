/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_RULE_NAMES_H
#define SYNFW_AGENT_RULE_NAMES_H

/* The kernel knows a rule by its counter. */
#include <jansson.h>

#include <synfw/process.h>

#include "manifest.h"

/* Counters of rules on packets, and those of rules on processes and memory behind
 * SYNFW_COUNTER_OF_PROCESSES. */
#define RULE_NAMES_COUNTERS (SYNFW_COUNTER_OF_PROCESSES + SYNFW_MAX_PROCESS_COUNTERS)

struct rule_name {
	const char *name; /* NULL: no rule counts there */
	uint32_t line;
};

struct rule_names {
	struct rule_name *by_counter; /* RULE_NAMES_COUNTERS */
	const char *file;	      /* that lines are of */
};

/* Borrows from the manifest; NULL: no rule has a name. 0 or -ENOMEM. */
int rule_names_open(const struct manifest *manifest, struct rule_names *ret_names);
void rule_names_close(struct rule_names *names);

/* NULL: none, or of a policy that is not in force any more. */
const struct rule_name *rule_names_find(const struct rule_names *names, uint32_t counter);

/* Adds *rule*, *file* and *line* to an object, null where the rule is not known. */
int rule_names_json(const struct rule_names *names, uint32_t counter, json_t *object);

/* A list of *rule*, *line*, *points* and *hits* of the parts that are used. */
json_t *rule_names_parts_json(const struct rule_names *names,
			      const struct synfw_score_part parts[SYNFW_SCORE_PARTS]);

/* "null-scan 60 (1 packet), xmas-scan 60 (1 packet)"; "" when no part is used. The caller frees it;
 * NULL without memory. */
char *rule_names_parts_text(const struct rule_names *names,
			    const struct synfw_score_part parts[SYNFW_SCORE_PARTS]);

#endif
