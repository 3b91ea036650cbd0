/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_RANGES_H
#define POLICYC_RANGES_H

/* The class of every address of one family, as ranges: what the tries are built from. */
#include <stddef.h>
#include <stdint.h>

enum family { FAMILY_4, FAMILY_6, NR_FAMILIES };

/* An address in host byte order, from the most significant bit on; IPv4 has the upper 32. */
typedef unsigned __int128 address_t;

/* From this address on addresses have the class, until the next range. */
struct range {
	uint64_t high, low;
	uint32_t class_id;
};

/* The ranges of the whole address space: the first begins at 0, neighbours differ. */
struct ranges {
	struct range *range;
	size_t count, room;
};

static inline address_t range_first(const struct ranges *ranges, size_t index)
{
	return (address_t)ranges->range[index].high << 64 | ranges->range[index].low;
}

void ranges_done(struct ranges *ranges);

/* Room for so many in all. 0 or -ENOMEM. */
int ranges_reserve(struct ranges *ranges, size_t count);

/* Appends a range; a range that begins where the last one does replaces it. 0 or -ENOMEM. */
int ranges_append(struct ranges *ranges, address_t first, uint32_t class_id);

#endif
