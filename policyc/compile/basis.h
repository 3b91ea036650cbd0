/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_BASIS_H
#define POLICYC_BASIS_H

/*
 * What an image with a root of lines has for the compiler of the next one, in its last lines: the
 * prefixes that the roots were made from, and what else tells whether entries of the new ones would
 * be the same (compile/delta.h). No program reads it; only this compiler does, in images of its
 * ABI. Numbers in host byte order.
 */
#include <stdbool.h>
#include <stdint.h>

#include <synfw/abi.h>

#include "compile/membership.h"
#include "compile/tables.h"
#include "image.h"
#include "prefix.h"

/* To be raised when the same ranges make other roots of lines, or records behind them, than before.
 */
#define BASIS_FORMAT 1

/* A trie with a root of lines. */
struct basis_trie {
	uint32_t root;	   /* line; 0: there is none in this direction */
	uint32_t nr_lines; /* of the whole trie */
	uint32_t nr_ranges;
	uint32_t nr_classes;
	uint8_t uses[MEMBERSHIPS_DIGEST_SIZE];
};

struct basis_head {
	uint32_t format;
	uint32_t nr_lines; /* of the basis, this one included */
	uint32_t nr_sets;
	uint32_t reserved;
	uint64_t checksum; /* over the tries and the rest of the basis */
	uint64_t reserved2;
	struct basis_trie tries[SYNFW_NR_DIRS];
};
_Static_assert(sizeof(struct basis_head) == 2 * SYNFW_LINE_BYTES, "the head is two lines");

/* Behind the head, each array from a line of its own on: the classes of the tries; the sets that
 * they have prefixes of; their prefixes (struct prefix4), set by set. */
struct basis_class {
	uint64_t addresses; /* that have it */
	uint32_t first;	    /* its origin */
	uint8_t prefixlen;
	uint8_t reserved[3];
};

struct basis_set {
	uint32_t number; /* in the order of their numbers */
	uint32_t count;
};
_Static_assert(sizeof(struct prefix4) == 8, "prefixes are in images as they are in lists");

/* One that was read. It borrows the image. */
struct basis {
	const struct basis_head *head;
	const struct basis_class *classes[SYNFW_NR_DIRS];
	struct prefix_list *lists; /* of each set its IPv4 prefixes, only to be read */
	uint32_t nr_lists;
};

/* Reads the basis of an image, of which nothing is trusted before its checksum was found right.
 * `head` is NULL when there is none, or none that can be used. 0 or -ENOMEM; basis_done() in
 * either case. */
int basis_read(const struct image *image, uint32_t nr_sets, struct basis *ret_basis);
void basis_done(struct basis *basis);

/* Lines of the basis of what was built; 0: there is no root of lines. */
uint32_t basis_lines(const struct build *build);

/* Writes it to the lines from `first` on, which are 0. The tries are there, at these lines. */
void basis_put(const struct build *build, const uint32_t roots[SYNFW_NR_DIRS],
	       struct synfw_line *lines, uint32_t first);

#endif
