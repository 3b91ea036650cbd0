/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/delta.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "compile/address_walk.h"
#include "compile/basis.h"
#include "compile/trie4_blocks.h"

#define NR_ENTRIES (1U << SYNFW_TRIE_LINE_ROOT_BITS)
#define ENTRY_BITS (32 - SYNFW_TRIE_LINE_ROOT_BITS)

/* More entries than this share of them are made anew as fast with all the others; looking for one
 * address in this many lists takes as long as a prefix takes to be made anew; and a class that has
 * gone from where it came up first is not looked for in more entries. */
#define MAX_CHANGED    (NR_ENTRIES / 4)
#define LISTS_A_PREFIX 2
#define MAX_SEARCHED   4096

/* All that looking for a delta holds. */
struct search {
	const struct build *build;
	enum synfw_direction direction;
	struct basis basis;
	const struct basis_trie *trie; /* of the image before */
	struct memberships memberships;
	struct vectors vectors; /* of this direction only: thrown away when there is no delta */
	struct origins origins;
	uint32_t
		*sets; /* numbers of those that the direction uses and that have prefixes of IPv4 */
	uint32_t nr_sets;
	size_t nr_prefixes;
	uint64_t *changed; /* one bit an entry */
	uint32_t nr_changed;
	struct delta delta;
};

static void search_done(struct search *search)
{
	basis_done(&search->basis);
	memberships_done(&search->memberships);
	vectors_done(&search->vectors);
	origins_done(&search->origins);
	free(search->sets);
	free(search->changed);
	delta_done(&search->delta);
}

void delta_done(struct delta *delta)
{
	for (size_t i = 0; i < delta->nr_parts; i++)
		ranges_done(&delta->parts[i].ranges);
	free(delta->parts);
	totals_done(&delta->totals);
	*delta = (struct delta){};
}

static const struct prefix_list *new_list(const struct search *search, uint32_t set)
{
	return search->build->bits->sets[set];
}

static const struct prefix_list *old_list(const struct search *search, uint32_t set)
{
	return &search->basis.lists[set];
}

/* ---- whether there may be one: 0, -ENOMEM, or -ESTALE when there is none ---- */

static int basis_find(struct search *search)
{
	const struct build *build = search->build;
	uint8_t uses[MEMBERSHIPS_DIGEST_SIZE];
	int error;

	if (!build->options->before)
		return -ESTALE;
	error = basis_read(build->options->before, build->bits->nr_sets, &search->basis);
	if (error)
		return error;
	if (!search->basis.head)
		return -ESTALE;
	search->trie = &search->basis.head->tries[search->direction];
	if (!search->trie->root || !search->trie->nr_classes)
		return -ESTALE;
	error = memberships_init(&search->memberships, build->bits, search->direction);
	if (error)
		return error;
	memberships_digest(&search->memberships, uses);
	return memcmp(uses, search->trie->uses, sizeof(uses)) ? -ESTALE : 0;
}

static int sets_find(struct search *search)
{
	uint32_t nr_sets = search->build->bits->nr_sets;

	search->sets = calloc(nr_sets + 1, sizeof(*search->sets));
	if (!search->sets)
		return -ENOMEM;
	for (uint32_t set = 0; set < nr_sets; set++) {
		size_t count = new_list(search, set)->nr_v4 + old_list(search, set)->nr_v4;

		if (!count || !memberships_use(&search->memberships, set))
			continue;
		search->sets[search->nr_sets++] = set;
		search->nr_prefixes += count;
	}
	return 0;
}

/* Is it as cheap to make all anew, when so many addresses are looked for in each list? */
static bool costs_as_much(const struct search *search, uint64_t nr_places)
{
	return nr_places * search->nr_sets > LISTS_A_PREFIX * (uint64_t)search->nr_prefixes;
}

/* ---- which entries have changed ---- */

static void entries_mark(struct search *search, const struct prefix4 *prefix)
{
	uint32_t last = prefix4_last(prefix) >> ENTRY_BITS;

	for (uint32_t entry = prefix->addr >> ENTRY_BITS; entry <= last; entry++) {
		uint64_t bit = 1ULL << entry % 64;

		search->nr_changed += !(search->changed[entry / 64] & bit);
		search->changed[entry / 64] |= bit;
	}
}

static bool has_changed(const struct search *search, uint32_t entry)
{
	return search->changed[entry / 64] >> entry % 64 & 1;
}

static uint64_t place_of(const struct prefix4 *prefix)
{
	return (uint64_t)prefix->addr << 8 | prefix->prefixlen;
}

/* The entries of all prefixes that one list has and the other one has not. */
static void lists_compare(struct search *search, const struct prefix_list *old,
			  const struct prefix_list *new)
{
	size_t i = 0, k = 0;

	while ((i < old->nr_v4 || k < new->nr_v4) && search->nr_changed <= MAX_CHANGED) {
		uint64_t old_place = i < old->nr_v4 ? place_of(&old->v4[i]) : UINT64_MAX;
		uint64_t new_place = k < new->nr_v4 ? place_of(&new->v4[k]) : UINT64_MAX;

		if (old_place < new_place)
			entries_mark(search, &old->v4[i]);
		else if (new_place < old_place)
			entries_mark(search, &new->v4[k]);
		i += old_place <= new_place;
		k += new_place <= old_place;
	}
}

static int changes_find(struct search *search)
{
	search->changed = calloc(NR_ENTRIES / 64, sizeof(*search->changed));
	if (!search->changed)
		return -ENOMEM;
	for (uint32_t i = 0; i < search->nr_sets; i++)
		lists_compare(search, old_list(search, search->sets[i]),
			      new_list(search, search->sets[i]));
	return search->nr_changed > MAX_CHANGED || costs_as_much(search, search->nr_changed)
		       ? -ESTALE
		       : 0;
}

/* ---- what classes there are ---- */

static int vectors_begin(struct search *search)
{
	const struct vectors *vectors = &search->build->vectors;
	int error = vectors_init(&search->vectors, vectors->nr_bits, vectors->max_bytes);

	if (!error)
		memcpy(search->vectors.valid, vectors->valid,
		       vectors->nr_words * sizeof(*vectors->valid));
	return error;
}

/* Which sets an address was in, of prefixes that are no longer than that with which a class began,
 * which is one of them. */
static int membership_at(struct search *search, const struct set_prefix *origin,
			 uint32_t *ret_membership)
{
	uint32_t addr = origin->first >> IPV4_BEHIND_BITS;
	bool found = false;

	*ret_membership = MEMBERSHIP_EMPTY;
	for (uint32_t i = 0; i < search->nr_sets; i++) {
		const struct prefix_list *list = old_list(search, search->sets[i]);
		size_t at = prefix_list_find4(list, addr);
		int error;

		if (at == list->nr_v4 || list->v4[at].addr > addr ||
		    list->v4[at].prefixlen > origin->prefixlen)
			continue;
		found |= list->v4[at].prefixlen == origin->prefixlen && list->v4[at].addr == addr;
		error = memberships_add(&search->memberships, *ret_membership, search->sets[i],
					ret_membership);
		if (error)
			return error;
	}
	return found ? 0 : -ESTALE;
}

/* The classes that there were, in their order. */
static int classes_find(struct search *search)
{
	const struct basis_class *classes = search->basis.classes[search->direction];

	if (costs_as_much(search, search->trie->nr_classes))
		return -ESTALE;
	for (uint32_t i = 0; i < search->trie->nr_classes; i++) {
		const struct set_prefix origin = {
			.first = address4(classes[i].first),
			.prefixlen = classes[i].prefixlen,
		};
		uint32_t membership = MEMBERSHIP_EMPTY, class_id;
		int error = i ? membership_at(search, &origin, &membership) : 0;

		if (!error)
			error = memberships_class(&search->memberships, &search->vectors,
						  membership, &class_id);
		if (!error)
			error = class_id == i ? origins_meet(&search->origins, i, &origin)
					      : -ESTALE;
		if (error)
			return error;
	}
	search->origins.known = true;
	return 0;
}

/* ---- the changed entries ---- */

/* The ranges of some addresses, of the new lists or of the old ones. */
static int part_walk(struct search *search, bool of_new, uint32_t first, uint32_t last,
		     struct ranges *ranges)
{
	struct address_walk walk = {
		.memberships = &search->memberships,
		.vectors = &search->vectors,
		.ranges = ranges,
		.origins = of_new ? &search->origins : NULL,
		.first = address4(first),
		.last = address4(last) | (((address_t)1 << IPV4_BEHIND_BITS) - 1),
	};
	CLEANUP(prefix_merge_done) struct prefix_merge merge = {};
	int error = prefix_merge_begin(&merge, FAMILY_4, search->nr_sets);

	for (uint32_t i = 0; !error && i < search->nr_sets; i++) {
		uint32_t set = search->sets[i];

		prefix_merge_add_part4(&merge,
				       of_new ? new_list(search, set) : old_list(search, set), set,
				       first, last);
	}
	return error ? error : address_walk(&walk, &merge);
}

/* Adds to the totals what ranges have from one address to before another, or takes it away, and so
 * the places where the class changes. */
static int totals_change(struct totals *totals, const struct ranges *ranges, uint64_t first,
			 uint64_t end, bool add)
{
	for (size_t i = 0; i < ranges->count; i++) {
		uint64_t from = ranges->range4[i].first, to = end;
		uint32_t class_id = ranges->range4[i].class_id;

		if (class_id >= totals->nr_classes)
			return -ESTALE;
		if (i + 1 < ranges->count && ranges->range4[i + 1].first < end)
			to = ranges->range4[i + 1].first;
		if (from < first)
			from = first;
		if (from >= to)
			continue;
		if (add)
			totals->addresses[class_id] += (address_t)(to - from) << IPV4_BEHIND_BITS;
		else
			totals->addresses[class_id] -= (address_t)(to - from) << IPV4_BEHIND_BITS;
	}
	totals->nr_ranges += add ? ranges->count : -ranges->count;
	return 0;
}

/* Entries from `first` to before `end`, with one address more on each side: whether the class
 * changes there is part of what has changed. */
static int part_add(struct search *search, uint32_t first, uint32_t end)
{
	struct delta_part *part = &search->delta.parts[search->delta.nr_parts++];
	struct totals *totals = &search->delta.totals;
	CLEANUP(ranges_done) struct ranges old = {};
	uint64_t addr = (uint64_t)first << ENTRY_BITS, behind = (uint64_t)end << ENTRY_BITS;
	uint32_t from = addr ? addr - 1 : 0, last = behind > UINT32_MAX ? UINT32_MAX : behind;
	int error = part_walk(search, false, from, last, &old);

	*part = (struct delta_part){.first = first, .end = end};
	if (!error)
		error = part_walk(search, true, from, last, &part->ranges);
	if (!error)
		error = totals_change(totals, &old, addr, behind, false);
	return error ? error : totals_change(totals, &part->ranges, addr, behind, true);
}

static int totals_begin(struct search *search)
{
	const struct basis_class *classes = search->basis.classes[search->direction];
	struct totals *totals = &search->delta.totals;

	totals->addresses = calloc(search->trie->nr_classes, sizeof(*totals->addresses));
	if (!totals->addresses)
		return -ENOMEM;
	totals->nr_ranges = search->trie->nr_ranges;
	totals->nr_classes = search->trie->nr_classes;
	for (uint32_t i = 0; i < totals->nr_classes; i++)
		totals->addresses[i] = (address_t)classes[i].addresses << IPV4_BEHIND_BITS;
	return 0;
}

static int parts_make(struct search *search)
{
	int error = totals_begin(search);
	uint32_t end;

	search->delta.parts = calloc(search->nr_changed + 1, sizeof(*search->delta.parts));
	if (!search->delta.parts)
		return -ENOMEM;
	for (uint32_t entry = 0; !error && entry < NR_ENTRIES; entry = end + 1) {
		for (; entry < NR_ENTRIES && !has_changed(search, entry); entry++)
			;
		for (end = entry; end < NR_ENTRIES && has_changed(search, end); end++)
			;
		if (entry < end)
			error = part_add(search, entry, end);
	}
	return error;
}

/* ---- where classes come up now ---- */

static uint32_t origin_entry(const struct search *search, uint32_t class_id)
{
	return search->basis.classes[search->direction][class_id].first >> ENTRY_BITS;
}

/* Those that came up in an entry which has changed. The walks over such entries meet all that come
 * up there. */
static void origins_doubt(struct search *search)
{
	for (uint32_t i = 1; i < search->origins.count; i++)
		if (has_changed(search, origin_entry(search, i)))
			origins_forget(&search->origins, i);
}

/* Looks for a class in the entries behind that where it came up, until it is before those. */
static int origin_search(struct search *search, uint32_t class_id)
{
	uint32_t entry = origin_entry(search, class_id), searched = 0;

	while (++entry < NR_ENTRIES) {
		CLEANUP(ranges_done) struct ranges unused = {};
		uint32_t addr = entry << ENTRY_BITS;
		int error;

		if (origins_have(&search->origins, class_id, address4(addr)))
			return 0;
		if (has_changed(search, entry))
			continue;
		if (++searched > MAX_SEARCHED || costs_as_much(search, searched))
			return -ESTALE;
		error = part_walk(search, true, addr, addr | ((1U << ENTRY_BITS) - 1), &unused);
		if (error)
			return error;
	}
	return origins_have(&search->origins, class_id, ~(address_t)0) ? 0 : -ESTALE;
}

/* Classes that come up in another order have other numbers. */
static int origins_find(struct search *search)
{
	for (uint32_t i = 1; i < search->origins.count; i++) {
		int error =
			has_changed(search, origin_entry(search, i)) ? origin_search(search, i) : 0;

		if (error)
			return error;
	}
	return origins_are_ordered(&search->origins) ? 0 : -ESTALE;
}

/* Do the new ranges take a root of the same form, with the same class of the rest? */
static bool root_stays(const struct search *search)
{
	const struct image *before = search->build->options->before;
	const struct totals *totals = &search->delta.totals;

	return totals->nr_ranges > TRIE4_LINES_RANGES &&
	       totals_rest(totals) == image_class_tables(before)->trie4_rest[search->direction];
}

/* ---- all of it ---- */

static int search_run(struct search *search)
{
	int error = basis_find(search);

	if (!error)
		error = sets_find(search);
	if (!error)
		error = changes_find(search);
	if (!error)
		error = vectors_begin(search);
	if (!error)
		error = classes_find(search);
	if (!error)
		origins_doubt(search);
	if (!error)
		error = parts_make(search);
	if (!error)
		error = origins_find(search);
	return !error && !root_stays(search) ? -ESTALE : error;
}

/* The classes in their order, as a walk over all prefixes adds them. */
static int classes_add(const struct search *search, struct build *build)
{
	enum synfw_field field = search->memberships.field;
	CLEANUP(cleanup_free) uint64_t *vector = vector_new(&build->vectors);
	int error = vector ? 0 : -ENOMEM;

	for (uint32_t i = 0; !error && i < search->origins.count; i++) {
		uint32_t class_id;

		vectors_expand(&search->vectors, field, i, vector);
		error = vectors_add(&build->vectors, field, vector, &class_id);
	}
	return error;
}

int delta_find(struct build *build, enum synfw_direction direction,
	       struct memberships *ret_memberships, struct delta *ret_delta)
{
	CLEANUP(search_done) struct search search = {.build = build, .direction = direction};
	int error = search_run(&search);

	/* vectors that are too large are so in any case */
	if (error == -ESTALE || error == -E2BIG)
		return 0;
	if (!error)
		error = classes_add(&search, build);
	if (error)
		return error;
	search.delta.lines = build->options->before->lines;
	search.delta.root = search.trie->root;
	*ret_memberships = search.memberships;
	*ret_delta = search.delta;
	build->addresses[direction][FAMILY_4].origins = search.origins;
	search.memberships = (struct memberships){};
	search.delta = (struct delta){};
	search.origins = (struct origins){};
	return 0;
}
