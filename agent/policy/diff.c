/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "diff.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "base/paths.h"

static const char *const part_words[] = {
	[DIFF_POLICY] = "policy", [DIFF_DEFAULT] = "default", [DIFF_PROTECT] = "protect",
	[DIFF_SET] = "set",	  [DIFF_RULE] = "rule",	      [DIFF_PROCESS] = "process",
	[DIFF_MEMORY] = "memory",
};

static const char *const kind_words[] = {
	[DIFF_ADDED] = "added",
	[DIFF_REMOVED] = "removed",
	[DIFF_CHANGED] = "changed",
	[DIFF_MOVED] = "moved",
};

const char *diff_part_word(enum diff_part part)
{
	return part_words[part];
}

const char *diff_kind_word(enum diff_kind kind)
{
	return kind_words[kind];
}

/* Takes `before` and `after`; either may be NULL. */
static int add(struct diff *diff, enum diff_part part, enum diff_kind kind, const char *name,
	       char *before, char *after)
{
	struct diff_entry *entries = reallocarray(diff->entries, diff->count + 1, sizeof(*entries));
	char *copy = strdup(name);

	if (entries)
		diff->entries = entries;
	if (!entries || !copy) {
		free(copy);
		free(before);
		free(after);
		return -ENOMEM;
	}
	entries[diff->count++] = (struct diff_entry){
		.part = part,
		.kind = kind,
		.name = copy,
		.before = before,
		.after = after,
	};
	return 0;
}

/* Compares what one name stands for on both sides; NULL: it is not there. Takes both. */
static int compare(struct diff *diff, enum diff_part part, const char *name, char *before,
		   char *after)
{
	if (before && after && !strcmp(before, after)) {
		free(before);
		free(after);
		return 0;
	}
	if (!before && !after)
		return -ENOMEM; /* neither text could be made */
	return add(diff, part,
		   !before  ? DIFF_ADDED
		   : !after ? DIFF_REMOVED
			    : DIFF_CHANGED,
		   name, before, after);
}

static char *set_text(const struct manifest_set *set)
{
	if (set->dynamic && set->timeout_ns)
		return path_format("dynamic, room for %u members, timeout %llu s", set->size,
				   (unsigned long long)(set->timeout_ns / 1000000000ULL));
	if (set->dynamic)
		return path_format("dynamic, room for %u members, no timeout", set->size);
	return path_format("%llu IPv4 and %llu IPv6 prefixes, digest %s",
			   (unsigned long long)set->entries4, (unsigned long long)set->entries6,
			   set->digest);
}

/* ---- rules: matched by name, and their order ---- */

struct rule_text {
	const char *name, *text;
	size_t place;
};

struct rule_list {
	struct rule_text *in_order, *by_name;
	size_t count;
};

static void rule_list_done(struct rule_list *list)
{
	free(list->in_order);
	free(list->by_name);
}

static int compare_names(const void *a, const void *b)
{
	const struct rule_text *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static void rule_list_add(struct rule_list *list, const char *name, const char *text)
{
	list->in_order[list->count] = (struct rule_text){name, text, list->count};
	list->count++;
}

/* The caller ends it with rule_list_done even after a failure. */
static int rule_list_make(const struct manifest *manifest, enum diff_part part,
			  struct rule_list *list)
{
	size_t room = manifest->nr_rules + manifest->nr_process_rules + 1, i;
	const struct manifest_process_rule *rule;

	list->in_order = calloc(room, sizeof(*list->in_order));
	list->by_name = calloc(room, sizeof(*list->by_name));
	if (!list->in_order || !list->by_name)
		return -ENOMEM;
	for (i = 0; part == DIFF_RULE && i < manifest->nr_rules; i++)
		rule_list_add(list, manifest->rules[i].name, manifest->rules[i].text);
	for (i = 0; i < manifest->nr_process_rules; i++) {
		rule = &manifest->process_rules[i];
		if (part == (rule->trigger == SYNFW_ON_EXEC ? DIFF_PROCESS : DIFF_MEMORY))
			rule_list_add(list, rule->name, rule->text);
	}
	memcpy(list->by_name, list->in_order, list->count * sizeof(*list->by_name));
	qsort(list->by_name, list->count, sizeof(*list->by_name), compare_names);
	return 0;
}

static const struct rule_text *find_rule(const struct rule_list *list, const char *name)
{
	const struct rule_text key = {.name = name};

	return bsearch(&key, list->by_name, list->count, sizeof(key), compare_names);
}

/* Marks the rules of a longest common subsequence: positions in the old policy, in the order of
 * the new one, of which the longest increasing run did not move. Patience sorting. */
static int mark_unmoved(const size_t *old_position, size_t count, bool *unmoved)
{
	CLEANUP(cleanup_free) size_t *tail = calloc(count + 1, sizeof(*tail));
	CLEANUP(cleanup_free) size_t *previous = calloc(count + 1, sizeof(*previous));
	size_t length = 0, i, low, high, middle;

	if (!tail || !previous)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		for (low = 0, high = length; low < high;) {
			middle = (low + high) / 2;
			if (old_position[tail[middle]] < old_position[i])
				low = middle + 1;
			else
				high = middle;
		}
		previous[i] = low ? tail[low - 1] : SIZE_MAX;
		tail[low] = i;
		if (low == length)
			length++;
	}
	for (i = length ? tail[length - 1] : SIZE_MAX; i != SIZE_MAX; i = previous[i])
		unmoved[i] = true;
	return 0;
}

static int diff_moves(enum diff_part part, const struct rule_text **common, size_t count,
		      struct diff *diff)
{
	CLEANUP(cleanup_free) size_t *old_position = calloc(count + 1, sizeof(*old_position));
	CLEANUP(cleanup_free) bool *unmoved = calloc(count + 1, sizeof(*unmoved));
	size_t i;
	int err;

	if (!old_position || !unmoved)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		old_position[i] = common[i]->place;
	err = mark_unmoved(old_position, count, unmoved);
	for (i = 0; !err && i < count; i++)
		if (!unmoved[i])
			err = add(diff, part, DIFF_MOVED, common[i]->name, NULL, NULL);
	return err;
}

static int diff_rule_lists(enum diff_part part, const struct rule_list *before,
			   const struct rule_list *after, struct diff *diff)
{
	CLEANUP(cleanup_free)
	const struct rule_text **common = calloc(after->count + 1, sizeof(*common));
	const struct rule_text *same;
	size_t i, nr_common = 0;
	int err = common ? 0 : -ENOMEM;

	for (i = 0; !err && i < before->count; i++)
		if (!find_rule(after, before->in_order[i].name))
			err = compare(diff, part, before->in_order[i].name,
				      strdup(before->in_order[i].text), NULL);
	for (i = 0; !err && i < after->count; i++) {
		same = find_rule(before, after->in_order[i].name);
		if (same)
			common[nr_common++] = same;
		err = compare(diff, part, after->in_order[i].name, same ? strdup(same->text) : NULL,
			      strdup(after->in_order[i].text));
	}
	return err ? err : diff_moves(part, common, nr_common, diff);
}

static int diff_rules(const struct manifest *before, const struct manifest *after,
		      enum diff_part part, struct diff *diff)
{
	CLEANUP(rule_list_done) struct rule_list old = {0};
	CLEANUP(rule_list_done) struct rule_list new = {0};
	int err = rule_list_make(before, part, &old);

	if (!err)
		err = rule_list_make(after, part, &new);
	return err ? err : diff_rule_lists(part, &old, &new, diff);
}

/* ---- the other parts: few, compared pairwise ---- */

static const struct manifest_set *find_set(const struct manifest *manifest, const char *name)
{
	size_t i;

	for (i = 0; i < manifest->nr_sets; i++)
		if (!strcmp(manifest->sets[i].name, name))
			return &manifest->sets[i];
	return NULL;
}

static int diff_sets(const struct manifest *before, const struct manifest *after, struct diff *diff)
{
	const struct manifest_set *same;
	int err = 0;
	size_t i;

	for (i = 0; !err && i < before->nr_sets; i++)
		if (!find_set(after, before->sets[i].name))
			err = compare(diff, DIFF_SET, before->sets[i].name,
				      set_text(&before->sets[i]), NULL);
	for (i = 0; !err && i < after->nr_sets; i++) {
		same = find_set(before, after->sets[i].name);
		err = compare(diff, DIFF_SET, after->sets[i].name, same ? set_text(same) : NULL,
			      set_text(&after->sets[i]));
	}
	return err;
}

struct protect_list {
	const struct manifest_protect *items;
	size_t count;
};

static bool has_protect(struct protect_list list, const char *text)
{
	size_t i;

	for (i = 0; i < list.count; i++)
		if (!strcmp(list.items[i].text, text))
			return true;
	return false;
}

static int diff_protect_lists(struct protect_list before, struct protect_list after,
			      struct diff *diff)
{
	int err = 0;
	size_t i;

	for (i = 0; !err && i < before.count; i++)
		if (!has_protect(after, before.items[i].text))
			err = add(diff, DIFF_PROTECT, DIFF_REMOVED, before.items[i].text, NULL,
				  NULL);
	for (i = 0; !err && i < after.count; i++)
		if (!has_protect(before, after.items[i].text))
			err = add(diff, DIFF_PROTECT, DIFF_ADDED, after.items[i].text, NULL, NULL);
	return err;
}

static int diff_protects(const struct manifest *before, const struct manifest *after,
			 struct diff *diff)
{
	int err = diff_protect_lists((struct protect_list){before->protects, before->nr_protects},
				     (struct protect_list){after->protects, after->nr_protects},
				     diff);

	return err ? err
		   : diff_protect_lists((struct protect_list){before->program_protects,
							      before->nr_program_protects},
					(struct protect_list){after->program_protects,
							      after->nr_program_protects},
					diff);
}

static const char *find_default(const struct manifest *manifest, const char *name)
{
	size_t i;

	for (i = 0; i < manifest->nr_defaults; i++)
		if (!strcmp(manifest->defaults[i].name, name))
			return manifest->defaults[i].choice;
	return NULL;
}

static int diff_defaults(const struct manifest *before, const struct manifest *after,
			 struct diff *diff)
{
	const char *old;
	int err = 0;
	size_t i;

	for (i = 0; !err && i < after->nr_defaults; i++) {
		old = find_default(before, after->defaults[i].name);
		err = compare(diff, DIFF_DEFAULT, after->defaults[i].name, old ? strdup(old) : NULL,
			      strdup(after->defaults[i].choice));
	}
	return err;
}

/* One line of the policy as a whole; a manifest may be without it. */
static int diff_line(const char *name, const char *before, const char *after, struct diff *diff)
{
	if (!after)
		return 0;
	return compare(diff, DIFF_POLICY, name, before ? strdup(before) : NULL, strdup(after));
}

static int diff_policy(const struct manifest *before, const struct manifest *after,
		       struct diff *diff)
{
	const char *mode = before->monitor ? "monitor" : "block";
	const char *scoring_before = before->process_scoring.text;
	const char *scoring_after = after->process_scoring.text;
	int err = diff_line("name", before->policy, after->policy, diff);

	if (!err)
		err = diff_line("mode", before->policy ? mode : NULL,
				after->monitor ? "monitor" : "block", diff);
	if (!err)
		err = diff_line("scoring", before->scoring, after->scoring, diff);
	if (!err)
		err = diff_line("logging", before->logging, after->logging, diff);
	if (!err && (scoring_before || scoring_after))
		err = compare(diff, DIFF_POLICY, "process-scoring",
			      scoring_before ? strdup(scoring_before) : NULL,
			      scoring_after ? strdup(scoring_after) : NULL);
	return err;
}

int diff_manifests(const struct manifest *before, const struct manifest *after,
		   struct diff *ret_diff)
{
	static const enum diff_part rule_parts[] = {DIFF_RULE, DIFF_PROCESS, DIFF_MEMORY};
	static const struct manifest nothing;
	struct diff diff = {0};
	size_t i;
	int err;

	if (!before)
		before = &nothing;
	err = diff_policy(before, after, &diff);
	if (!err)
		err = diff_defaults(before, after, &diff);
	if (!err)
		err = diff_protects(before, after, &diff);
	if (!err)
		err = diff_sets(before, after, &diff);
	for (i = 0; !err && i < sizeof(rule_parts) / sizeof(*rule_parts); i++)
		err = diff_rules(before, after, rule_parts[i], &diff);
	if (err) {
		diff_done(&diff);
		return err;
	}
	*ret_diff = diff;
	return 0;
}

size_t diff_count(const struct diff *diff, enum diff_part part, enum diff_kind kind)
{
	size_t i, count = 0;

	for (i = 0; i < diff->count; i++)
		count += diff->entries[i].part == part && diff->entries[i].kind == kind;
	return count;
}

void diff_done(struct diff *diff)
{
	size_t i;

	for (i = 0; i < diff->count; i++) {
		free(diff->entries[i].name);
		free(diff->entries[i].before);
		free(diff->entries[i].after);
	}
	free(diff->entries);
	*diff = (struct diff){0};
}
