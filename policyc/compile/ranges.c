/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/ranges.h"

#include <errno.h>
#include <stdlib.h>

#include "large_memory.h"

void ranges_done(struct ranges *ranges)
{
	free(ranges->memory);
	*ranges = (struct ranges){.family = ranges->family};
}

int ranges_reserve(struct ranges *ranges, size_t count)
{
	size_t size = ranges->family == FAMILY_4 ? sizeof(struct range4) : sizeof(struct range6);
	void *memory;

	if (count <= ranges->room)
		return 0;
	memory = reallocarray(ranges->memory, count, size);
	if (!large_memory(memory, count * size))
		return -ENOMEM;
	ranges->memory = memory;
	ranges->room = count;
	return 0;
}

int ranges_append(struct ranges *ranges, address_t first, uint32_t class_id)
{
	size_t at;

	if (ranges->count && range_first(ranges, ranges->count - 1) == first)
		ranges->count--;
	if (ranges->count && range_class(ranges, ranges->count - 1) == class_id)
		return 0;
	if (ranges->count == ranges->room &&
	    ranges_reserve(ranges, ranges->room ? ranges->room * 2 : 64))
		return -ENOMEM;
	at = ranges->count++;
	if (ranges->family == FAMILY_4)
		ranges->range4[at] = (struct range4){first >> IPV4_BEHIND_BITS, class_id};
	else
		ranges->range6[at] = (struct range6){first >> 64, (uint64_t)first, class_id};
	return 0;
}
