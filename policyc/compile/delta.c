/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/delta.h"

#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "compile/delta_search.h"
#include "compile/trie4_blocks.h"
#include "compile/trie6_blocks.h"

/* Looking for one address in this many lists takes as long as a prefix takes to be made anew; and
 * classes that have gone from where they came up first are not looked for in more entries. */
#define LISTS_A_PREFIX 2
#define MAX_SEARCHED   4096

static void search_done(struct search *search)
{
	memberships_done(&search->memberships);
	vectors_done(&search->vectors);
	origins_done(&search->origins);
	free(search->sets);
	free(search->changed);
	free(search->walked);
	delta_done(&search->delta);
}

void delta_done(struct delta *delta)
{
	for (size_t i = 0; i < delta->nr_parts; i++)
		ranges_done(&delta->parts[i].ranges);
	free(delta->parts);
	totals_done(&delta->totals);
	outlined_done(&delta->outlined);
	*delta = (struct delta){};
}

bool search_costs_as_much(const struct search *search, uint64_t nr_places)
{
	return nr_places * search->nr_sets > LISTS_A_PREFIX * (uint64_t)search->nr_prefixes;
}

/* ---- whether there may be one ---- */

static int basis_find(struct search *search)
{
	const struct basis_direction *direction;
	uint8_t uses[MEMBERSHIPS_DIGEST_SIZE];
	int error;

	if (!search->basis || !search->basis->head)
		return -ESTALE;
	direction = &search->basis->head->directions[search->direction];
	search->trie = &search->basis->head->tries[search->direction][search->family];
	search->classes = search->basis->classes[search->direction];
	if (!search->trie->root)
		return -ESTALE;
	error = memberships_init(&search->memberships, search->build->bits, search->direction);
	if (error)
		return error;
	memberships_digest(&search->memberships, uses);
	if (memcmp(uses, direction->uses, sizeof(uses)))
		return -ESTALE;
	return basis_is_whole(search->basis) ? 0 : -ESTALE;
}

static int sets_find(struct search *search)
{
	uint32_t nr_sets = search->build->bits->nr_sets;

	search->sets = calloc(nr_sets + 1, sizeof(*search->sets));
	if (!search->sets)
		return -ENOMEM;
	for (uint32_t set = 0; set < nr_sets; set++) {
		size_t count = prefix_list_count_of(new_list(search, set), search->family) +
			       prefix_list_count_of(old_list(search, set), search->family);

		if (!count || !memberships_use(&search->memberships, set))
			continue;
		search->sets[search->nr_sets++] = set;
		search->nr_prefixes += count;
	}
	return 0;
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
static int membership_at(struct search *search, enum family family, const struct set_prefix *origin,
			 uint32_t *ret_membership)
{
	bool found = false;

	*ret_membership = MEMBERSHIP_EMPTY;
	for (uint32_t set = 0; set < search->build->bits->nr_sets; set++) {
		struct set_prefix prefix;
		int error;

		if (!memberships_use(&search->memberships, set) ||
		    !set_prefix_find(old_list(search, set), family, origin->first, &prefix) ||
		    prefix.first > origin->first || prefix.prefixlen > origin->prefixlen)
			continue;
		found |= prefix.prefixlen == origin->prefixlen && prefix.first == origin->first;
		error = memberships_add(&search->memberships, *ret_membership, set, ret_membership);
		if (error)
			return error;
	}
	return found ? 0 : -ESTALE;
}

/* The class that there was, which has to be the next one. */
static int class_add(struct search *search, enum family family, uint32_t number)
{
	const struct set_prefix origin = {
		.first = basis_address(search->classes[number].first),
		.prefixlen = search->classes[number].prefixlen,
	};
	uint32_t membership = MEMBERSHIP_EMPTY, class_id;
	int error = number ? membership_at(search, family, &origin, &membership) : 0;

	if (!error)
		error = memberships_class(&search->memberships, &search->vectors, membership,
					  &class_id);
	if (!error && class_id != number)
		error = -ESTALE;
	return !error && family == search->family ? origins_meet(&search->origins, number, &origin)
						  : error;
}

/* The classes that there were, in their order: those that come up in IPv4, and then in IPv6. */
static int classes_find(struct search *search)
{
	const struct basis_direction *direction =
		&search->basis->head->directions[search->direction];
	uint64_t nr_classes =
		(uint64_t)direction->nr_classes[FAMILY_4] + direction->nr_classes[FAMILY_6];
	uint32_t number = 0;
	int error = 0;

	/* each is looked for in all lists */
	if (nr_classes * search->build->bits->nr_sets > LISTS_A_PREFIX * search->nr_prefixes)
		return -ESTALE;
	if (search->family == FAMILY_6)
		search->origins.base = direction->nr_classes[FAMILY_4];
	for (int family = 0; family <= (int)search->family; family++)
		for (uint32_t i = 0; !error && i < direction->nr_classes[family]; i++, number++)
			error = class_add(search, family, number);
	search->origins.known = true;
	return error;
}

/* Those of IPv4 have been built when IPv6 is. */
static int classes_compare(const struct search *search)
{
	enum synfw_field field = search->memberships.field;
	const struct vectors *vectors = &search->build->vectors;
	CLEANUP(cleanup_free) uint64_t *vector = vector_new(vectors);
	CLEANUP(cleanup_free) uint64_t *other = vector_new(vectors);

	if (!vector || !other)
		return -ENOMEM;
	if (vectors->classes[field].count != search->origins.base)
		return -ESTALE;
	for (uint32_t i = 0; i < search->origins.base; i++) {
		vectors_expand(vectors, field, i, vector);
		vectors_expand(&search->vectors, field, i, other);
		if (memcmp(vector, other, vectors->nr_words * sizeof(*vector)))
			return -ESTALE;
	}
	return 0;
}

/* ---- where classes come up now ---- */

/* Class 0 of IPv4 is that of no set: it comes up before all prefixes. */
static uint32_t first_class(const struct search *search)
{
	return search->origins.base ? search->origins.base : 1;
}

static uint32_t origin_entry(const struct search *search, uint32_t class_id)
{
	return entry_of(search, basis_address(search->classes[class_id].first));
}

/* Those that came up in an entry which has changed. The walks over such entries meet all that come
 * up there. */
static void origins_doubt(struct search *search)
{
	for (uint32_t i = first_class(search); i < origins_end(&search->origins); i++)
		if (has_changed(search, origin_entry(search, i)))
			origins_forget(&search->origins, i);
}

/* The first entry from one on that has an address of a prefix; nr_entries(): there is none. */
static uint32_t next_used(const struct search *search, uint32_t entry)
{
	uint32_t next = nr_entries(search);

	for (uint32_t i = 0; entry < next && i < search->nr_sets; i++) {
		struct set_prefix prefix;
		uint32_t used;

		if (!set_prefix_find(new_list(search, search->sets[i]), search->family,
				     entry_first(search, entry), &prefix))
			continue;
		used = entry_of(search, prefix.first);
		if (used < entry)
			used = entry;
		if (used < next)
			next = used;
	}
	return next;
}

/* Meets the classes that come up in an entry, the first time it is asked for. */
static int entry_walk(struct search *search, uint32_t entry)
{
	CLEANUP(ranges_done) struct ranges unused = {};
	uint64_t bit = 1ULL << entry % 64;

	if ((search->changed[entry / 64] | search->walked[entry / 64]) & bit)
		return 0;
	search->walked[entry / 64] |= bit;
	if (++search->nr_walked > MAX_SEARCHED)
		return -ESTALE;
	return search_walk(search, true, entry_first(search, entry),
			   entry_first(search, entry + 1) - 1, &unused);
}

/* Looks for a class in the entries behind that where it came up, until it is before those. */
static int origin_search(struct search *search, uint32_t class_id)
{
	uint32_t entry = origin_entry(search, class_id);

	while ((entry = next_used(search, entry + 1)) < nr_entries(search)) {
		int error;

		if (origins_have(&search->origins, class_id, entry_first(search, entry)))
			return 0;
		/* that one was found, and how often this was asked for any class */
		if (search_costs_as_much(search, ++search->nr_looked))
			return -ESTALE;
		error = entry_walk(search, entry);
		if (error)
			return error;
	}
	return origins_have(&search->origins, class_id, ~(address_t)0) ? 0 : -ESTALE;
}

/* Classes that come up in another order have other numbers. */
static int origins_find(struct search *search)
{
	search->walked = calloc(nr_entries(search) / 64, sizeof(*search->walked));
	if (!search->walked)
		return -ENOMEM;
	for (uint32_t i = first_class(search); i < origins_end(&search->origins); i++) {
		int error =
			has_changed(search, origin_entry(search, i)) ? origin_search(search, i) : 0;

		if (error)
			return error;
	}
	return origins_are_ordered(&search->origins) ? 0 : -ESTALE;
}

/* ---- all of it ---- */

/* Do the new ranges take a root of the same form, with the same class of the rest? */
static bool root_stays(const struct search *search)
{
	const struct totals *totals = &search->delta.totals;

	if (totals_rest(totals) != search->rest)
		return false;
	if (search->family == FAMILY_4)
		return totals->nr_ranges > TRIE4_LINES_RANGES;
	return trie6_keeps_lists(totals, search->trie->bits);
}

static int search_run(struct search *search)
{
	int error = basis_find(search);

	if (!error)
		error = sets_find(search);
	if (!error)
		error = search_changes(search);
	if (!error)
		error = vectors_begin(search);
	if (!error)
		error = classes_find(search);
	if (!error && search->family == FAMILY_6)
		error = classes_compare(search);
	if (error)
		return error;
	origins_doubt(search);
	error = search_parts(search);
	if (!error)
		error = origins_find(search);
	return !error && !root_stays(search) ? -ESTALE : error;
}

/* The classes of the family in their order, as a walk over all prefixes adds them. */
static int classes_add(const struct search *search, struct build *build)
{
	enum synfw_field field = search->memberships.field;
	CLEANUP(cleanup_free) uint64_t *vector = vector_new(&build->vectors);
	int error = vector ? 0 : -ENOMEM;

	for (uint32_t i = search->origins.base; !error && i < origins_end(&search->origins); i++) {
		uint32_t class_id;

		vectors_expand(&search->vectors, field, i, vector);
		error = vectors_add(&build->vectors, field, vector, &class_id);
	}
	return error;
}

int delta_find(struct build *build, enum synfw_direction direction, enum family family)
{
	CLEANUP(search_done)
	struct search search = {
		.build = build,
		.basis = build->basis,
		.direction = direction,
		.family = family,
	};
	struct addresses *addresses = &build->addresses[direction][family];
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
	search.delta.bits = search.trie->bits;
	addresses->delta = search.delta;
	addresses->origins = search.origins;
	search.delta = (struct delta){};
	search.origins = (struct origins){};
	return 0;
}
