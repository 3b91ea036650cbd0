/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "process_names.h"

#include <errno.h>
#include <stdlib.h>

#include "base/json.h"

int process_names_open(const struct manifest *manifest, struct process_names *ret_names)
{
	const struct manifest_process_rule **by_counter =
		calloc(SYNFW_MAX_PROCESS_COUNTERS, sizeof(*by_counter));
	size_t i;

	if (!by_counter)
		return -ENOMEM;
	for (i = 0; manifest && i < manifest->nr_process_rules; i++)
		by_counter[manifest->process_rules[i].counter] = &manifest->process_rules[i];
	*ret_names = (struct process_names){.by_counter = by_counter,
					    .file = manifest ? manifest->file : NULL};
	return 0;
}

void process_names_close(struct process_names *names)
{
	free(names->by_counter);
	*names = (struct process_names){NULL};
}

const struct manifest_process_rule *process_names_find(const struct process_names *names,
						       uint32_t counter)
{
	return counter && counter < SYNFW_MAX_PROCESS_COUNTERS ? names->by_counter[counter] : NULL;
}

int process_names_json(const struct process_names *names, uint32_t counter, json_t *object)
{
	const struct manifest_process_rule *rule = process_names_find(names, counter);

	return json_object_set_new(object, "rule", rule ? json_text(rule->name) : json_null()) |
	       json_object_set_new(object, "file", rule ? json_text(names->file) : json_null()) |
	       json_object_set_new(object, "line", rule ? json_integer(rule->line) : json_null());
}
