/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PROCESS_NAMES_H
#define SYNFW_AGENT_PROCESS_NAMES_H

/* The kernel knows a rule on processes by its counter. */
#include <jansson.h>

#include "manifest.h"

struct process_names {
	const struct manifest_process_rule **by_counter; /* SYNFW_MAX_PROCESS_COUNTERS */
	const char *file;				 /* that lines are of */
};

/* Borrows from the manifest; NULL: no rule has a name. 0 or -ENOMEM. */
int process_names_open(const struct manifest *manifest, struct process_names *ret_names);
void process_names_close(struct process_names *names);

/* NULL: none, or of a policy that is not in force any more. */
const struct manifest_process_rule *process_names_find(const struct process_names *names,
						       uint32_t counter);

/* Adds *rule*, *file* and *line* to an object, null where the rule is not known. */
int process_names_json(const struct process_names *names, uint32_t counter, json_t *object);

#endif
