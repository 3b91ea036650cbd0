/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_DELTA_SEARCH_H
#define POLICYC_DELTA_SEARCH_H

/* The steps by which a delta is found: each returns 0, -ENOMEM, -E2BIG, or -ESTALE when there is
 * none, or when to make all anew is as cheap. */
#include <errno.h>
#include <stdbool.h>

#include "compile/basis.h"
#include "compile/membership.h"
#include "compile/tables.h"

/* All that looking for a delta holds. */
struct search {
	const struct build *build;
	enum synfw_direction direction;
	enum family family;
	struct basis *basis;
	const struct basis_trie *trie; /* of the image before */
	const struct basis_class *classes;
	struct memberships memberships;
	struct vectors vectors; /* of this direction only: thrown away when there is no delta */
	struct origins origins; /* of the family's classes */
	/* numbers of the sets that the direction uses and that have prefixes of the family */
	uint32_t *sets;
	uint32_t nr_sets;
	size_t nr_prefixes;
	uint64_t *changed; /* one bit an entry */
	uint32_t nr_changed;
	uint64_t *walked; /* the same of those in which classes were looked for */
	uint32_t nr_walked;
	uint64_t nr_looked; /* entries that were looked for, for all classes */
	uint32_t rest; /* class that most addresses had */
	struct delta delta;
};

static inline const struct prefix_list *new_list(const struct search *search, uint32_t set)
{
	return search->build->bits->sets[set];
}

static inline const struct prefix_list *old_list(const struct search *search, uint32_t set)
{
	return &search->basis->lists[set];
}

static inline uint32_t nr_entries(const struct search *search)
{
	return 1U << search->trie->bits;
}

static inline uint32_t entry_of(const struct search *search, address_t address)
{
	return address >> (128 - search->trie->bits);
}

/* The first address of an entry: of the one behind the last 2^128, which is 0. */
static inline address_t entry_first(const struct search *search, uint32_t entry)
{
	return (address_t)entry << (128 - search->trie->bits);
}

static inline bool has_changed(const struct search *search, uint32_t entry)
{
	return search->changed[entry / 64] >> entry % 64 & 1;
}

/* Is it as cheap to make all anew, when so many addresses are looked for in each list? */
bool search_costs_as_much(const struct search *search, uint64_t nr_places);

/* Finds the entries that have a prefix which came or went. */
int search_changes(struct search *search);

/* Makes the parts of the delta, its totals and what its outline has. */
int search_parts(struct search *search);

/* The ranges of the addresses from `first` to `last`, of the new lists or of the old ones; classes
 * are met where they come up in the new ones. */
int search_walk(struct search *search, bool of_new, address_t first, address_t last,
		struct ranges *ranges);

#endif
