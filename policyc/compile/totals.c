/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/totals.h"

#include <errno.h>
#include <stdlib.h>

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

int totals_count(const struct ranges *ranges, struct totals *ret_totals)
{
	struct totals totals = {.nr_ranges = ranges->count};

	for (size_t i = 0; i < ranges->count; i++)
		if (range_class(ranges, i) >= totals.nr_classes)
			totals.nr_classes = range_class(ranges, i) + 1;
	totals.addresses = calloc(totals.nr_classes, sizeof(*totals.addresses));
	if (!totals.addresses)
		return -ENOMEM;
	for (size_t i = 0; i < ranges->count; i++)
		totals.addresses[range_class(ranges, i)] +=
			range_end(ranges, i) - range_first(ranges, i);
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
