/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which entries of a root have changed. */
#include "compile/delta_search.h"

#include <stdlib.h>

#include "prefix_sort.h"

/* More of the entries of a root than this share are made anew as fast with all the others. */
#define CHANGED_OF 4

static uint32_t max_changed(const struct search *search)
{
	return root_entries(search->family, search->trie->bits, 0, nr_entries(search)) / CHANGED_OF;
}

/* Outside of 2000::/3 all that an id stands for. */
static void widen(const struct search *search, uint32_t *first, uint32_t *last)
{
	uint32_t id_bits = search->trie->bits - SYNFW_TRIE6_ROOT_BITS, inside = (1U << id_bits) - 1;

	if (!trie6_root_has_lists(*first >> id_bits))
		*first &= ~inside;
	if (!trie6_root_has_lists(*last >> id_bits))
		*last |= inside;
}

static void entries_mark(struct search *search, const struct set_prefix *prefix)
{
	uint32_t first = entry_of(search, prefix->first);
	uint32_t last = entry_of(search, set_prefix_last(prefix));

	if (search->family == FAMILY_6)
		widen(search, &first, &last);
	for (uint32_t entry = first; entry <= last; entry++) {
		uint64_t bit = 1ULL << entry % 64;

		if (search->changed[entry / 64] & bit)
			continue;
		search->changed[entry / 64] |= bit;
		search->nr_changed +=
			root_entries(search->family, search->trie->bits, entry, entry + 1);
	}
}

/* The prefixes of a list, of one family. */
struct members {
	const struct prefix_list *list;
	size_t at, count;
};

static struct members members_of(const struct search *search, const struct prefix_list *list)
{
	return (struct members){.list = list, .count = prefix_list_count_of(list, search->family)};
}

/* In the order of lists; behind the last one is behind all. */
static int members_compare(const struct search *search, const struct members *a,
			   const struct members *b)
{
	if (a->at == a->count || b->at == b->count)
		return (a->at == a->count) - (b->at == b->count);
	if (search->family == FAMILY_4)
		return prefix4_compare(&a->list->v4[a->at], &b->list->v4[b->at]);
	return prefix6_compare(&a->list->v6[a->at], &b->list->v6[b->at]);
}

/* The entries of all prefixes that one list has and the other one has not. */
static void lists_compare(struct search *search, const struct prefix_list *old_prefixes,
			  const struct prefix_list *new_prefixes)
{
	struct members old = members_of(search, old_prefixes);
	struct members new = members_of(search, new_prefixes);

	while ((old.at < old.count || new.at < new.count) &&
	       search->nr_changed <= max_changed(search)) {
		int order = members_compare(search, &old, &new);
		const struct members *first = order < 0 ? &old : &new;

		if (order) {
			struct set_prefix prefix =
				set_prefix_of(first->list, search->family, first->at);

			entries_mark(search, &prefix);
		}
		old.at += order <= 0;
		new.at += order >= 0;
	}
}

int search_changes(struct search *search)
{
	search->changed = calloc(nr_entries(search) / 64, sizeof(*search->changed));
	if (!search->changed)
		return -ENOMEM;
	for (uint32_t i = 0; i < search->nr_sets; i++)
		lists_compare(search, old_list(search, search->sets[i]),
			      new_list(search, search->sets[i]));
	return search->nr_changed > max_changed(search) ||
			       search_costs_as_much(search, search->nr_changed)
		       ? -ESTALE
		       : 0;
}
