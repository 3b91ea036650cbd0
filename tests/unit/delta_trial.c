/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "delta_trial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include <synfw/cleanup.h>
#include <synfw/trie.h>

struct lists lists;

static uint64_t random_state = 9;

/* splitmix64 (Steele, Lea and Flood 2014) */
uint64_t random_next(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

uint32_t random_below(uint32_t end)
{
	return random_next() % end;
}

/* ---- the policies ---- */

static const char *const list_names[NR_LISTS] = {"listed", "other", "small"};

static int load_list(void *context, const char *path, char **ret_text, size_t *ret_length,
		     uint64_t *ret_mtime_ns)
{
	FILE *out = open_memstream(ret_text, ret_length);

	assert_non_null(out);
	for (int list = 0; list < NR_LISTS; list++) {
		if (strcmp(path, list_names[list]))
			continue;
		for (size_t i = 0; i < lists.count[list]; i++) {
			const struct any_prefix *prefix = &lists.list[list][i];
			char text[64];

			if (prefix->family == 4)
				prefix4_format(&prefix->v4, text, sizeof(text));
			else
				prefix6_format(&prefix->v6, text, sizeof(text));
			fprintf(out, "%s\n", text);
		}
	}
	fclose(out);
	*ret_mtime_ns = 0;
	return 0;
}

const char one_rule[] = SETS "- {name: r, from: listed, action: drop}\n";

#define SOURCES                                                                             \
	SETS "- {name: s, from: small, action: allow}\n"                                    \
	     "- {name: l, from: listed, except: {from: other}, to: 22/tcp, action: drop}\n" \
	     "- {name: o, from: [other, listed], action: drop}\n"

const char sources[] = SOURCES;
const char all_lists[] = SOURCES "- {name: d, to-address: [other, listed], action: drop}\n";

struct image *compile(const char *text, const struct image *before)
{
	const struct policyc_loader loader = {.load = load_list};
	const struct policyc_options options = {.before = before};
	CLEANUP(diags_freep) struct diags *diags = diags_new();
	CLEANUP(policy_freep) struct policy *policy = NULL;
	struct image *image = NULL;

	assert_int_equal(policyc_parse("p", text, strlen(text), &loader, diags, &policy), 0);
	assert_int_equal(policyc_compile(policy, &options, diags, &image), 0);
	return image;
}

void assert_same(const struct image *image, const struct image *other)
{
	assert_int_equal(image->nr_lines, other->nr_lines);
	for (uint32_t i = 0; i < image->nr_lines; i++)
		if (memcmp(&image->lines[i], &other->lines[i], SYNFW_LINE_BYTES))
			fail_msg("line %u of %u differs, the basis begins at %u", i,
				 image->nr_lines, image_class_tables(image)->basis);
	assert_memory_equal(image->nr_classes, other->nr_classes, sizeof(image->nr_classes));
	assert_int_equal(image->kernel_bytes, other->kernel_bytes);
}

void step(const char *text, struct image **image)
{
	struct image *made = compile(text, NULL), *patched = compile(text, *image);

	assert_int_equal(made->nr_copied, 0);
	assert_same(patched, made);
	image_free(*image);
	image_free(made);
	*image = patched;
}

/* ---- the lists ---- */

void add(int list, struct any_prefix prefix)
{
	assert_true(lists.count[list] < MAX_LISTED);
	lists.list[list][lists.count[list]++] = prefix;
}

void drop(int list, size_t place)
{
	lists.list[list][place] = lists.list[list][--lists.count[list]];
}

/* ---- what becomes of them ---- */

void assert_made_anew(const char *text, struct image **image)
{
	step(text, image);
	assert_int_equal(image[0]->nr_copied, 0);
}

void assert_copied(const char *text, struct image **image)
{
	step(text, image);
	assert_true(image[0]->nr_copied > 0);
}

/* A policy is compiled from what is left of an image, or from all else. */
static void assert_not_used(struct image *before, const struct image *expected)
{
	struct image *image = compile(one_rule, before);

	assert_same(image, expected);
	assert_int_equal(image->nr_copied, 0);
	image_free(image);
}

void assert_damage_is_seen(struct image *before)
{
	struct image *expected = compile(one_rule, before);
	const struct synfw_class_tables *tables = image_class_tables(before);
	uint32_t nr_lines = before->nr_lines, basis = tables->basis;
	uint32_t root = tables->trie4_root[SYNFW_DIR_SRC] == SYNFW_TRIE4_ROOT_LINES
				? tables->trie4[SYNFW_DIR_SRC]
				: tables->trie6[SYNFW_DIR_SRC];

	assert_true(expected->nr_copied > 0);

	for (int i = 0; i < 120; i++) {
		/* the head more often than its share, then the rest and the trie */
		uint32_t line = i < 60	 ? basis + random_below(5)
				: i < 90 ? basis + random_below(nr_lines - basis)
					 : root + random_below(basis - root);
		uint8_t *byte = &before->lines[line].byte[random_below(SYNFW_LINE_BYTES)];
		uint8_t mask = 1 << random_below(8);

		*byte ^= mask;
		assert_not_used(before, expected);
		*byte ^= mask;
	}
	for (uint32_t cut = 1; cut < nr_lines; cut += 1 + nr_lines / 12) {
		before->nr_lines = cut;
		assert_not_used(before, expected);
	}
	before->nr_lines = 0;
	assert_not_used(before, expected);
	before->nr_lines = nr_lines;
	for (uint32_t place = 0; place < 4 * nr_lines; place += 1 + nr_lines / 12) {
		((struct synfw_class_tables *)&before->lines[1])->basis = place;
		if (place != basis)
			assert_not_used(before, expected);
	}
	((struct synfw_class_tables *)&before->lines[1])->basis = UINT32_MAX;
	assert_not_used(before, expected);
	image_free(expected);
}
