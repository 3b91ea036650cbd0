/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_UNIT_DELTA_TRIAL_H
#define TESTS_UNIT_DELTA_TRIAL_H

/* Policies with three lists, of which each is compiled from the image of the one before, and anew.
 */
#include <policyc.h>

#define MAX_LISTED 230000

enum { LISTED, OTHER, SMALL, NR_LISTS };

struct lists {
	struct any_prefix list[NR_LISTS][MAX_LISTED];
	size_t count[NR_LISTS];
};
extern struct lists lists;

/* What a policy begins with, up to its rules. */
#define SETS                                                                             \
	"version: 1\nname: p\nsets:\n  listed: {file: listed}\n  other: {file: other}\n" \
	"  small: {file: small}\nrules:\n"

extern const char *const list_names[NR_LISTS];
extern const char one_rule[], sources[], all_lists[];

uint64_t random_next(void);
uint32_t random_below(uint32_t end);

void add(int list, struct any_prefix prefix);
void drop(int list, size_t place);

typedef struct any_prefix (*draw_fn)(void);

/* What is in the lists now stays there. */
void lists_fix(void);

/* Some come and some go, anywhere; how many went. */
size_t change(draw_fn draw, int list, size_t added, size_t dropped);

/* Of all that are compiled; 0: no limit. */
extern uint64_t max_table_bytes;

struct image *compile(const char *text, const struct image *before);
void assert_same(const struct image *image, const struct image *other);

/* Compiles the lists as they are, with and without the image before, which it takes the place of
 * and which has been put in force: both are asserted to be the same. */
void step(const char *text, struct image **image);

/* And nothing, or something, was copied. */
void assert_made_anew(const char *text, struct image **image);
void assert_copied(const char *text, struct image **image);

/* From the lists as they are on, each time after some of LISTED have changed. */
void assert_changes_are_copied(draw_fn draw, const char *text);

/* Whatever of an image is not as it was made, what is made from it is right. `before` is the image
 * of one_rule; the lists have changed since. */
void assert_damage_is_seen(struct image *before);

#endif
