/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_REPORT_H
#define SYNFW_AGENT_REPORT_H

/* Parts of results that several commands print, for people and as JSON. */
#include <jansson.h>

#include "base/notes.h"
#include "datapath/dynamic.h"
#include "policy/diff.h"

/* "+ rule web: ...", one change a line, at most `REPORT_MAX_CHANGES` of them. */
#define REPORT_MAX_CHANGES 40
void report_print_changes(const struct diff *diff);
void report_print_sets(const struct manifest *manifest);

json_t *report_changes_json(const struct diff *diff);
/* Of dynamic sets, the members that `dynamic` has (NULL: not asked). NULL with a fault. */
json_t *report_sets_json(const struct manifest *manifest, const struct dynamic *dynamic,
			 struct fault *fault);
json_t *report_notes_json(const struct notes *notes);

/* One object on one line of stdout. Returns the exit code. */
int report_print_json(const json_t *root);

#endif
