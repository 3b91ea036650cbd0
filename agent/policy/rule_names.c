/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "rule_names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <synfw/cleanup.h>

#include "base/json.h"

int rule_names_open(const struct manifest *manifest, struct rule_names *ret_names)
{
	struct rule_name *by_counter = calloc(RULE_NAMES_COUNTERS, sizeof(*by_counter));
	size_t i;

	if (!by_counter)
		return -ENOMEM;
	for (i = 0; manifest && i < manifest->nr_rules; i++)
		by_counter[manifest->rules[i].counter] =
			(struct rule_name){manifest->rules[i].name, manifest->rules[i].line};
	for (i = 0; manifest && i < manifest->nr_process_rules; i++)
		by_counter[SYNFW_COUNTER_OF_PROCESSES + manifest->process_rules[i].counter] =
			(struct rule_name){manifest->process_rules[i].name,
					   manifest->process_rules[i].line};
	*ret_names = (struct rule_names){.by_counter = by_counter,
					 .file = manifest ? manifest->file : NULL};
	return 0;
}

void rule_names_close(struct rule_names *names)
{
	free(names->by_counter);
	*names = (struct rule_names){NULL};
}

const struct rule_name *rule_names_find(const struct rule_names *names, uint32_t counter)
{
	if (!counter || counter == SYNFW_COUNTER_OF_PROCESSES || counter >= RULE_NAMES_COUNTERS)
		return NULL;
	return names->by_counter[counter].name ? &names->by_counter[counter] : NULL;
}

int rule_names_json(const struct rule_names *names, uint32_t counter, json_t *object)
{
	const struct rule_name *rule = rule_names_find(names, counter);

	return json_object_set_new(object, "rule", rule ? json_text(rule->name) : json_null()) |
	       json_object_set_new(object, "file", rule ? json_text(names->file) : json_null()) |
	       json_object_set_new(object, "line", rule ? json_integer(rule->line) : json_null());
}

/* ---- parts of a score ---- */

json_t *rule_names_parts_json(const struct rule_names *names,
			      const struct synfw_score_part parts[SYNFW_SCORE_PARTS])
{
	json_t *array = json_array();
	int i;

	for (i = 0; i < SYNFW_SCORE_PARTS; i++) {
		const struct rule_name *rule = rule_names_find(names, parts[i].counter);

		if (!parts[i].counter)
			continue;
		/* clang-format off */
		json_array_append_new(
			array, json_pack("{s:o, s:o, s:I, s:I}",
					 "rule", rule ? json_text(rule->name) : json_null(),
					 "line", rule ? json_integer(rule->line) : json_null(),
					 "points", (json_int_t)parts[i].points,
					 "hits", (json_int_t)parts[i].hits));
		/* clang-format on */
	}
	return array;
}

char *rule_names_parts_text(const struct rule_names *names,
			    const struct synfw_score_part parts[SYNFW_SCORE_PARTS])
{
	const struct rule_name *rule;
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	int i, written = 0;

	if (!stream)
		return NULL;
	for (i = 0; i < SYNFW_SCORE_PARTS; i++) {
		if (!parts[i].counter)
			continue;
		rule = rule_names_find(names, parts[i].counter);
		fprintf(stream, "%s%s %u", written++ ? ", " : "",
			rule ? rule->name : "a rule of before", parts[i].points);
		if (parts[i].hits > 1)
			fprintf(stream, " (%u packets)", parts[i].hits);
	}
	if (fclose(stream)) {
		free(text);
		return NULL;
	}
	return text;
}
