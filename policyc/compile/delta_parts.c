/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is new in the entries that have changed. */
#include "compile/delta_search.h"

#include <stdlib.h>

#include <synfw/cleanup.h>

#include "compile/address_walk.h"
#include "compile/trie_outline.h"

/* What is behind an IPv4 address in an address_t. */
#define IPV4_REST (((address_t)1 << IPV4_BEHIND_BITS) - 1)

int search_walk(struct search *search, bool of_new, address_t first, address_t last,
		struct ranges *ranges)
{
	struct address_walk walk = {
		.memberships = &search->memberships,
		.vectors = &search->vectors,
		.ranges = ranges,
		.origins = of_new ? &search->origins : NULL,
		.first = first,
		.last = last,
	};
	CLEANUP(prefix_merge_done) struct prefix_merge merge = {};
	int error = prefix_merge_begin(&merge, search->family, search->nr_sets);

	ranges->family = search->family;
	for (uint32_t i = 0; !error && i < search->nr_sets; i++) {
		uint32_t set = search->sets[i];

		prefix_merge_add_part(&merge,
				      of_new ? new_list(search, set) : old_list(search, set), set,
				      first, last);
	}
	return error ? error : address_walk(&walk, &merge);
}

/* Addresses of which the ranges of a part are asked: those of its entries, what tells whether the
 * class changes where they begin, and what that it changes behind them has to do with: of IPv6 the
 * next list, in which a range may begin or not. */
struct extent {
	address_t first, last;	  /* of the entries */
	address_t around, behind; /* of all */
};

static struct extent extent_of(const struct search *search, uint32_t first, uint32_t end)
{
	address_t rest = search->family == FAMILY_4 ? IPV4_REST : 0;
	struct extent extent = {.first = entry_first(search, first),
				.last = entry_first(search, end) - 1};

	extent.around = extent.first ? (extent.first - 1) & ~rest : 0;
	if (end == nr_entries(search))
		extent.behind = extent.last;
	else if (search->family == FAMILY_4)
		extent.behind = extent.last + 1 + rest;
	else
		extent.behind = entry_first(search, end + 1) - 1;
	return extent;
}

/* Adds to the totals what ranges have of the entries, or takes it away. What begins is counted in
 * all of the extent: but for what has changed it is the same before and after. */
static int totals_change(const struct search *search, struct totals *totals,
			 const struct ranges *ranges, const struct extent *extent, bool add)
{
	size_t nr_unicast = 0, nr_lists = 0;

	for (size_t i = 0; i < ranges->count; i++) {
		address_t from = range_first(ranges, i), last = extent->last;
		uint32_t class_id = range_class(ranges, i);

		if (class_id >= totals->nr_classes)
			return -ESTALE;
		nr_unicast += i && search->family == FAMILY_6 && totals_is_unicast(ranges, i);
		if (i + 1 < ranges->count && range_first(ranges, i + 1) - 1 < last)
			last = range_first(ranges, i + 1) - 1;
		if (from < extent->first)
			from = extent->first;
		if (from > last)
			continue;
		if (add)
			totals->addresses[class_id] += last - from + 1;
		else
			totals->addresses[class_id] -= last - from + 1;
	}
	if (search->family == FAMILY_6)
		nr_lists = totals_lists(ranges, 1, search->trie->bits);
	totals->nr_ranges += add ? ranges->count : -ranges->count;
	totals->nr_unicast += add ? nr_unicast : -nr_unicast;
	totals->nr_lists += add ? nr_lists : -nr_lists;
	return 0;
}

/* Entries from `first` to before `end`. */
static int part_add(struct search *search, uint32_t first, uint32_t end)
{
	struct delta_part *part = &search->delta.parts[search->delta.nr_parts++];
	struct extent extent = extent_of(search, first, end);
	struct totals *totals = &search->delta.totals;
	CLEANUP(ranges_done) struct ranges old = {};
	int error = search_walk(search, false, extent.around, extent.behind, &old);

	*part = (struct delta_part){.first = first, .end = end};
	if (!error)
		error = search_walk(search, true, extent.around, extent.behind, &part->ranges);
	if (!error)
		error = totals_change(search, totals, &old, &extent, false);
	return error ? error : totals_change(search, totals, &part->ranges, &extent, true);
}

static int totals_begin(struct search *search)
{
	struct totals *totals = &search->delta.totals;
	uint32_t nr_classes = origins_end(&search->origins);

	totals->addresses = calloc(nr_classes, sizeof(*totals->addresses));
	if (!totals->addresses)
		return -ENOMEM;
	totals->nr_classes = nr_classes;
	totals->nr_ranges = search->trie->nr_ranges;
	totals->nr_unicast = search->trie->nr_unicast;
	totals->nr_lists = search->trie->nr_lists;
	for (uint32_t i = 0; i < nr_classes; i++)
		totals->addresses[i] = basis_address(search->classes[i].addresses[search->family]);
	search->rest = totals_rest(totals);
	return 0;
}

/* The runs from place *at on that begin at or before the last /32 asked for, as far as they lie
 * from `first` on. One that goes on behind it stays to be asked for again. */
static int runs_copy(const struct search *search, size_t *at, uint64_t first, uint64_t last,
		     struct outlined *outlined)
{
	const struct outlined_run *runs = search->basis->runs[search->direction];
	int error = 0;

	for (; !error && *at < search->trie->nr_runs && runs[*at].first <= last; ++*at) {
		uint64_t from = runs[*at].first < first ? first : runs[*at].first;
		uint64_t to = runs[*at].last > last ? last : runs[*at].last;

		if (from <= to)
			error = outlined_append(outlined, from, to);
		if (runs[*at].last > last)
			break;
	}
	return error;
}

/* The upper 32 bits of the first address of an entry: of the one behind the last 2^32. */
static uint64_t entry_prefix(const struct search *search, uint32_t entry)
{
	return (uint64_t)entry << (SYNFW_TRIE6_OUTLINE_PREFIXLEN - search->trie->bits);
}

/* Those of the image before, but for the parts, which have theirs. */
static int outlined_make(struct search *search)
{
	uint32_t rest = totals_rest(&search->delta.totals);
	uint64_t done = 0;
	size_t at = 0;
	int error = 0;

	for (size_t i = 0; !error && i < search->delta.nr_parts; i++) {
		const struct delta_part *part = &search->delta.parts[i];
		uint64_t first = entry_prefix(search, part->first);
		uint64_t end = entry_prefix(search, part->end);

		if (done < first)
			error = runs_copy(search, &at, done, first - 1, &search->delta.outlined);
		if (!error)
			error = outline6_find(&part->ranges, rest, first, end - 1,
					      &search->delta.outlined);
		done = end;
	}
	return error ? error : runs_copy(search, &at, done, UINT32_MAX, &search->delta.outlined);
}

int search_parts(struct search *search)
{
	int error = totals_begin(search);
	uint32_t end;

	search->delta.parts = calloc(search->nr_changed + 1, sizeof(*search->delta.parts));
	if (!search->delta.parts)
		return -ENOMEM;
	for (uint32_t entry = 0; !error && entry < nr_entries(search); entry = end + 1) {
		for (; entry < nr_entries(search) && !has_changed(search, entry); entry++)
			;
		for (end = entry; end < nr_entries(search) && has_changed(search, end); end++)
			;
		if (entry < end)
			error = part_add(search, entry, end);
	}
	return !error && search->family == FAMILY_6 ? outlined_make(search) : error;
}
