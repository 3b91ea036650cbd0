/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* synfw explain: the language reference, from the table that the parser uses. */
#include <stdio.h>
#include <string.h>

#include <frontend/schema.h>
#include <frontend/suggest.h>
#include <synfw/cleanup.h>

#include "base/json.h"
#include "base/ui.h"
#include "command.h"
#include "report/report.h"

#define PATH_BYTES 64

static void key_path(const struct schema_key *key, char out[PATH_BYTES])
{
	const char *section = schema_section_path(key->section);

	snprintf(out, PATH_BYTES, "%s%s%s", section, *section ? "." : "", key->name);
}

static json_t *words_json(const struct schema_key *key)
{
	const struct schema_word *word;
	json_t *array = json_array();

	for (word = key->words; word && word->word; word++)
		json_array_append_new(array, json_string(word->word));
	return array;
}

static json_t *key_json(const struct schema_key *key)
{
	char path[PATH_BYTES];

	key_path(key, path);
	/* clang-format off */
	return json_pack("{s:s, s:s, s:s, s:b, s:b, s:o}",
			 "key", path,
			 "type", schema_type_word(key->type),
			 "doc", key->doc,
			 "required", key->required,
			 "supported", schema_supported(key),
			 "words", words_json(key));
	/* clang-format on */
}

static void print_key(const struct schema_key *key)
{
	const struct schema_word *word;
	char path[PATH_BYTES];

	key_path(key, path);
	printf("%s%s%s: %s%s%s\n  %s\n", ui_style(stdout, UI_BOLD), path,
	       ui_style(stdout, UI_PLAIN), schema_type_word(key->type),
	       key->required ? ", required" : "",
	       schema_supported(key) ? "" : ", not supported yet", key->doc);
	for (word = key->words; word && word->word; word++)
		printf("%s%s", word == key->words ? "  one of: " : ", ", word->word);
	if (key->words)
		putchar('\n');
}

/* "from" names rules.from and others: all keys of that name. */
static bool key_is_named(const struct schema_key *key, const char *name)
{
	char path[PATH_BYTES];

	key_path(key, path);
	return !strcmp(name, path) || !strcmp(name, key->name) ||
	       !strcmp(name, schema_section_path(key->section));
}

static int report_unknown_key(const char *name)
{
	struct suggestion suggestion = suggest_start(name);
	size_t i;

	for (i = 0; i < schema_nr_keys; i++)
		suggest_offer(&suggestion, schema_keys[i].name);
	if (suggestion.best)
		ui_error("the policy language has no key \"%s\"; did you mean \"%s\"?", name,
			 suggestion.best);
	else
		ui_error("the policy language has no key \"%s\"; `synfw explain` lists all", name);
	return EXIT_USAGE;
}

int cmd_explain(const struct invocation *invocation)
{
	const char *name = invocation->nr_operands ? invocation->operand[0] : NULL;
	CLEANUP(json_decrefp) json_t *keys = json_array();
	CLEANUP(json_decrefp) json_t *root = NULL;
	bool as_json = option_given(invocation, "json"), found = false;
	size_t i;

	for (i = 0; i < schema_nr_keys; i++) {
		if (name && !key_is_named(&schema_keys[i], name))
			continue;
		found = true;
		if (as_json)
			json_array_append_new(keys, key_json(&schema_keys[i]));
		else
			print_key(&schema_keys[i]);
	}
	if (!found)
		return report_unknown_key(name);
	if (!as_json)
		return EXIT_DONE;
	root = json_pack("{s:s, s:O}", "schema", "synfw.explain/1", "keys", keys);
	return report_print_json(root);
}
