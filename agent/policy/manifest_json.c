/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The manifest as JSON: one encode and one decode function for each part, side by side. */
#include "manifest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <synfw/cleanup.h>

#include "base/json.h"

/* Decoding collects its first error here; every getter of a failed reader returns a zero value. */
struct reader {
	int error;
};

static json_int_t read_integer(struct reader *reader, const json_t *object, const char *key,
			       json_int_t max)
{
	const json_t *value = json_object_get(object, key);
	json_int_t integer = json_integer_value(value);

	if (json_is_integer(value) && integer >= 0 && integer <= max)
		return integer;
	if (!reader->error)
		reader->error = -EINVAL;
	return 0;
}

static bool read_boolean(struct reader *reader, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_boolean(value) && !reader->error)
		reader->error = -EINVAL;
	return json_is_true(value);
}

static char *copy_string(struct reader *reader, const json_t *value)
{
	char *copy = strdup(json_string_value(value));

	if (!copy && !reader->error)
		reader->error = -ENOMEM;
	return copy;
}

static char *read_string(struct reader *reader, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (json_is_string(value))
		return copy_string(reader, value);
	if (!reader->error)
		reader->error = -EINVAL;
	return NULL;
}

static char *read_optional(struct reader *reader, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_string(value) ? copy_string(reader, value) : NULL;
}

/* An array of objects: room for its elements, and how many. */
static const json_t *read_array(struct reader *reader, const json_t *root, const char *key,
				size_t element_size, void **ret_elements, size_t *ret_count)
{
	const json_t *array = json_object_get(root, key);
	size_t count = json_array_size(array);
	void *elements = calloc(count + 1, element_size);

	if (!reader->error && (!json_is_array(array) || !elements))
		reader->error = elements ? -EINVAL : -ENOMEM;
	if (reader->error) {
		free(elements);
		return NULL;
	}
	*ret_elements = elements;
	*ret_count = count;
	return array;
}

static json_t *encode_rule(const struct manifest_rule *rule)
{
	/* clang-format off */
	return json_pack("{s:o, s:i, s:s, s:I, s:b, s:o, s:o, s:b, s:b, s:I, s:I}",
			 "name", json_text(rule->name),
			 "line", rule->line,
			 "action", manifest_action_word(rule->action),
			 "score", (json_int_t)rule->score,
			 "monitor", rule->monitor,
			 "description", json_text_or_null(rule->description),
			 "text", json_text(rule->text),
			 "listed", rule->listed,
			 "remembered", rule->remembered,
			 "counter", (json_int_t)rule->counter,
			 "since", (json_int_t)rule->since);
	/* clang-format on */
}

static void decode_rule(struct reader *reader, const json_t *object, void *element)
{
	CLEANUP(cleanup_free) char *action = read_string(reader, object, "action");
	struct manifest_rule *rule = element;

	rule->name = read_string(reader, object, "name");
	rule->line = read_integer(reader, object, "line", UINT32_MAX);
	rule->score = read_integer(reader, object, "score", UINT32_MAX);
	rule->monitor = read_boolean(reader, object, "monitor");
	rule->description = read_optional(reader, object, "description");
	rule->text = read_string(reader, object, "text");
	rule->listed = read_boolean(reader, object, "listed");
	/* builds before did not say */
	rule->remembered = !json_is_false(json_object_get(object, "remembered"));
	rule->counter = read_integer(reader, object, "counter", SYNFW_MAX_RULE_COUNTERS - 1);
	rule->since = read_integer(reader, object, "since", UINT32_MAX);
	if (!action)
		return;
	for (rule->action = SYNFW_ACTION_ALLOW; rule->action <= SYNFW_ACTION_SCORE; rule->action++)
		if (!strcmp(action, manifest_action_word(rule->action)))
			return;
	rule->action = SYNFW_ACTION_ALLOW;
	reader->error = -EINVAL;
}

static json_t *encode_process_rule(const struct manifest_process_rule *rule)
{
	/* clang-format off */
	return json_pack("{s:o, s:i, s:s, s:s, s:s, s:I, s:b, s:b, s:o, s:o, s:I}",
			 "name", json_text(rule->name),
			 "line", rule->line,
			 "event", manifest_trigger_word(rule->trigger),
			 "action", manifest_process_action_word(rule->action),
			 "fallback", manifest_process_action_word(rule->fallback),
			 "score", (json_int_t)rule->score,
			 "monitor", rule->monitor,
			 "peers", rule->peers,
			 "description", json_text_or_null(rule->description),
			 "text", json_text(rule->text),
			 "counter", (json_int_t)rule->counter);
	/* clang-format on */
}

static enum synfw_process_action read_process_action(struct reader *reader, const json_t *object,
						     const char *key)
{
	CLEANUP(cleanup_free) char *word = read_string(reader, object, key);
	enum synfw_process_action action;

	for (action = 0; word && action < SYNFW_NR_PROCESS_ACTIONS; action++)
		if (!strcmp(word, manifest_process_action_word(action)))
			return action;
	if (!reader->error)
		reader->error = -EINVAL;
	return SYNFW_PROCESS_FLAG;
}

static enum synfw_process_trigger read_trigger(struct reader *reader, const json_t *object)
{
	CLEANUP(cleanup_free) char *word = read_string(reader, object, "event");
	enum synfw_process_trigger trigger;

	for (trigger = 0; word && trigger < SYNFW_NR_PROCESS_TRIGGERS; trigger++)
		if (!strcmp(word, manifest_trigger_word(trigger)))
			return trigger;
	if (!reader->error)
		reader->error = -EINVAL;
	return SYNFW_ON_EXEC;
}

static void decode_process_rule(struct reader *reader, const json_t *object, void *element)
{
	struct manifest_process_rule *rule = element;

	rule->name = read_string(reader, object, "name");
	rule->line = read_integer(reader, object, "line", UINT32_MAX);
	rule->trigger = read_trigger(reader, object);
	rule->action = read_process_action(reader, object, "action");
	rule->fallback = read_process_action(reader, object, "fallback");
	rule->score = read_integer(reader, object, "score", UINT32_MAX);
	rule->monitor = read_boolean(reader, object, "monitor");
	/* not in that of a build which refused it */
	rule->peers = json_is_true(json_object_get(object, "peers"));
	rule->description = read_optional(reader, object, "description");
	rule->text = read_string(reader, object, "text");
	rule->counter = read_integer(reader, object, "counter", SYNFW_MAX_PROCESS_COUNTERS - 1);
}

static json_t *encode_process_act(const struct manifest_process_scoring *scoring)
{
	return json_pack("{s:I, s:s, s:s}", "line", (json_int_t)scoring->line, "action",
			 manifest_process_action_word(scoring->action), "fallback",
			 manifest_process_action_word(scoring->fallback));
}

static void decode_process_scoring(struct reader *reader, const json_t *root,
				   struct manifest_process_scoring *scoring)
{
	const json_t *object = json_object_get(root, "process_act");

	scoring->text = read_optional(reader, root, "process_scoring");
	/* not in that of a build in which it could not fall back */
	if (!object)
		return;
	scoring->line = read_integer(reader, object, "line", UINT32_MAX);
	scoring->action = read_process_action(reader, object, "action");
	scoring->fallback = read_process_action(reader, object, "fallback");
}

static json_t *encode_set(const struct manifest_set *set)
{
	/* clang-format off */
	return json_pack("{s:o, s:I, s:I, s:s, s:o, s:I, s:I, s:b, s:I, s:I}",
			 "name", json_text(set->name),
			 "entries4", (json_int_t)set->entries4,
			 "entries6", (json_int_t)set->entries6,
			 "digest", set->digest,
			 "file", json_text_or_null(set->file),
			 "max_age_ns", (json_int_t)set->max_age_ns,
			 "mtime_ns", (json_int_t)set->mtime_ns,
			 "dynamic", set->dynamic,
			 "size", (json_int_t)set->size,
			 "timeout_ns", (json_int_t)set->timeout_ns);
	/* clang-format on */
}

static void decode_set(struct reader *reader, const json_t *object, void *element)
{
	struct manifest_set *set = element;

	set->name = read_string(reader, object, "name");
	set->entries4 = read_integer(reader, object, "entries4", INT64_MAX);
	set->entries6 = read_integer(reader, object, "entries6", INT64_MAX);
	set->digest = read_string(reader, object, "digest");
	set->file = read_optional(reader, object, "file");
	set->max_age_ns = read_integer(reader, object, "max_age_ns", INT64_MAX);
	set->mtime_ns = read_integer(reader, object, "mtime_ns", INT64_MAX);
	set->dynamic = read_boolean(reader, object, "dynamic");
	set->size = read_integer(reader, object, "size", SYNFW_MAX_DYNAMIC_SIZE);
	set->timeout_ns = read_integer(reader, object, "timeout_ns", INT64_MAX);
}

static json_t *encode_protect(const struct manifest_protect *protect)
{
	return json_pack("{s:i, s:o, s:b}", "line", protect->line, "text", json_text(protect->text),
			 "listed", protect->listed);
}

static void decode_protect(struct reader *reader, const json_t *object, void *element)
{
	struct manifest_protect *protect = element;

	protect->line = read_integer(reader, object, "line", UINT32_MAX);
	protect->text = read_string(reader, object, "text");
	protect->listed = read_boolean(reader, object, "listed");
}

static json_t *encode_interface(const struct manifest_interface *interface)
{
	/* clang-format off */
	return json_pack("{s:o, s:i, s:i, s:i}",
			 "name", json_text(interface->name),
			 "ifindex", interface->ifindex,
			 "slot", interface->slot,
			 "attach", interface->attach);
	/* clang-format on */
}

static void decode_interface(struct reader *reader, const json_t *object, void *element)
{
	struct manifest_interface *interface = element;

	interface->name = read_string(reader, object, "name");
	interface->ifindex = read_integer(reader, object, "ifindex", INT32_MAX);
	interface->slot = read_integer(reader, object, "slot", SYNFW_MAX_INTERFACES);
	interface->attach = read_integer(reader, object, "attach", ATTACH_GENERIC);
}

static json_t *encode_default(const struct manifest_default *choice)
{
	return json_pack("{s:s, s:s}", "name", choice->name, "choice", choice->choice);
}

static void decode_default(struct reader *reader, const json_t *object, void *element)
{
	struct manifest_default *choice = element;

	choice->name = read_string(reader, object, "name");
	choice->choice = read_string(reader, object, "choice");
}

#define ENCODE_ARRAY(root, key, elements, count, encode)                                  \
	({                                                                                \
		json_t *array_ = json_array();                                            \
		int error_ = 0;                                                           \
		size_t i_;                                                                \
                                                                                          \
		for (i_ = 0; i_ < (count); i_++)                                          \
			error_ |= json_array_append_new(array_, encode(&(elements)[i_])); \
		error_ | json_object_set_new(root, key, array_);                          \
	})

int manifest_to_text(const struct manifest *manifest, char **ret_text, size_t *ret_length)
{
	CLEANUP(json_decrefp) json_t *root = NULL;
	char *text;
	int error;

	/* clang-format off */
	root = json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:b, s:I, s:I}",
			 "policy", json_text(manifest->policy),
			 "description", json_text_or_null(manifest->description),
			 "file", json_text(manifest->file),
			 "digest", manifest->digest,
			 "infrastructure", json_text_or_null(manifest->infrastructure),
			 "netns", json_text_or_null(manifest->netns),
			 "scoring", json_text_or_null(manifest->scoring),
			 "logging", json_text_or_null(manifest->logging),
			 "process_scoring", json_text_or_null(manifest->process_scoring.text),
			 "process_act", encode_process_act(&manifest->process_scoring),
			 "process_hooks", json_text_or_null(manifest->process_hooks),
			 "process_digest", json_text_or_null(manifest->process_digest),
			 "monitor", manifest->monitor,
			 "hides_process_events", manifest->hides_process_events,
			 "hides_memory_events", manifest->hides_memory_events,
			 "revision", (json_int_t)manifest->revision,
			 "applied_at_ns", (json_int_t)manifest->applied_at_ns);
	/* clang-format on */
	if (!root)
		return -ENOMEM;
	error = ENCODE_ARRAY(root, "rules", manifest->rules, manifest->nr_rules, encode_rule);
	error |= ENCODE_ARRAY(root, "process_rules", manifest->process_rules,
			      manifest->nr_process_rules, encode_process_rule);
	error |= ENCODE_ARRAY(root, "sets", manifest->sets, manifest->nr_sets, encode_set);
	error |= ENCODE_ARRAY(root, "protects", manifest->protects, manifest->nr_protects,
			      encode_protect);
	error |= ENCODE_ARRAY(root, "program_protects", manifest->program_protects,
			      manifest->nr_program_protects, encode_protect);
	error |= ENCODE_ARRAY(root, "interfaces", manifest->interfaces, manifest->nr_interfaces,
			      encode_interface);
	error |= ENCODE_ARRAY(root, "defaults", manifest->defaults, manifest->nr_defaults,
			      encode_default);
	if (error)
		return -ENOMEM;
	text = json_dumps(root, JSON_COMPACT);
	if (!text)
		return -ENOMEM;
	*ret_length = strlen(text);
	*ret_text = text;
	return 0;
}

static void decode_array(struct reader *reader, const json_t *root, const char *key,
			 size_t element_size, void **ret_elements, size_t *ret_count,
			 void (*decode)(struct reader *reader, const json_t *object, void *element))
{
	const json_t *array = read_array(reader, root, key, element_size, ret_elements, ret_count);
	size_t i;

	for (i = 0; array && i < *ret_count; i++)
		decode(reader, json_array_get(array, i), (char *)*ret_elements + i * element_size);
}

int manifest_from_text(const char *text, size_t length, struct manifest **ret_manifest)
{
	CLEANUP(manifest_freep) struct manifest *manifest = calloc(1, sizeof(*manifest));
	CLEANUP(json_decrefp) json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
	struct reader reader = {0};

	if (!manifest)
		return -ENOMEM;
	if (!json_is_object(root))
		return -EINVAL;
	manifest->policy = read_string(&reader, root, "policy");
	manifest->description = read_optional(&reader, root, "description");
	manifest->file = read_string(&reader, root, "file");
	manifest->digest = read_string(&reader, root, "digest");
	manifest->infrastructure = read_optional(&reader, root, "infrastructure");
	manifest->netns = read_optional(&reader, root, "netns");
	manifest->scoring = read_optional(&reader, root, "scoring");
	manifest->logging = read_optional(&reader, root, "logging");
	decode_process_scoring(&reader, root, &manifest->process_scoring);
	manifest->process_hooks = read_optional(&reader, root, "process_hooks");
	manifest->process_digest = read_optional(&reader, root, "process_digest");
	manifest->monitor = read_boolean(&reader, root, "monitor");
	manifest->hides_process_events =
		json_is_true(json_object_get(root, "hides_process_events"));
	manifest->hides_memory_events = json_is_true(json_object_get(root, "hides_memory_events"));
	manifest->revision = read_integer(&reader, root, "revision", INT64_MAX);
	manifest->applied_at_ns = read_integer(&reader, root, "applied_at_ns", INT64_MAX);
	decode_array(&reader, root, "rules", sizeof(*manifest->rules), (void **)&manifest->rules,
		     &manifest->nr_rules, decode_rule);
	/* a build that knew no such rules wrote none */
	if (json_object_get(root, "process_rules"))
		decode_array(&reader, root, "process_rules", sizeof(*manifest->process_rules),
			     (void **)&manifest->process_rules, &manifest->nr_process_rules,
			     decode_process_rule);
	decode_array(&reader, root, "sets", sizeof(*manifest->sets), (void **)&manifest->sets,
		     &manifest->nr_sets, decode_set);
	decode_array(&reader, root, "protects", sizeof(*manifest->protects),
		     (void **)&manifest->protects, &manifest->nr_protects, decode_protect);
	if (json_object_get(root, "program_protects"))
		decode_array(&reader, root, "program_protects", sizeof(*manifest->program_protects),
			     (void **)&manifest->program_protects, &manifest->nr_program_protects,
			     decode_protect);
	decode_array(&reader, root, "interfaces", sizeof(*manifest->interfaces),
		     (void **)&manifest->interfaces, &manifest->nr_interfaces, decode_interface);
	decode_array(&reader, root, "defaults", sizeof(*manifest->defaults),
		     (void **)&manifest->defaults, &manifest->nr_defaults, decode_default);
	if (reader.error)
		return reader.error;
	*ret_manifest = TAKE_PTR(manifest);
	return 0;
}
