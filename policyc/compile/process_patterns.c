/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the patterns of a policy say, each distinct one once. */
#include "compile/process_build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

/* "/a/nc" -> "nc/a/": the components from the last on, each with '/' behind it. */
static void put_reversed(const char *path, size_t length, uint8_t *out)
{
	while (length) {
		size_t end = length;

		while (path[length - 1] != '/')
			length--;
		memcpy(out, path + length, end - length);
		out += end - length;
		*out++ = '/';
		length--;
	}
}

static void pattern_key(const struct path_pattern *pattern, struct synfw_path_key *ret_key)
{
	*ret_key = (struct synfw_path_key){.kind = pattern->kind};
	if (pattern->kind == PATH_NAME)
		put_reversed(pattern->path, pattern->length, ret_key->text);
	else if (pattern->kind != PATH_MEMFD)
		memcpy(ret_key->text, pattern->path, pattern->length);
}

static int pattern_add(struct process_build *build, const struct path_pattern *pattern,
		       uint32_t *ret_number)
{
	struct synfw_path_key key;
	uint32_t number;
	int error;

	pattern_key(pattern, &key);
	error = intern_add(&build->patterns, &key, &number);
	if (error)
		return error;
	if (number == build->sayings_room) {
		uint32_t room = number ? 2 * number : 64;
		struct process_saying *sayings =
			reallocarray(build->sayings, room, sizeof(*sayings));

		if (!sayings)
			return -ENOMEM;
		memset(sayings + number, 0, (room - number) * sizeof(*sayings));
		build->sayings = sayings;
		build->sayings_room = room;
	}
	*ret_number = number;
	return 0;
}

static int exec_collect(struct process_build *build, uint32_t bit)
{
	const struct path_list *list = &build->bit[bit].match->exec;
	uint32_t number;

	for (size_t i = 0; i < list->count; i++) {
		int error = pattern_add(build, &list->pattern[i], &number);

		if (error)
			return error;
		process_vector_set(&build->sayings[number].exec, bit);
	}
	return 0;
}

static int protected_collect(struct process_build *build, const struct path_list *protected)
{
	uint32_t number;

	for (size_t i = 0; i < protected->count; i++) {
		int error = pattern_add(build, &protected->pattern[i], &number);

		if (error)
			return error;
		build->sayings[number].flags |= SYNFW_PATH_PROTECTED;
	}
	return 0;
}

/* ---- terms: the lists of `parent` and `ancestor` ---- */

static int compare_numbers(const void *left, const void *right)
{
	const uint32_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static int numbers_of(struct process_build *build, const struct path_list *list,
		      uint32_t **ret_numbers, size_t *ret_count)
{
	CLEANUP(cleanup_free) uint32_t *numbers = calloc(list->count + 1, sizeof(*numbers));
	size_t count = 0;

	if (!numbers)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++) {
		int error = pattern_add(build, &list->pattern[i], &numbers[i]);

		if (error)
			return error;
	}
	qsort(numbers, list->count, sizeof(*numbers), compare_numbers);
	for (size_t i = 0; i < list->count; i++)
		if (!count || numbers[count - 1] != numbers[i])
			numbers[count++] = numbers[i];
	*ret_numbers = TAKE_PTR(numbers);
	*ret_count = count;
	return 0;
}

/* Takes `numbers` when it succeeds. */
static int term_append(struct process_build *build, uint32_t *numbers, size_t count)
{
	uint32_t term = build->nr_terms;

	if (term == build->terms_room) {
		uint32_t room = term ? 2 * term : 16;
		struct process_term *terms = reallocarray(build->terms, room, sizeof(*terms));

		if (!terms)
			return -ENOMEM;
		build->terms = terms;
		build->terms_room = room;
	}
	build->terms[term] = (struct process_term){numbers, count};
	build->nr_terms++;
	/* Those beyond the limit are only counted, for the estimate. */
	for (size_t i = 0; term < SYNFW_MAX_LINEAGE_TERMS && i < count; i++)
		build->sayings[numbers[i]].term[term / 64] |= 1ULL << term % 64;
	return 0;
}

static int term_add(struct process_build *build, const struct path_list *list, uint32_t *ret_term)
{
	CLEANUP(cleanup_free) uint32_t *numbers = NULL;
	size_t count;
	int error = numbers_of(build, list, &numbers, &count);

	if (error)
		return error;
	for (uint32_t term = 0; term < build->nr_terms; term++) {
		if (build->terms[term].count != count ||
		    memcmp(build->terms[term].pattern, numbers, count * sizeof(*numbers)))
			continue;
		*ret_term = term;
		return 0;
	}
	error = term_append(build, numbers, count);
	if (error)
		return error;
	TAKE_PTR(numbers);
	*ret_term = build->nr_terms - 1;
	return 0;
}

static int lineage_collect(struct process_build *build, struct process_bit *bit)
{
	int error = 0;

	if (bit->match->keys & PROCESS_PARENT)
		error = term_add(build, &bit->match->parent, &bit->parent_term);
	if (!error && bit->match->keys & PROCESS_ANCESTOR)
		error = term_add(build, &bit->match->ancestor, &bit->ancestor_term);
	return error;
}

static int args_collect(struct process_build *build, struct process_bit *bit)
{
	const struct args_match *args = &bit->match->args;

	for (size_t i = 0; i < args->count; i++) {
		struct synfw_path_key key = {.kind = SYNFW_PATH_ARGUMENT};
		int error;

		memcpy(key.text, args->arg[i], strlen(args->arg[i]));
		error = intern_add(&build->args, &key, &bit->arg[i]);
		if (error)
			return error;
	}
	return 0;
}

/* ---- the order of keys ---- */

static const struct synfw_path_key *key_of(const struct process_build *build, uint32_t number)
{
	return intern_record(&build->patterns, number);
}

static int compare_keys(const void *left, const void *right, void *context)
{
	const struct process_build *build = context;

	return memcmp(key_of(build, *(const uint32_t *)left),
		      key_of(build, *(const uint32_t *)right), sizeof(struct synfw_path_key));
}

static int patterns_sort(struct process_build *build)
{
	build->sorted = calloc(build->patterns.count + 1, sizeof(*build->sorted));
	if (!build->sorted)
		return -ENOMEM;
	for (uint32_t i = 0; i < build->patterns.count; i++)
		build->sorted[i] = i;
	qsort_r(build->sorted, build->patterns.count, sizeof(*build->sorted), compare_keys, build);
	return 0;
}

static bool begins_with(const struct synfw_path_key *key, const struct synfw_path_key *shorter)
{
	return key->kind == shorter->kind &&
	       !memcmp(key->text, shorter->text, process_text_bytes(shorter));
}

static void saying_add(struct process_saying *saying, const struct process_saying *other)
{
	process_vector_add(&saying->exec, &other->exec);
	for (int i = 0; i < SYNFW_LINEAGE_WORDS; i++)
		saying->term[i] |= other->term[i];
	saying->flags |= other->flags;
}

/* Keys that begin with a shorter one stand behind it without others in between, and each text ends
 * with
 * '/': `around` holds those that the last key begins with, each of which includes those before it.
 */
static void shorter_into_longer(struct process_build *build)
{
	uint32_t around[SYNFW_MAX_PATTERN];
	size_t depth = 0;

	for (uint32_t i = 0; i < build->patterns.count; i++) {
		uint32_t number = build->sorted[i];
		const struct synfw_path_key *key = key_of(build, number);

		if (key->kind != SYNFW_PATH_PREFIX && key->kind != SYNFW_PATH_SUFFIX)
			continue;
		while (depth && !begins_with(key, key_of(build, around[depth - 1])))
			depth--;
		if (depth)
			saying_add(&build->sayings[number], &build->sayings[around[depth - 1]]);
		around[depth++] = number;
	}
}

int process_patterns_collect(struct process_build *build, const struct path_list *protected)
{
	const struct policy *policy = build->policy;
	int error = protected ? protected_collect(build, protected) : 0;

	for (size_t i = 0; !error && i < policy->nr_program_protects; i++)
		error = protected_collect(build, &policy->program_protects[i].programs.exec);
	for (uint32_t i = 0; !error && i < build->nr_bits; i++) {
		error = exec_collect(build, i);
		if (!error)
			error = lineage_collect(build, &build->bit[i]);
		if (!error)
			error = args_collect(build, &build->bit[i]);
	}
	if (!error)
		error = patterns_sort(build);
	if (!error)
		shorter_into_longer(build);
	return error;
}
