/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_LAYOUT_TRIES_H
#define POLICYC_LAYOUT_TRIES_H

/* What of the layout of an image has to do with tries. */
#include "compile/tables.h"
#include "image.h"

/* Builds the tries where they will lie, from line `*at` on, which moves behind them. 0, -ENOMEM or
 * -E2BIG. */
int tries_build(struct build *build, struct trie_places *places, uint64_t *at);

/* Says where they are and of what form. */
void tries_put_places(const struct build *build, const struct trie_places *places,
		      struct synfw_class_tables *tables);

void tries_put(const struct build *build, const struct trie_places *places,
	       struct synfw_line *lines);

/* How much of their roots was copied, when something was: of those that might have been. */
void tries_count(const struct build *build, struct image *image);

#endif
