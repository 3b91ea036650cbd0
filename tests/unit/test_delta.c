/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A policy compiled from the image of another one is byte for byte as without it, whatever has
 * changed in between; and where only members have, most of the root is copied.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delta_trial.h"
#include "unit.h"

#include <synfw/cleanup.h>
#include <synfw/trie.h>

#define NR_ENTRIES (1U << SYNFW_TRIE_LINE_ROOT_BITS)

/* A root of lines from some 33,000 prefixes on, mostly. */
#define NR_LISTED 60000

/* ---- what changes ---- */

static struct any_prefix prefix_of(uint32_t addr, uint8_t prefixlen)
{
	return (struct any_prefix){
		.family = 4,
		.v4 = {.addr = prefixlen ? addr & ~0U << (32 - prefixlen) : 0,
		       .prefixlen = prefixlen},
	};
}

/* Anywhere, or where many are: entries with more changes of class than a line has room for, and
 * lists that have no room. */
static struct any_prefix draw(void)
{
	static const uint8_t lengths[] = {18, 24, 24, 25, 30, 32, 32, 32};
	uint32_t addr = random_next();

	if (random_below(4) == 0)
		addr = 0x0a000000 | random_below(64) << 15 | random_below(1 << 15);
	else if (random_below(8) == 0)
		addr = 0xc0a80000 | random_below(1024);
	return prefix_of(addr, lengths[random_below(sizeof(lengths))]);
}

static void begin(size_t listed, size_t other)
{
	memset(lists.count, 0, sizeof(lists.count));
	/* the classes come up here, and stay */
	for (uint32_t i = 0; i < 2; i++) {
		add(LISTED, prefix_of(i << 8, 32));
		add(OTHER, prefix_of((i + 1) << 8, 32));
		add(SMALL, prefix_of((i + 2) << 8, 32));
		add(SMALL, prefix_of(i << 8 | 1, 32));
		add(LISTED, prefix_of(i << 8 | 1, 32));
		add(OTHER, prefix_of(i << 8 | 1, 32));
		add(SMALL, prefix_of(i << 8 | 2, 32));
		add(OTHER, prefix_of(i << 8 | 2, 32));
		add(SMALL, prefix_of(i << 8 | 3, 32));
		add(LISTED, prefix_of(i << 8 | 3, 32));
	}
	lists_fix();
	for (size_t i = 0; i < listed; i++)
		add(LISTED, draw());
	for (size_t i = 0; i < other; i++)
		add(OTHER, draw());
}

static void members_that_come_and_go(void **state)
{
	struct image *image = NULL;

	begin(NR_LISTED, 0);
	step(one_rule, &image);
	for (int round = 0; round < 6; round++) {
		change(draw, LISTED, random_below(200), random_below(200));
		step(one_rule, &image);
		assert_true(image->nr_copied > NR_ENTRIES * 3 / 4);
		assert_true(image->nr_changed > 0);
	}
	/* nothing */
	step(one_rule, &image);
	assert_int_equal(image->nr_copied, NR_ENTRIES);
	image_free(image);
}

static void lists_that_share_addresses_and_both_directions(void **state)
{
	struct image *image = NULL;
	size_t went = 0;

	begin(NR_LISTED, NR_LISTED / 2);
	step(all_lists, &image);
	for (int round = 0; round < 6; round++) {
		change(draw, round % 2 ? LISTED : OTHER, random_below(100), random_below(100));
		went += change(draw, SMALL, 1 + random_below(2), random_below(3));
		step(all_lists, &image);
		assert_true(image->nr_copied > 2 * NR_ENTRIES * 3 / 4);
		assert_true(image->nr_changed > 0);
	}
	assert_true(went > 2);
	image_free(image);
}

/* ---- what is made anew ---- */

/* 0.0.0.0/0 to /17 and back: most entries, or few. */
static void long_and_short_prefixes(void **state)
{
	struct image *image = NULL;

	begin(NR_LISTED, 0);
	step(all_lists, &image);
	for (uint8_t prefixlen = 17; prefixlen; prefixlen--) {
		struct any_prefix prefix = prefix_of(0xb0000000, prefixlen);

		add(OTHER, prefix);
		/* a quarter of the root is too much */
		if (prefixlen < 3)
			assert_made_anew(all_lists, &image);
		else
			assert_copied(all_lists, &image);
		drop(OTHER, lists.count[OTHER] - 1);
		step(all_lists, &image);
	}
	add(OTHER, prefix_of(0, 0));
	assert_made_anew(all_lists, &image);
	image_free(image);
}

static void edges_of_the_address_space(void **state)
{
	static const uint32_t edges[] = {0, 0x7fff, 0x8000, 0xffff7fff, 0xffff8000, 0xffffffff};
	struct image *image = NULL;

	begin(NR_LISTED, 0);
	step(one_rule, &image);
	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		add(LISTED, prefix_of(edges[i], 32));
		assert_copied(one_rule, &image);
		drop(LISTED, lists.count[LISTED] - 1);
		assert_copied(one_rule, &image);
	}
	image_free(image);
}

/* Classes are numbered in the order in which they come up. */
static void classes_that_come_and_go_and_change_places(void **state)
{
	struct image *image = NULL;

	begin(NR_LISTED, NR_LISTED / 2);
	step(sources, &image);
	/* in front of all: the class of `other` comes up before that of `listed` */
	add(OTHER, prefix_of(1, 32));
	drop(LISTED, 0);
	assert_made_anew(sources, &image);
	lists.count[SMALL] = 0;
	assert_made_anew(sources, &image);
	/* one that comes up for the first time */
	add(SMALL, prefix_of(0xf0000000, 32));
	assert_made_anew(sources, &image);
	add(SMALL, prefix_of(0xf1000000, 32));
	assert_copied(sources, &image);
	/* the one with which it came up goes, another stays: the last class in any case */
	drop(SMALL, 0);
	assert_copied(sources, &image);
	add(SMALL, prefix_of(0xe0000000, 32));
	assert_copied(sources, &image);
	drop(SMALL, 0);
	assert_copied(sources, &image);
	/* a class that is covered wherever it is */
	add(OTHER, prefix_of(0xee000000, 31));
	add(SMALL, prefix_of(0xee000000, 32));
	add(SMALL, prefix_of(0xee000001, 32));
	step(sources, &image);
	change(draw, LISTED, 100, 100);
	step(sources, &image);
	/* too far away to be looked for */
	lists.count[SMALL] = 0;
	add(SMALL, prefix_of(0x30000000, 32));
	add(SMALL, prefix_of(0xf0000000, 32));
	step(sources, &image);
	drop(SMALL, 0);
	assert_made_anew(sources, &image);
	image_free(image);
}

/* Two classes, of which each comes up where the other one did, in front of it and behind it. */
static void classes_around_each_other(void **state)
{
	static const char two_rules[] = SETS "- {name: a, from: small, action: allow}\n"
					     "- {name: b, from: [listed, other], action: drop}\n"
					     "- {name: c, from: other, to: 1/tcp, action: allow}\n";
	static const uint32_t addrs[] = {0x00010000, 0x00018000, 0x00020000, 0x00020001,
					 0x00030000, 0x00800000, 0x08000000};
	uint32_t nr_addrs = sizeof(addrs) / sizeof(addrs[0]), copied = 0, anew = 0;
	struct image *image = NULL;

	begin(0, 0);
	memset(lists.count, 0, sizeof(lists.count));
	for (size_t i = 0; i < NR_LISTED; i++)
		add(LISTED, prefix_of(0x10000000 | random_next() >> 36, 32));
	for (int round = 0; round < 40; round++) {
		lists.count[SMALL] = lists.count[OTHER] = 0;
		for (int i = 0; i < 3; i++) {
			add(SMALL, prefix_of(addrs[random_below(nr_addrs)], 32));
			add(OTHER,
			    prefix_of(addrs[random_below(nr_addrs)], random_below(2) ? 32 : 16));
		}
		step(two_rules, &image);
		copied += image->nr_copied > 0;
		anew += !image->nr_copied;
	}
	assert_in_range(copied, 5, 35);
	assert_in_range(anew, 5, 35);
	image_free(image);
}

/* Both sides of the switch to a root of lines, and of the outline. */
static void other_roots(void **state)
{
	struct image *image = NULL;

	memset(lists.count, 0, sizeof(lists.count));
	for (uint32_t i = 0; i < 32768; i++)
		add(LISTED, prefix_of(0x01000000 + i * 100000, 32));
	/* two ranges each, and what is before them */
	step(one_rule, &image);
	assert_int_not_equal(image_class_tables(image)->basis, 0);
	drop(LISTED, 1000);
	assert_made_anew(one_rule, &image);
	assert_int_equal(image_class_tables(image)->basis, 0);
	add(LISTED, prefix_of(0xe0000000, 32));
	assert_made_anew(one_rule, &image);
	add(LISTED, prefix_of(0xe1000000, 32));
	assert_copied(one_rule, &image);
	/* half of the /18s and one more */
	assert_int_not_equal(image_class_tables(image)->trie4_outline[SYNFW_DIR_SRC], 0);
	for (uint32_t i = 0; i < 3; i++)
		add(LISTED, prefix_of((i << 29) + (1U << 28), 4));
	add(LISTED, prefix_of(0x80000000, 4));
	step(one_rule, &image);
	for (uint32_t i = 0; i < 4096; i++)
		add(LISTED, prefix_of(0xd0000000 + (i << 14), 32));
	step(one_rule, &image);
	image_free(image);
}

/* Most addresses are of the class of a rule for all. */
static void a_rule_for_all_addresses(void **state)
{
	static const char text[] = SETS "- {name: r, from: listed, action: drop}\n"
					"- {name: s, from: any, to: 22/tcp, action: allow}\n";
	begin(NR_LISTED, 0);
	assert_changes_are_copied(draw, text);
}

/* Addresses of which most are in a list, and then are not. */
static void another_class_of_the_rest(void **state)
{
	struct image *image = NULL;

	begin(NR_LISTED, 0);
	for (uint32_t i = 0; i < 7; i++)
		add(OTHER, prefix_of(0x40000000 + (i << 27), 5));
	step(all_lists, &image);
	assert_int_equal(image_class_tables(image)->trie4_rest[SYNFW_DIR_DST], 0);
	for (uint32_t i = 7; i < 17; i += 3)
		for (uint32_t k = 0; k < 3 && i + k < 17; k++) {
			add(OTHER, prefix_of(0x40000000 + ((i + k) << 27), 5));
			step(all_lists, &image);
		}
	assert_int_not_equal(image_class_tables(image)->trie4_rest[SYNFW_DIR_DST], 0);
	for (int i = 0; i < 5; i++) {
		drop(OTHER, lists.count[OTHER] - 1);
		step(all_lists, &image);
	}
	assert_int_equal(image_class_tables(image)->trie4_rest[SYNFW_DIR_DST], 0);
	image_free(image);
}

/* Rules that speak of lists in another way make other classes of the same members. */
static void other_rules(void **state)
{
	static const char *const others[] = {
		SETS "- {name: r, from: other, action: drop}\n",
		SETS "- {name: r, from: [listed, other], action: drop}\n",
		SETS "- {name: r, from: listed, except: {from: other}, action: drop}\n",
		SETS "- {name: r, except: {from: listed}, action: drop}\n",
		SETS "- {name: r, to-address: listed, action: drop}\n",
		SETS "- {name: r, from: listed, action: drop}\n"
		     "- {name: s, from: 10.0.0.1, action: allow}\n",
		SETS "- {name: s, from: 10.0.0.1, action: allow}\n"
		     "- {name: r, from: listed, action: drop}\n",
		"version: 1\nname: p\nsets:\n  small: {file: small}\n  listed: {file: listed}\n"
		"rules:\n- {name: r, from: listed, action: drop}\n",
	};
	struct image *first = NULL;

	begin(NR_LISTED, NR_LISTED / 2);
	step(one_rule, &first);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct image *image = compile(others[i], first), *back;
		struct image *anew = compile(others[i], NULL);

		assert_same(image, anew);
		assert_int_equal(image->nr_copied, 0);
		back = compile(one_rule, image);
		assert_same(back, first);
		assert_int_equal(back->nr_copied, 0);
		image_free(back);
		image_free(anew);
		image_free(image);
	}
	image_free(first);
}

/* Ports, actions and names of rules are none of the roots' business, wherever those lie then. */
static void rules_on_other_fields(void **state)
{
	static const char *const others[] = {
		SETS "- {name: renamed, from: listed, action: allow}\n",
		SETS "- {name: t, to: 23/tcp, action: drop}\n"
		     "- {name: r, from: listed, to: 22/tcp, action: drop}\n",
	};
	struct image *image = NULL;

	begin(NR_LISTED, 0);
	step(one_rule, &image);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		change(draw, LISTED, 20, 20);
		assert_copied(others[i], &image);
	}
	image_free(image);
}

/* More rules than a vector of one line has bits: classes are of chunks. */
static void many_rules(void **state)
{
	CLEANUP(cleanup_free) char *text = NULL;
	struct image *image = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	fputs(SETS, out);
	for (int i = 0; i < 1200; i++)
		fprintf(out, "- {name: r%d, from: %s, to: %d/tcp, action: drop}\n", i,
			list_names[i % 3], i + 1);
	fclose(out);
	begin(NR_LISTED, NR_LISTED / 4);
	step(text, &image);
	assert_int_equal(image_header(image)->refs_at > 0, 1);
	for (int i = 0; i < 3; i++) {
		change(draw, i % 2 ? LISTED : OTHER, 20, 20);
		change(draw, SMALL, 1, 0);
		assert_copied(text, &image);
	}
	image_free(image);
}

/* Sets that are none of the policy's come behind its own. */
static void protected_infrastructure(void **state)
{
	static const char text[] = "version: 1\nname: p\nprotect: [infrastructure]\n"
				   "sets: {listed: {file: listed}}\n"
				   "rules: [{name: r, from: listed, action: drop}]\n";
	begin(NR_LISTED, 0);
	assert_changes_are_copied(draw, text);
}

/* A basis that there is no room for is left out, and what comes behind it is made anew. */
static void without_room_for_a_basis(void **state)
{
	struct image *image = NULL;

	begin(0, 0);
	for (uint32_t i = 0; i < 215000; i++)
		add(LISTED, prefix_of(i * 19973, 32));
	step(one_rule, &image);
	assert_int_not_equal(image_class_tables(image)->basis, 0);
	add(LISTED, prefix_of(0x0a0a0a0a, 32));
	max_table_bytes = 3 * SYNFW_PAGE_BYTES;
	assert_copied(one_rule, &image);
	assert_int_equal(image_class_tables(image)->basis, 0);
	add(LISTED, prefix_of(0x0a0a0b0a, 32));
	assert_made_anew(one_rule, &image);
	max_table_bytes = 0;
	assert_made_anew(one_rule, &image);
	assert_int_not_equal(image_class_tables(image)->basis, 0);
	image_free(image);
}

static void images_that_are_damaged(void **state)
{
	struct image *before = NULL;

	begin(NR_LISTED, 0);
	step(one_rule, &before);
	change(draw, LISTED, 50, 50);
	assert_damage_is_seen(before);
	image_free(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_that_come_and_go),
		cmocka_unit_test(lists_that_share_addresses_and_both_directions),
		cmocka_unit_test(long_and_short_prefixes),
		cmocka_unit_test(edges_of_the_address_space),
		cmocka_unit_test(classes_that_come_and_go_and_change_places),
		cmocka_unit_test(classes_around_each_other),
		cmocka_unit_test(other_roots),
		cmocka_unit_test(a_rule_for_all_addresses),
		cmocka_unit_test(another_class_of_the_rest),
		cmocka_unit_test(other_rules),
		cmocka_unit_test(rules_on_other_fields),
		cmocka_unit_test(many_rules),
		cmocka_unit_test(protected_infrastructure),
		cmocka_unit_test(without_room_for_a_basis),
		cmocka_unit_test(images_that_are_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
