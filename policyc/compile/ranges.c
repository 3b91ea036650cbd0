/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/ranges.h"

#include <errno.h>
#include <stdlib.h>

#include "large_memory.h"

void ranges_done(struct ranges *ranges)
{
	free(ranges->range);
	*ranges = (struct ranges){};
}

int ranges_reserve(struct ranges *ranges, size_t count)
{
	struct range *range;

	if (count <= ranges->room)
		return 0;
	range = reallocarray(ranges->range, count, sizeof(*range));
	if (!large_memory(range, count * sizeof(*range)))
		return -ENOMEM;
	ranges->range = range;
	ranges->room = count;
	return 0;
}

int ranges_append(struct ranges *ranges, address_t first, uint32_t class_id)
{
	if (ranges->count && range_first(ranges, ranges->count - 1) == first)
		ranges->count--;
	if (ranges->count && ranges->range[ranges->count - 1].class_id == class_id)
		return 0;
	if (ranges->count == ranges->room &&
	    ranges_reserve(ranges, ranges->room ? ranges->room * 2 : 64))
		return -ENOMEM;
	ranges->range[ranges->count++] =
		(struct range){.high = first >> 64, .low = (uint64_t)first, .class_id = class_id};
	return 0;
}
