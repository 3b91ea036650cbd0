/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "report.h"

#include <stdio.h>

#include <synfw/cleanup.h>

#include "base/json.h"
#include "base/ui.h"

static const struct {
	char sign;
	enum ui_style style;
} kind_looks[] = {
	[DIFF_ADDED] = {'+', UI_GREEN},
	[DIFF_REMOVED] = {'-', UI_RED},
	[DIFF_CHANGED] = {'~', UI_YELLOW},
	[DIFF_MOVED] = {'>', UI_YELLOW},
};

static void print_change(const struct diff_entry *entry)
{
	printf("  %s%c %s %s%s", ui_style(stdout, kind_looks[entry->kind].style),
	       kind_looks[entry->kind].sign, diff_part_word(entry->part), entry->name,
	       ui_style(stdout, UI_PLAIN));
	if (entry->kind == DIFF_MOVED)
		printf(": at another place in the order");
	else if (entry->before && entry->after)
		printf(": %s -> %s", entry->before, entry->after);
	else if (entry->before || entry->after)
		printf(": %s", entry->after ? entry->after : entry->before);
	putchar('\n');
}

/* Of all kinds of rules. */
static size_t count_rules(const struct diff *diff, enum diff_kind kind)
{
	return diff_count(diff, DIFF_RULE, kind) + diff_count(diff, DIFF_PROCESS, kind) +
	       diff_count(diff, DIFF_MEMORY, kind);
}

static void print_summary(const struct diff *diff)
{
	printf("  rules: %zu added, %zu removed, %zu changed, %zu moved\n",
	       count_rules(diff, DIFF_ADDED), count_rules(diff, DIFF_REMOVED),
	       count_rules(diff, DIFF_CHANGED), count_rules(diff, DIFF_MOVED));
}

void report_print_changes(const struct diff *diff)
{
	size_t i;

	print_summary(diff);
	for (i = 0; i < diff->count && i < REPORT_MAX_CHANGES; i++)
		print_change(&diff->entries[i]);
	if (diff->count > REPORT_MAX_CHANGES)
		printf("  ... and %s; all of them with --json\n",
		       ui_count(diff->count - REPORT_MAX_CHANGES, "more change"));
}

void report_print_sets(const struct manifest *manifest)
{
	size_t i;

	for (i = 0; i < manifest->nr_sets; i++) {
		const struct manifest_set *set = &manifest->sets[i];

		if (set->dynamic)
			printf("  set %s: dynamic, room for %u members\n", set->name, set->size);
		else
			printf("  set %s: %llu IPv4 and %llu IPv6 prefixes\n", set->name,
			       (unsigned long long)set->entries4,
			       (unsigned long long)set->entries6);
	}
}

json_t *report_changes_json(const struct diff *diff)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < diff->count; i++)
		/* clang-format off */
		json_array_append_new(
			array, json_pack("{s:s, s:s, s:o, s:o, s:o}",
					 "part", diff_part_word(diff->entries[i].part),
					 "change", diff_kind_word(diff->entries[i].kind),
					 "name", json_text(diff->entries[i].name),
					 "before", json_text_or_null(diff->entries[i].before),
					 "after", json_text_or_null(diff->entries[i].after)));
	/* clang-format on */
	return array;
}

static json_t *seconds_json(uint64_t ns)
{
	return ns ? json_integer(ns / 1000000000ULL) : json_null();
}

static json_t *set_json(const struct manifest_set *set)
{
	/* clang-format off */
	return json_pack("{s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:n}",
			 "name", json_text(set->name),
			 "ipv4", (json_int_t)set->entries4,
			 "ipv6", (json_int_t)set->entries6,
			 "digest", set->dynamic ? json_null() : json_string(set->digest),
			 "file", json_text_or_null(set->file),
			 "file_time", set->mtime_ns ? json_time(set->mtime_ns) : json_null(),
			 "max_age_s", seconds_json(set->max_age_ns),
			 "dynamic", set->dynamic,
			 "size", set->dynamic ? json_integer(set->size) : json_null(),
			 "timeout_s", seconds_json(set->timeout_ns),
			 "members");
	/* clang-format on */
}

static int add_count(const struct dynamic *dynamic, const char *name, json_t *object,
		     struct fault *fault)
{
	struct members_count count;
	int err = dynamic_count(dynamic, name, fault, &count);

	if (err)
		return err;
	json_object_set_new(object, "ipv4", json_integer(count.ipv4));
	json_object_set_new(object, "ipv6", json_integer(count.ipv6));
	json_object_set_new(object, "members", json_integer((json_int_t)count.ipv4 + count.ipv6));
	return 0;
}

json_t *report_sets_json(const struct manifest *manifest, const struct dynamic *dynamic,
			 struct fault *fault)
{
	CLEANUP(json_decrefp) json_t *array = json_array();
	size_t i;

	for (i = 0; i < manifest->nr_sets; i++) {
		json_t *object = set_json(&manifest->sets[i]);

		json_array_append_new(array, object);
		if (dynamic && manifest->sets[i].dynamic &&
		    add_count(dynamic, manifest->sets[i].name, object, fault))
			return NULL;
	}
	return TAKE_PTR(array);
}

json_t *report_notes_json(const struct notes *notes)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < notes->count; i++)
		json_array_append_new(array, json_text(notes->text[i]));
	return array;
}

int report_print_json(const json_t *root)
{
	if (!root || json_dumpf(root, stdout, JSON_COMPACT)) {
		if (!ferror(stdout))
			ui_error("out of memory");
		return EXIT_KERNEL;
	}
	putchar('\n');
	return EXIT_DONE;
}
