/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The classes of the addresses of one direction: all of them, or what a delta leaves to be done. */
#include "compile/address_walk.h"
#include "compile/delta.h"
#include "compile/tables.h"
#include "compile/trie4_blocks.h"
#include "compile/trie6_blocks.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <synfw/cleanup.h>

/* Neither family has a root of lines or with lists for no more than these. */
#define BASIS_FEW_RANGES 65536
_Static_assert(BASIS_FEW_RANGES <= TRIE4_LINES_RANGES && BASIS_FEW_RANGES <= TRIE6_LISTS_RANGES,
	       "it is the smaller one");

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
	struct addresses *addresses = &build->addresses[direction][family];
	struct ranges *ranges = &addresses->ranges;
	struct address_walk walk = {
		.memberships = memberships,
		.vectors = &build->vectors,
		.ranges = ranges,
		.origins = &addresses->origins,
		.last = ~(address_t)0,
	};
	CLEANUP(prefix_merge_done) struct prefix_merge merge = {};
	int error = merge_sets(build, memberships, family, &merge);

	ranges->family = family;
	addresses->origins.base = build->vectors.classes[memberships->field].count;
	/* a prefix begins a range, and ends one */
	if (!error)
		error = ranges_reserve(ranges, 2 * merge.left + 1);
	if (!error)
		error = address_walk(&walk, &merge);
	if (!error && ranges->count == 1 && range_class(ranges, 0) == address_walk_outside(&walk))
		ranges_done(ranges);
	return error;
}

/* For the basis of what is compiled next. */
static int uses_note(struct build *build, const struct memberships *memberships,
		     enum synfw_direction direction)
{
	struct set_uses *uses = &build->uses[direction];

	uses->used = calloc(build->bits->nr_sets + 1, sizeof(*uses->used));
	if (!uses->used)
		return -ENOMEM;
	for (uint32_t set = 0; set < build->bits->nr_sets; set++)
		uses->used[set] = memberships_use(memberships, set);
	memberships_digest(memberships, uses->digest);
	return 0;
}

static bool may_have_basis(const struct addresses *addresses)
{
	return addresses->delta.lines || addresses->ranges.count > BASIS_FEW_RANGES;
}

int build_addresses(struct build *build, enum synfw_direction direction)
{
	CLEANUP(memberships_done) struct memberships memberships = {};
	bool basis = false;
	int error = memberships_init(&memberships, build->bits, direction);

	for (int family = 0; !error && family < NR_FAMILIES; family++) {
		const struct addresses *addresses = &build->addresses[direction][family];

		error = delta_find(build, direction, family);
		if (!error && !addresses->delta.lines)
			error = build_family(build, &memberships, direction, family);
		basis |= may_have_basis(addresses);
	}
	return !error && basis ? uses_note(build, &memberships, direction) : error;
}
