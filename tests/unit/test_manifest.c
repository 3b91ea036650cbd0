/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The manifest survives being stored, and counters follow names. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "unit.h"

#include <datapath/counters.h>
#include <policy/diff.h>
#include <policy/manifest.h>
#include <processes/counters.h>

static char *copy(const char *text)
{
	char *copied = strdup(text);

	assert_non_null(copied);
	return copied;
}

/* A manifest with rules of these names, NULL-terminated. */
static struct manifest *with_rules(const char *const *names)
{
	struct manifest *manifest = calloc(1, sizeof(*manifest));
	size_t count = 0;

	assert_non_null(manifest);
	while (names[count])
		count++;
	manifest->policy = copy("edge");
	manifest->file = copy("/etc/synfw/edge.yaml");
	manifest->digest = copy("0123");
	manifest->rules = calloc(count + 1, sizeof(*manifest->rules));
	assert_non_null(manifest->rules);
	for (; manifest->nr_rules < count; manifest->nr_rules++) {
		struct manifest_rule *rule = &manifest->rules[manifest->nr_rules];

		rule->name = copy(names[manifest->nr_rules]);
		rule->text = copy("from any; drop");
		rule->action = SYNFW_ACTION_DROP;
	}
	return manifest;
}

static struct manifest *with_everything(void)
{
	struct manifest *manifest = with_rules((const char *const[]){"first", "second", NULL});

	manifest->description = copy("quotes \" and \\ and \xc3\xa9");
	manifest->infrastructure = copy("0123:4567");
	manifest->scoring = copy("drop-at 100; decay 10/min");
	manifest->logging = copy("events block; sample 1/100; limit 50/s");
	manifest->monitor = true;
	manifest->revision = 1234567890123ULL;
	manifest->applied_at_ns = 1790000000123456789ULL;
	manifest->rules[1].action = SYNFW_ACTION_SCORE;
	manifest->rules[1].score = 1000000;
	manifest->rules[1].monitor = true;
	manifest->rules[1].description = copy("why");
	manifest->rules[1].line = 70000;
	manifest->rules[1].counter = SYNFW_MAX_RULE_COUNTERS - 1;
	manifest->process_scoring = (struct manifest_process_scoring){
		.text = copy("act-at 5; isolate; fallback kill; decay 1/s"),
		.line = 12,
		.action = SYNFW_PROCESS_ISOLATE,
		.fallback = SYNFW_PROCESS_KILL,
	};
	manifest->process_hooks = copy("fork exit exec");
	manifest->process_digest = copy("0123456789abcdef");
	manifest->process_rules = calloc(2, sizeof(*manifest->process_rules));
	manifest->nr_process_rules = 2;
	manifest->process_rules[0] = (struct manifest_process_rule){
		.name = copy("shell"),
		.line = 9,
		.action = SYNFW_PROCESS_DENY,
		.fallback = SYNFW_PROCESS_KILL,
		.text = copy("exec /bin/sh; deny"),
		.counter = SYNFW_MAX_PROCESS_COUNTERS - 1,
	};
	manifest->process_rules[1] = (struct manifest_process_rule){
		.name = copy("huge"),
		.trigger = SYNFW_ON_ALLOCATION,
		.score = 1000000,
		.monitor = true,
		.description = copy("why"),
		.text = copy("allocation over 2GiB; score 1000000"),
	};
	manifest->sets = calloc(1, sizeof(*manifest->sets));
	manifest->nr_sets = 1;
	manifest->sets[0] = (struct manifest_set){
		.name = copy("bad"),
		.entries4 = 2000000,
		.entries6 = 7,
		.digest = copy("abcd"),
		.file = copy("feeds/bad.netset"),
		.max_age_ns = 36ULL * 3600 * 1000000000,
		.mtime_ns = 1780000000000000000ULL,
		.dynamic = true,
		.size = SYNFW_MAX_DYNAMIC_SIZE,
		.timeout_ns = 3600000000000ULL,
	};
	manifest->interfaces = calloc(1, sizeof(*manifest->interfaces));
	manifest->nr_interfaces = 1;
	manifest->interfaces[0] = (struct manifest_interface){
		.name = copy("eth0"), .ifindex = 2, .slot = 64, .attach = ATTACH_NATIVE};
	manifest->protects = calloc(1, sizeof(*manifest->protects));
	manifest->nr_protects = 1;
	manifest->protects[0] =
		(struct manifest_protect){.line = 5, .text = copy("infrastructure")};
	manifest->defaults = calloc(1, sizeof(*manifest->defaults));
	manifest->nr_defaults = 1;
	manifest->defaults[0] =
		(struct manifest_default){.name = copy("incoming"), .choice = copy("drop")};
	return manifest;
}

static void reads_back_what_it_wrote(void **state)
{
	CLEANUP(manifest_freep) struct manifest *manifest = with_everything();
	CLEANUP(manifest_freep) struct manifest *read = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(cleanup_free) char *again = NULL;
	size_t length, again_length;

	assert_int_equal(manifest_to_text(manifest, &text, &length), 0);
	assert_int_equal(manifest_from_text(text, length, &read), 0);
	assert_string_equal(read->description, manifest->description);
	assert_true(read->monitor);
	assert_int_equal(read->revision, manifest->revision);
	assert_int_equal(read->applied_at_ns, manifest->applied_at_ns);
	assert_int_equal(read->rules[1].action, SYNFW_ACTION_SCORE);
	assert_int_equal(read->rules[1].counter, SYNFW_MAX_RULE_COUNTERS - 1);
	assert_null(read->rules[0].description);
	assert_int_equal(read->sets[0].mtime_ns, manifest->sets[0].mtime_ns);
	assert_int_equal(read->process_rules[0].action, SYNFW_PROCESS_DENY);
	assert_int_equal(read->process_rules[0].fallback, SYNFW_PROCESS_KILL);
	assert_int_equal(read->process_rules[1].trigger, SYNFW_ON_ALLOCATION);
	assert_int_equal(read->process_scoring.line, 12);
	assert_int_equal(read->process_scoring.action, SYNFW_PROCESS_ISOLATE);
	assert_int_equal(read->process_scoring.fallback, SYNFW_PROCESS_KILL);
	assert_true(read->sets[0].dynamic);
	assert_int_equal(read->sets[0].size, manifest->sets[0].size);
	assert_int_equal(read->sets[0].timeout_ns, manifest->sets[0].timeout_ns);
	assert_int_equal(read->interfaces[0].attach, ATTACH_NATIVE);
	/* nothing is lost: the second text is the first */
	assert_int_equal(manifest_to_text(read, &again, &again_length), 0);
	assert_string_equal(again, text);
}

static void a_file_name_that_is_not_utf8_is_stored(void **state)
{
	CLEANUP(manifest_freep) struct manifest *manifest = with_rules((const char *const[]){NULL});
	CLEANUP(manifest_freep) struct manifest *read = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	size_t length;

	free(manifest->file);
	manifest->file = copy("/etc/\xff.yaml");
	assert_int_equal(manifest_to_text(manifest, &text, &length), 0);
	assert_int_equal(manifest_from_text(text, length, &read), 0);
	assert_string_equal(read->file, "/etc/?.yaml");
}

/* Replaces the first occurrence of a piece of the text by another of the same length. */
static void assert_rejected(const char *text, const char *piece, const char *other)
{
	CLEANUP(cleanup_free) char *changed = copy(text);
	struct manifest *read = NULL;
	char *at = strstr(changed, piece);

	assert_non_null(at);
	assert_int_equal(strlen(piece), strlen(other));
	memcpy(at, other, strlen(other));
	assert_int_equal(manifest_from_text(changed, strlen(changed), &read), -EINVAL);
	assert_null(read);
}

static void rejects_what_it_did_not_write(void **state)
{
	CLEANUP(manifest_freep) struct manifest *manifest = with_everything();
	CLEANUP(cleanup_free) char *text = NULL;
	struct manifest *read = NULL;
	size_t length;

	assert_int_equal(manifest_to_text(manifest, &text, &length), 0);
	assert_rejected(text, "\"counter\":32767", "\"counter\":32768");
	assert_rejected(text, "\"slot\":64", "\"slot\":65");
	assert_rejected(text, "\"attach\":1", "\"attach\":3");
	assert_rejected(text, "\"score\":1000000", "\"score\":-100000");
	assert_rejected(text, "\"action\":\"drop\"", "\"action\":\"drip\"");
	assert_rejected(text, "\"monitor\":true", "\"monitor\":null");
	assert_rejected(text, "\"rules\":[", "\"rulez\":[");
	assert_rejected(text, "\"event\":\"exec\"", "\"event\":\"exit\"");
	assert_rejected(text, "\"action\":\"deny\"", "\"action\":\"deni\"");
	assert_rejected(text, "\"counter\":2048", "\"counter\":2049");
	assert_rejected(text, "\"name\":\"first\"", "\"mame\":\"first\"");
	assert_int_equal(manifest_from_text(text, length - 1, &read), -EINVAL);
	assert_int_equal(manifest_from_text("[]", 2, &read), -EINVAL);
	assert_int_equal(manifest_from_text("", 0, &read), -EINVAL);
	assert_null(read);
}

static void a_name_keeps_its_counter(void **state)
{
	CLEANUP(manifest_freep)
	struct manifest *live = with_rules((const char *const[]){"a", "b", "c", NULL});
	CLEANUP(manifest_freep)
	struct manifest *next = with_rules((const char *const[]){"new", "c", "a", NULL});

	assert_int_equal(counters_assign(NULL, live), 0);
	assert_int_equal(live->rules[0].counter, 1);
	assert_int_equal(live->rules[2].counter, 3);
	assert_int_equal(counters_assign(live, next), 0);
	assert_int_equal(next->rules[1].counter, 3);
	assert_int_equal(next->rules[2].counter, 1);
}

static void a_freed_slot_rests_for_one_apply(void **state)
{
	CLEANUP(manifest_freep)
	struct manifest *first = with_rules((const char *const[]){"a", NULL});
	CLEANUP(manifest_freep)
	struct manifest *second = with_rules((const char *const[]){"b", NULL});
	CLEANUP(manifest_freep)
	struct manifest *third = with_rules((const char *const[]){"c", NULL});

	assert_int_equal(counters_assign(NULL, first), 0);
	assert_int_equal(counters_assign(first, second), 0);
	assert_int_equal(second->rules[0].counter, 2);
	assert_int_equal(counters_assign(second, third), 0);
	assert_int_equal(third->rules[0].counter, 1);
}

static struct manifest *with_many_rules(char prefix, size_t count)
{
	const char **names = calloc(count + 1, sizeof(*names));
	struct manifest *manifest;
	size_t i;

	assert_non_null(names);
	for (i = 0; i < count; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%c%zu", prefix, i);
		names[i] = copy(name);
	}
	manifest = with_rules(names);
	for (i = 0; i < count; i++)
		free((char *)names[i]);
	free(names);
	return manifest;
}

static void no_two_rules_share_a_counter(void **state)
{
	CLEANUP(manifest_freep) struct manifest *live = with_many_rules('a', SYNFW_MAX_RULES);
	CLEANUP(manifest_freep) struct manifest *next = with_many_rules('b', SYNFW_MAX_RULES - 1);
	CLEANUP(cleanup_free) bool *taken = calloc(SYNFW_MAX_RULE_COUNTERS, sizeof(*taken));
	size_t i;

	assert_int_equal(counters_assign(NULL, live), 0);
	assert_int_equal(counters_assign(live, next), 0);
	for (i = 0; i < live->nr_rules + next->nr_rules; i++) {
		uint32_t slot = i < live->nr_rules ? live->rules[i].counter
						   : next->rules[i - live->nr_rules].counter;

		assert_in_range(slot, 1, SYNFW_MAX_RULE_COUNTERS - 1);
		assert_false(taken[slot]);
		taken[slot] = true;
	}
}

static void too_many_names_are_refused(void **state)
{
	CLEANUP(manifest_freep) struct manifest *live = with_many_rules('a', SYNFW_MAX_RULES);
	CLEANUP(manifest_freep) struct manifest *next = with_many_rules('b', SYNFW_MAX_RULES);

	assert_int_equal(counters_assign(NULL, live), 0);
	assert_int_equal(counters_assign(live, next), -ENOSPC);
}

/* A live policy of a build that knew no rules on processes. */
static void a_manifest_without_process_rules_is_read(void **state)
{
	CLEANUP(manifest_freep) struct manifest *manifest = with_rules((const char *const[]){NULL});
	CLEANUP(manifest_freep) struct manifest *read = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	size_t length;
	char *key;

	assert_int_equal(manifest_to_text(manifest, &text, &length), 0);
	key = strstr(text, "process_rules");
	assert_non_null(key);
	key[0] = 'x';
	assert_int_equal(manifest_from_text(text, length, &read), 0);
	assert_int_equal(read->nr_process_rules, 0);
}

/* What the builds wrote whose points could not fall back; and what none of them wrote. */
static void a_manifest_without_the_action_of_points_is_read(void **state)
{
	CLEANUP(manifest_freep) struct manifest *manifest = with_rules((const char *const[]){NULL});
	CLEANUP(manifest_freep) struct manifest *read = NULL, *odd = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	size_t length;
	char *key;

	manifest->process_scoring = (struct manifest_process_scoring){
		strdup("act-at 5; isolate"), 7, SYNFW_PROCESS_ISOLATE, SYNFW_PROCESS_KILL};
	assert_int_equal(manifest_to_text(manifest, &text, &length), 0);
	key = strstr(text, "process_act");
	assert_non_null(key);
	key[0] = 'x';
	assert_int_equal(manifest_from_text(text, length, &read), 0);
	assert_string_equal(read->process_scoring.text, "act-at 5; isolate");
	assert_int_equal(read->process_scoring.action, read->process_scoring.fallback);
	key[0] = 'p';
	key = strstr(key, "isolate");
	assert_non_null(key);
	key[0] = 'x';
	assert_int_equal(manifest_from_text(text, length, &odd), -EINVAL);
}

static struct manifest *with_process_rules(const char *process, const char *memory)
{
	struct manifest *manifest = with_rules((const char *const[]){"packets", NULL});
	const char *const names[] = {process, memory};
	size_t i;

	manifest->process_rules = calloc(2, sizeof(*manifest->process_rules));
	assert_non_null(manifest->process_rules);
	manifest->nr_process_rules = 2;
	for (i = 0; i < 2; i++) {
		manifest->process_rules[i].name = copy(names[i]);
		manifest->process_rules[i].text = copy("exec memfd; kill");
		manifest->process_rules[i].action = SYNFW_PROCESS_KILL;
		manifest->process_rules[i].trigger = i ? SYNFW_ON_GROWTH : SYNFW_ON_EXEC;
	}
	return manifest;
}

static void a_process_rule_keeps_its_counter(void **state)
{
	CLEANUP(manifest_freep) struct manifest *live = with_process_rules("a", "b");
	CLEANUP(manifest_freep) struct manifest *next = with_process_rules("c", "a");
	struct synfw_process_rule rules[3] = {
		{.index = 0}, {.index = SYNFW_PROCESS_INDEX_MEMORY}, {.index = 0}};
	struct process_tables tables = {.head = {.nr_bits = 3, .nr_rules = 2}, .rules = rules};

	assert_int_equal(process_counters_assign(NULL, live), 0);
	assert_int_equal(live->process_rules[0].counter, 1);
	assert_int_equal(process_counters_assign(live, next), 0);
	assert_int_equal(next->process_rules[0].counter, 3);
	assert_int_equal(next->process_rules[1].counter, 1);
	process_counters_number(next, &tables);
	assert_int_equal(rules[0].counter, 3);
	assert_int_equal(rules[1].counter, 1);
	assert_int_equal(rules[2].counter, 0);
}

static void an_index_names_its_rule(void **state)
{
	CLEANUP(manifest_freep) struct manifest *manifest = with_process_rules("a", "b");

	assert_string_equal(manifest_process_rule(manifest, 0)->name, "a");
	assert_string_equal(manifest_process_rule(manifest, SYNFW_PROCESS_INDEX_MEMORY)->name, "b");
	assert_null(manifest_process_rule(manifest, SYNFW_PROCESS_INDEX_MEMORY | 1));
}

static size_t changes(const struct manifest *before, const struct manifest *after,
		      enum diff_part part, enum diff_kind kind)
{
	struct diff diff;
	size_t count;

	assert_int_equal(diff_manifests(before, after, &diff), 0);
	count = diff_count(&diff, part, kind);
	diff_done(&diff);
	return count;
}

static void a_diff_tells_rules_on_processes(void **state)
{
	CLEANUP(manifest_freep) struct manifest *before = with_process_rules("a", "b");
	CLEANUP(manifest_freep) struct manifest *after = with_process_rules("a", "c");

	assert_int_equal(changes(NULL, after, DIFF_PROCESS, DIFF_ADDED), 1);
	assert_int_equal(changes(NULL, after, DIFF_MEMORY, DIFF_ADDED), 1);
	assert_int_equal(changes(before, after, DIFF_MEMORY, DIFF_ADDED), 1);
	assert_int_equal(changes(before, after, DIFF_MEMORY, DIFF_REMOVED), 1);
	assert_int_equal(changes(before, after, DIFF_PROCESS, DIFF_CHANGED), 0);
	after->process_rules[0].text[0] = 'E';
	after->process_scoring.text = copy("on-peer-block flag");
	assert_int_equal(changes(before, after, DIFF_PROCESS, DIFF_CHANGED), 1);
	assert_int_equal(changes(before, after, DIFF_POLICY, DIFF_ADDED), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_back_what_it_wrote),
		cmocka_unit_test(a_file_name_that_is_not_utf8_is_stored),
		cmocka_unit_test(rejects_what_it_did_not_write),
		cmocka_unit_test(a_name_keeps_its_counter),
		cmocka_unit_test(a_freed_slot_rests_for_one_apply),
		cmocka_unit_test(no_two_rules_share_a_counter),
		cmocka_unit_test(too_many_names_are_refused),
		cmocka_unit_test(a_manifest_without_process_rules_is_read),
		cmocka_unit_test(a_manifest_without_the_action_of_points_is_read),
		cmocka_unit_test(a_process_rule_keeps_its_counter),
		cmocka_unit_test(an_index_names_its_rule),
		cmocka_unit_test(a_diff_tells_rules_on_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
