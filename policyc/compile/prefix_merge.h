/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_PREFIX_MERGE_H
#define POLICYC_PREFIX_MERGE_H

/*
 * The prefixes of several normalised lists in one order, in which a prefix follows those that cover
 * it: a merge with a heap (Knuth, The Art of Computer Programming 3, 5.4.1), O(log lists) a prefix.
 * Nothing is copied.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compile/ranges.h"
#include "prefix.h"

/* One prefix of one set. */
struct set_prefix {
	address_t first;
	uint32_t set;
	uint8_t prefixlen;
};

static inline address_t set_prefix_last(const struct set_prefix *prefix)
{
	return prefix->prefixlen == 128 ? prefix->first
					: prefix->first | ~(address_t)0 >> prefix->prefixlen;
}

static inline size_t prefix_list_count_of(const struct prefix_list *prefixes, enum family family)
{
	return family == FAMILY_4 ? prefixes->nr_v4 : prefixes->nr_v6;
}

/* A prefix of a list, by its place among those of its family; of which set is not said. */
struct set_prefix set_prefix_of(const struct prefix_list *prefixes, enum family family,
				size_t place);

/* The prefix of a normalised list that has, or is the first behind, an address. O(log n). False:
 * there is none. */
bool set_prefix_find(const struct prefix_list *prefixes, enum family family, address_t address,
		     struct set_prefix *ret_prefix);

struct prefix_merge {
	enum family family;
	struct merge_list *heap; /* that with the smallest prefix at the beginning */
	size_t nr_lists;
	size_t left; /* prefixes, the next one included */
};

/* Begins with room for so many lists. 0 or -ENOMEM; prefix_merge_done() in either case. */
int prefix_merge_begin(struct prefix_merge *merge, enum family family, size_t nr_lists);

/* Takes in the list of a set, which stays the caller's. Before the first prefix is asked for. */
void prefix_merge_add(struct prefix_merge *merge, const struct prefix_list *prefixes, uint32_t set);

/* The same, with those prefixes only that have an address from `first` to `last`. */
void prefix_merge_add_part(struct prefix_merge *merge, const struct prefix_list *prefixes,
			   uint32_t set, address_t first, address_t last);

/* The next prefix; those that are the same follow each other in the order of their sets. False:
 * that was all. */
bool prefix_merge_next(struct prefix_merge *merge, struct set_prefix *ret_prefix);

void prefix_merge_done(struct prefix_merge *merge);

#endif
