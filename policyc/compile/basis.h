/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_BASIS_H
#define POLICYC_BASIS_H

/*
 * What an image with a root of lines or with lists has for the compiler of the next one, in its
 * last lines: the prefixes that the roots were made from, and what else tells whether entries of
 * the new ones would be the same (compile/delta.h). No program reads it; only a
 * compiler of the same sources does. Numbers in host byte order.
 */
#include <stdbool.h>
#include <stdint.h>

#include <synfw/abi.h>

#include "compile/membership.h"
#include "compile/outlined.h"
#include "compile/tables.h"
#include "image.h"
#include "prefix.h"

/* A trie with a root of lines or with lists. */
struct basis_trie {
	uint32_t root;	   /* line; 0: there is none of this family in this direction */
	uint32_t nr_lines; /* of the whole trie */
	uint32_t nr_ranges;
	uint32_t bits; /* that lead to an entry of the root: a line, or a list */
	/* the next three are of IPv6 only */
	uint32_t nr_unicast; /* as in struct totals */
	uint32_t nr_lists;
	uint32_t nr_runs; /* of what has bits in the outline */
	uint32_t reserved;
};

struct basis_direction {
	uint8_t uses[MEMBERSHIPS_DIGEST_SIZE];
	uint32_t nr_classes[NR_FAMILIES]; /* that come up in prefixes of IPv4, and then of IPv6 */
	uint32_t reserved[6];
};

struct basis_head {
	uint64_t compiler; /* its sources: another one may make other tries of the same prefixes */
	uint64_t checksum; /* over the tries and the rest of the basis */
	uint32_t nr_lines; /* of the basis, this one included */
	uint32_t nr_sets;
	uint64_t reserved[5];
	struct basis_trie tries[SYNFW_NR_DIRS][NR_FAMILIES];
	struct basis_direction directions[SYNFW_NR_DIRS];
};
_Static_assert(sizeof(struct basis_head) == 5 * SYNFW_LINE_BYTES, "the head is whole lines");

/*
 * Behind the head, each array from a line of its own on: the classes of each direction; the runs of
 * each (struct outlined_run); the sets that tries have prefixes of; their prefixes (struct prefix4,
 * then struct prefix6), set by set.
 */
struct basis_class {
	uint64_t addresses[NR_FAMILIES][2]; /* that have it, as an address_t: upper, lower half */
	uint64_t first[2];		    /* its origin, in the same way */
	uint8_t prefixlen;
	uint8_t reserved[15];
};
_Static_assert(sizeof(struct basis_class) == SYNFW_LINE_BYTES, "a class is a line");

/* Those of IPv6 are there only when a trie of that family is. */
struct basis_set {
	uint32_t number; /* in the order of their numbers */
	uint32_t count[NR_FAMILIES];
	uint32_t reserved;
};
_Static_assert(sizeof(struct prefix4) == 8 && sizeof(struct prefix6) == 17,
	       "prefixes are in images as they are in lists");

/* One that was read. It borrows the image. */
struct basis {
	const struct synfw_line *lines; /* of the image */
	const struct basis_head *head;
	const struct basis_class *classes[SYNFW_NR_DIRS];
	const struct outlined_run *runs[SYNFW_NR_DIRS];
	struct prefix_list *lists; /* of each set its prefixes, only to be read */
	enum { BASIS_UNKNOWN, BASIS_WHOLE, BASIS_DAMAGED } state; /* private to basis_is_whole() */
};

/* Reads the basis of an image: all lies within it that the lengths say. `head` is NULL when there
 * is none, or none that can be used. 0 or -ENOMEM; basis_done() in either case. */
int basis_read(const struct image *image, uint32_t nr_sets, struct basis *ret_basis);
void basis_done(struct basis *basis);

/* Is its checksum right? Before, nothing but how rules use sets is to be asked of it, as this reads
 * all of it and of the tries for the first time. */
bool basis_is_whole(struct basis *basis);

static inline address_t basis_address(const uint64_t halves[2])
{
	return (address_t)halves[0] << 64 | halves[1];
}

/* Lines of the basis of what was built; 0: there is no such root. */
uint32_t basis_lines(const struct build *build);

/* Writes it to the lines from `first` on, which are 0. The tries are there, at these lines. */
void basis_put(const struct build *build, const struct trie_places *tries,
	       struct synfw_line *lines, uint32_t first);

/* The end of that: writes the checksum. */
void basis_sign(struct synfw_line *lines, uint32_t first);

#endif
