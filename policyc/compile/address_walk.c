/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/address_walk.h"

#include <stdbool.h>

/* Closes the prefixes that end before an address: behind each, what is around it goes on. */
static int walk_close(struct address_walk *walk, address_t before)
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
static int walk_open(struct address_walk *walk, struct prefix_merge *merge, struct set_prefix *next,
		     bool *ret_more)
{
	const struct set_prefix prefix = *next;
	struct open_prefix *open;
	int error = walk_close(walk, prefix.first);

	open = &walk->stack[walk->depth + 1];
	*open = (struct open_prefix){.last = set_prefix_last(&prefix),
				     .membership = open[-1].membership};
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
	/* one that began before was met where it began */
	if (!error && walk->origins && prefix.first >= walk->first)
		error = origins_meet(walk->origins, open->class_id, &prefix);
	if (error)
		return error;
	return ranges_append(walk->ranges, prefix.first < walk->first ? walk->first : prefix.first,
			     open->class_id);
}

int address_walk(struct address_walk *walk, struct prefix_merge *merge)
{
	struct set_prefix next;
	bool more = prefix_merge_next(merge, &next);
	uint32_t *outside = &walk->stack[0].class_id;
	int error = memberships_class(walk->memberships, walk->vectors, MEMBERSHIP_EMPTY, outside);

	walk->depth = 0;
	walk->stack[0].membership = MEMBERSHIP_EMPTY;
	walk->stack[0].last = ~(address_t)0;
	if (!error && walk->origins)
		error = origins_meet(walk->origins, *outside, &(struct set_prefix){});
	if (!error)
		error = ranges_append(walk->ranges, walk->first, *outside);
	while (!error && more)
		error = walk_open(walk, merge, &next, &more);
	return error ? error : walk_close(walk, walk->last);
}

uint32_t address_walk_outside(const struct address_walk *walk)
{
	return walk->stack[0].class_id;
}
