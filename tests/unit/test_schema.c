/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include <frontend/schema.h>
#include <policyc.h>
#include <synfw/cleanup.h>

static void every_key_has_a_sentence(void **state)
{
	for (size_t i = 0; i < schema_nr_keys; i++) {
		const char *doc = schema_keys[i].doc;

		if (!doc || strlen(doc) < 8 || doc[strlen(doc) - 1] != '.')
			fail_msg("%s has no sentence", schema_keys[i].name);
		assert_int_equal(schema_keys[i].type == TYPE_WORD ||
					 schema_keys[i].type == TYPE_BOOLEAN ||
					 schema_keys[i].type == TYPE_EVENTS,
				 schema_keys[i].words != NULL);
		assert_int_equal(schema_keys[i].type == TYPE_LATER,
				 !schema_supported(&schema_keys[i]));
	}
}

static void no_key_stands_twice_in_a_section(void **state)
{
	for (size_t i = 0; i < schema_nr_keys; i++)
		assert_ptr_equal(schema_find(schema_keys[i].section, schema_keys[i].name),
				 &schema_keys[i]);
}

static void paths_lead_to_every_key(void **state)
{
	for (size_t i = 0; i < schema_nr_keys; i++) {
		const char *section = schema_section_path(schema_keys[i].section);
		char path[128];

		snprintf(path, sizeof(path), "%s%s%s", section, *section ? "." : "",
			 schema_keys[i].name);
		assert_ptr_equal(schema_find_path(path), &schema_keys[i]);
	}
	assert_null(schema_find_path("rules.nothing"));
	assert_null(schema_find_path("rulesfrom"));
	assert_null(schema_find_path(""));
}

static void except_has_the_match_keys_of_a_rule(void **state)
{
	for (size_t i = 0; i < schema_nr_keys; i++) {
		const struct schema_key *key = &schema_keys[i];

		if (key->section != SCHEMA_EXCEPT)
			continue;
		assert_non_null(schema_find(SCHEMA_RULE, key->name));
		assert_int_equal(schema_find(SCHEMA_RULE, key->name)->type, key->type);
	}
}

static int load_nothing(void *context, const char *path, char **ret_text, size_t *ret_length,
			uint64_t *ret_mtime_ns)
{
	return -2; /* ENOENT */
}

/* Puts a key with a nonsense value where it belongs, and returns what is said about it. */
static size_t errors_about(const struct schema_key *key, const char *value)
{
	static const char *const frames[] = {
		[SCHEMA_POLICY] = "%s: %s\n",
		[SCHEMA_INTERFACE] = "interfaces: [{%s: %s}]\n",
		[SCHEMA_PROTECT] = "protect: [{%s: %s}]\n",
		[SCHEMA_SET] = "sets: {a: {%s: %s}}\n",
		[SCHEMA_DEFAULTS] = "defaults: {%s: %s}\n",
		[SCHEMA_RULE] = "rules: [{%s: %s}]\n",
		[SCHEMA_EXCEPT] = "rules: [{except: {%s: %s}}]\n",
		[SCHEMA_SCORING] = "scoring: {%s: %s}\n",
		[SCHEMA_RATE] = "rules: [{rate: {%s: %s}}]\n",
		[SCHEMA_DISTINCT_PORTS] = "rules: [{distinct-ports: {%s: %s}}]\n",
		[SCHEMA_PROCESS] = "processes: [{%s: %s}]\n",
		[SCHEMA_PROCESS_EXCEPT] = "processes: [{except: {%s: %s}}]\n",
		[SCHEMA_ARGS] = "processes: [{args: {%s: %s}}]\n",
		[SCHEMA_MEMORY] = "memory: [{%s: %s}]\n",
		[SCHEMA_MEMORY_EXCEPT] = "memory: [{except: {%s: %s}}]\n",
		[SCHEMA_PROCESS_SCORING] = "process-scoring: {%s: %s}\n",
		[SCHEMA_LOGGING] = "logging: {%s: %s}\n",
		[SCHEMA_TEST] = "tests: [{%s: %s}]\n",
	};
	const struct policyc_loader loader = {.load = load_nothing};
	CLEANUP(diags_freep) struct diags *diags = diags_new();
	struct policy *policy = NULL;
	char text[256];
	size_t count, about = 0;
	const struct diag *const *records;

	snprintf(text, sizeof(text), frames[key->section], key->name, value);
	assert_int_equal(policyc_parse("p", text, strlen(text), &loader, diags, &policy), -22);
	records = diags_sorted(diags, &count);
	for (size_t i = 0; i < count; i++)
		if (strncmp(records[i]->message, "unknown key", 11) &&
		    !strstr(records[i]->message, "needs the key") &&
		    !strstr(records[i]->message, "neither an action"))
			about++;
	return about;
}

/* A key that the table has and no parser reads would be ignored in silence. */
static void every_key_is_read(void **state)
{
	for (size_t i = 0; i < schema_nr_keys; i++)
		if (errors_about(&schema_keys[i], "{x: {y: z}}") +
			    errors_about(&schema_keys[i], "[[x]]") ==
		    0)
			fail_msg("%s.%s is ignored", schema_section_path(schema_keys[i].section),
				 schema_keys[i].name);
}

static void json_schema_has_every_key(void **state)
{
	CLEANUP(cleanup_free) char *text = schema_to_json();
	json_error_t error;
	json_t *root;

	assert_non_null(text);
	root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		fail_msg("line %d: %s", error.line, error.text);
	for (size_t i = 0; i < schema_nr_keys; i++) {
		const char *path = schema_section_path(schema_keys[i].section);
		const json_t *section =
			*path ? json_object_get(json_object_get(root, "$defs"), path) : root;
		const json_t *key = json_object_get(json_object_get(section, "properties"),
						    schema_keys[i].name);

		assert_non_null(key);
		assert_string_equal(json_string_value(json_object_get(key, "description")),
				    schema_keys[i].doc);
		assert_true(json_object_size(key) > 1);
	}
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_has_a_sentence),
		cmocka_unit_test(no_key_stands_twice_in_a_section),
		cmocka_unit_test(paths_lead_to_every_key),
		cmocka_unit_test(except_has_the_match_keys_of_a_rule),
		cmocka_unit_test(every_key_is_read),
		cmocka_unit_test(json_schema_has_every_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
