/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/totals.h"

#include <errno.h>
#include <stdlib.h>

#include <synfw/trie.h>

void totals_done(struct totals *totals)
{
	free(totals->addresses);
	*totals = (struct totals){};
}

/* The address behind the last one of a range: of the last range 2^128, which is 0. */
static address_t range_end(const struct ranges *ranges, size_t range)
{
	return range + 1 == ranges->count ? 0 : range_first(ranges, range + 1);
}

bool totals_is_unicast(const struct ranges *ranges, size_t range)
{
	return range_first(ranges, range) >> (128 - SYNFW_TRIE6_LISTS_PREFIX_BITS) ==
	       SYNFW_TRIE6_LISTS_PREFIX;
}

size_t totals_lists(const struct ranges *ranges, size_t begin, uint32_t bits)
{
	uint32_t before = 0; /* the number of no list: 2000::/3 begins with a bit that is set */
	size_t count = 0;

	for (size_t i = begin; i < ranges->count; i++) {
		uint32_t number = range_first(ranges, i) >> (128 - bits);

		count += totals_is_unicast(ranges, i) && number != before;
		before = number;
	}
	return count;
}

int totals_count(const struct ranges *ranges, struct totals *ret_totals)
{
	struct totals totals = {.nr_ranges = ranges->count};

	for (size_t i = 0; i < ranges->count; i++)
		if (range_class(ranges, i) >= totals.nr_classes)
			totals.nr_classes = range_class(ranges, i) + 1;
	totals.addresses = calloc(totals.nr_classes, sizeof(*totals.addresses));
	if (!totals.addresses)
		return -ENOMEM;
	for (size_t i = 0; i < ranges->count; i++) {
		totals.addresses[range_class(ranges, i)] +=
			range_end(ranges, i) - range_first(ranges, i);
		totals.nr_unicast += ranges->family == FAMILY_6 && totals_is_unicast(ranges, i);
	}
	*ret_totals = totals;
	return 0;
}

uint32_t totals_rest(const struct totals *totals)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < totals->nr_classes; i++)
		if (totals->addresses[i] > totals->addresses[most])
			most = i;
	return most;
}
