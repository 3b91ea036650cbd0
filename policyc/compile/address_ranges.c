/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Addresses of one direction. The prefixes of all sets that rules of this direction mention come in
 * an order in which a prefix follows those that cover it; a walk with a stack of covering prefixes
 * knows for each which sets it is in ("membership"), and with that which bits it matches.
 */
#include "compile/membership.h"
#include "compile/prefix_merge.h"
#include "compile/tables.h"

#include <stdbool.h>

#include <synfw/cleanup.h>

/* A prefix that is open while those within it come. */
struct open_prefix {
	address_t last; /* of its addresses */
	uint32_t membership;
	uint32_t class_id;
};

struct walk {
	struct memberships *memberships;
	struct vectors *vectors;
	struct ranges *ranges;
	struct open_prefix stack[130]; /* the whole address space, and one a prefix length */
	int depth;
};

static address_t last_of(const struct set_prefix *prefix)
{
	return prefix->prefixlen == 128 ? prefix->first
					: prefix->first | ~(address_t)0 >> prefix->prefixlen;
}

/* Closes the prefixes that end before an address: behind each, what is around it goes on. */
static int walk_close(struct walk *walk, address_t before)
{
	int error = 0;

	for (; !error && walk->stack[walk->depth].last < before; walk->depth--)
		error = ranges_append(walk->ranges, walk->stack[walk->depth].last + 1,
				      walk->stack[walk->depth - 1].class_id);
	return error;
}

static bool same_prefix(const struct set_prefix *a, const struct set_prefix *b)
{
	return a->first == b->first && a->prefixlen == b->prefixlen;
}

/* Opens *next, of which each further set is a prefix of its own, and goes on to the one behind. */
static int walk_open(struct walk *walk, struct prefix_merge *merge, struct set_prefix *next,
		     bool *ret_more)
{
	const struct set_prefix prefix = *next;
	struct open_prefix *open;
	int error = walk_close(walk, prefix.first);

	open = &walk->stack[walk->depth + 1];
	*open = (struct open_prefix){.last = last_of(&prefix), .membership = open[-1].membership};
	do {
		if (!error)
			error = memberships_add(walk->memberships, open->membership, next->set,
						&open->membership);
		*ret_more = prefix_merge_next(merge, next);
	} while (*ret_more && same_prefix(&prefix, next));
	if (!error)
		error = memberships_class(walk->memberships, walk->vectors, open->membership,
					  &open->class_id);
	walk->depth++;
	return error ? error : ranges_append(walk->ranges, prefix.first, open->class_id);
}

static int walk_all(struct walk *walk, struct prefix_merge *merge)
{
	struct set_prefix next;
	bool more = prefix_merge_next(merge, &next);
	uint32_t *outside = &walk->stack[0].class_id;
	int error = memberships_class(walk->memberships, walk->vectors, MEMBERSHIP_EMPTY, outside);

	walk->stack[0].last = ~(address_t)0;
	if (!error)
		error = ranges_append(walk->ranges, 0, *outside);
	while (!error && more)
		error = walk_open(walk, merge, &next, &more);
	return error ? error : walk_close(walk, ~(address_t)0);
}

static int merge_sets(const struct build *build, const struct memberships *memberships,
		      enum family family, struct prefix_merge *merge)
{
	int error = prefix_merge_begin(merge, family, build->bits->nr_sets);

	for (uint32_t set = 0; !error && set < build->bits->nr_sets; set++)
		if (memberships_use(memberships, set))
			prefix_merge_add(merge, build->bits->sets[set], set);
	return error;
}

static int build_family(struct build *build, struct memberships *memberships,
			enum synfw_direction direction, enum family family)
{
	struct ranges *ranges = &build->addresses[direction][family].ranges;
	struct walk walk = {
		.memberships = memberships, .vectors = &build->vectors, .ranges = ranges};
	CLEANUP(prefix_merge_done) struct prefix_merge merge = {};
	int error = merge_sets(build, memberships, family, &merge);

	ranges->family = family;
	/* a prefix begins a range, and ends one */
	if (!error)
		error = ranges_reserve(ranges, 2 * merge.left + 1);
	if (!error)
		error = walk_all(&walk, &merge);
	if (!error && ranges->count == 1 && range_class(ranges, 0) == walk.stack[0].class_id)
		ranges_done(ranges);
	return error;
}

int build_addresses(struct build *build, enum synfw_direction direction)
{
	CLEANUP(memberships_done) struct memberships memberships = {};
	int error = memberships_init(&memberships, build->bits, direction);

	if (!error)
		error = build_family(build, &memberships, direction, FAMILY_4);
	if (!error)
		error = build_family(build, &memberships, direction, FAMILY_6);
	return error;
}
