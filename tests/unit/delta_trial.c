/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "delta_trial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include <compile/basis.h>
#include <synfw/cleanup.h>
#include <synfw/trie.h>

struct lists lists;
uint64_t max_table_bytes;

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

const char *const list_names[NR_LISTS] = {"listed", "other", "small"};

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

static struct policy *parse(const char *text, struct diags *diags)
{
	const struct policyc_loader loader = {.load = load_list};
	struct policy *policy = NULL;

	assert_int_equal(policyc_parse("p", text, strlen(text), &loader, diags, &policy), 0);
	return policy;
}

static struct image *compile_policy(const struct policy *policy, struct diags *diags,
				    const struct image *before)
{
	static struct prefix4 gateway = {.addr = 0x0a000001, .prefixlen = 32};
	static struct prefix4 resolver = {.addr = 0xc0a80035, .prefixlen = 32};
	const struct prefix_list gateways = {.v4 = &gateway, .nr_v4 = 1};
	const struct prefix_list resolvers = {.v4 = &resolver, .nr_v4 = 1};
	const struct policyc_options options = {
		.before = before,
		.infrastructure = {&gateways, &resolvers},
		.max_table_bytes = max_table_bytes,
	};
	struct image *image = NULL;

	assert_int_equal(policyc_compile(policy, &options, diags, &image), 0);
	return image;
}

struct image *compile(const char *text, const struct image *before)
{
	CLEANUP(diags_freep) struct diags *diags = diags_new();
	CLEANUP(policy_freep) struct policy *policy = parse(text, diags);

	return compile_policy(policy, diags, before);
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

/* What apply does to an image. */
static void put_in_force(struct image *image)
{
	struct synfw_header *header = image_header(image);

	for (uint32_t bit = 0; bit < header->nr_bits; bit++)
		image_rule(image, bit)->counter = 1 + bit;
	header->manifest_base = image->nr_lines;
	header->manifest_bytes = SYNFW_LINE_BYTES;
	image->lines = realloc(image->lines, (image->nr_lines + 1) * sizeof(*image->lines));
	assert_non_null(image->lines);
	memset(&image->lines[image->nr_lines++], '{', sizeof(*image->lines));
	header = image_header(image);
	header->nr_lines = image->nr_lines;
}

void step(const char *text, struct image **image)
{
	CLEANUP(diags_freep) struct diags *diags = diags_new();
	CLEANUP(policy_freep) struct policy *policy = parse(text, diags);
	struct image *made = compile_policy(policy, diags, NULL), *patched;

	if (*image)
		put_in_force(*image);
	patched = compile_policy(policy, diags, *image);
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

static size_t fixed[NR_LISTS];

void lists_fix(void)
{
	memcpy(fixed, lists.count, sizeof(fixed));
}

size_t change(draw_fn draw, int list, size_t added, size_t dropped)
{
	size_t went = 0;

	while (added--)
		add(list, draw());
	for (; went < dropped && lists.count[list] > fixed[list]; went++)
		drop(list, fixed[list] + random_below(lists.count[list] - fixed[list]));
	return went;
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

void assert_changes_are_copied(draw_fn draw, const char *text)
{
	struct image *image = NULL;

	step(text, &image);
	for (int round = 0; round < 3; round++) {
		change(draw, LISTED, 20, 20);
		assert_copied(text, &image);
	}
	image_free(image);
}

/* An image that is not as it was made, and what has to come of it. */
struct damage {
	const struct policy *policy;
	struct diags *diags;
	struct image *before, *expected;
};

static void flip(const struct damage *damage, uint32_t line, uint32_t bit)
{
	damage->before->lines[line].byte[bit / 8] ^= 1 << bit % 8;
}

/* How much of the image before was used. */
static uint32_t assert_right(const struct damage *damage)
{
	struct image *image = compile_policy(damage->policy, damage->diags, damage->before);
	uint32_t nr_copied = image->nr_copied;

	assert_same(image, damage->expected);
	image_free(image);
	return nr_copied;
}

/* One bit, or the same in two lines of the trie, which begins at `root`. */
static void assert_flips_are_seen(const struct damage *damage, uint32_t root, uint32_t basis)
{
	uint32_t nr_lines = damage->before->nr_lines - 1; /* the manifest is not looked at */

	for (int i = 0; i < 120; i++) {
		/* the head more often than its share, then the rest and the trie */
		uint32_t line = i < 60	 ? basis + random_below(5)
				: i < 90 ? basis + random_below(nr_lines - basis)
					 : root + random_below(basis - root);
		uint32_t bit = random_below(8 * SYNFW_LINE_BYTES);

		flip(damage, line, bit);
		assert_int_equal(assert_right(damage), 0);
		flip(damage, line, bit);
	}
	for (uint32_t bit = 0; bit < 8 * SYNFW_LINE_BYTES; bit += 73) {
		flip(damage, root + 1, bit);
		flip(damage, root + 5, bit);
		assert_int_equal(assert_right(damage), 0);
		flip(damage, root + 1, bit);
		flip(damage, root + 5, bit);
	}
	/* where tables begin, and the class of the rest: used or not */
	for (uint32_t bit = 0; bit < 2 * 8 * SYNFW_LINE_BYTES; bit += 27) {
		flip(damage, 1 + bit / 512, bit % 512);
		assert_right(damage);
		flip(damage, 1 + bit / 512, bit % 512);
	}
}

/* All else is right, and would be used. */
static void assert_other_compilers_are_seen(const struct damage *damage, uint32_t basis)
{
	struct basis_head *head = (struct basis_head *)&damage->before->lines[basis];

	head->compiler ^= 1;
	basis_sign(damage->before->lines, basis);
	assert_int_equal(assert_right(damage), 0);
	head->compiler ^= 1;
	basis_sign(damage->before->lines, basis);
	assert_true(assert_right(damage) > 0);
}

static void assert_lengths_are_seen(const struct damage *damage, uint32_t basis)
{
	struct image *before = damage->before;
	struct synfw_class_tables *tables = (struct synfw_class_tables *)&before->lines[1];
	uint32_t nr_lines = before->nr_lines;

	for (uint32_t cut = 0; cut < nr_lines - 1; cut += 1 + nr_lines / 12) {
		before->nr_lines = cut;
		assert_int_equal(assert_right(damage), 0);
	}
	before->nr_lines = nr_lines;
	for (uint64_t place = 0; place <= UINT32_MAX; place += 1 + (UINT32_MAX - place) / 3) {
		tables->basis = place;
		assert_true(place == basis || !assert_right(damage));
	}
	for (uint32_t place = 0; place < nr_lines; place += 1 + nr_lines / 12) {
		tables->basis = place;
		assert_true(place == basis || !assert_right(damage));
	}
	tables->basis = basis;
}

void assert_damage_is_seen(struct image *before)
{
	CLEANUP(diags_freep) struct diags *diags = diags_new();
	CLEANUP(policy_freep) struct policy *policy = parse(one_rule, diags);
	struct damage damage = {.policy = policy, .diags = diags, .before = before};
	const struct synfw_class_tables *tables;
	uint32_t basis, root;

	put_in_force(before);
	tables = image_class_tables(before);
	basis = tables->basis;
	root = tables->trie4_root[SYNFW_DIR_SRC] == SYNFW_TRIE4_ROOT_LINES
		       ? tables->trie4[SYNFW_DIR_SRC]
		       : tables->trie6[SYNFW_DIR_SRC];
	damage.expected = compile_policy(policy, diags, NULL);
	assert_true(assert_right(&damage) > 0);
	assert_flips_are_seen(&damage, root, basis);
	assert_lengths_are_seen(&damage, basis);
	assert_other_compilers_are_seen(&damage, basis);
	assert_true(assert_right(&damage) > 0);
	image_free(damage.expected);
}
