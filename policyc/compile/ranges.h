/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_RANGES_H
#define POLICYC_RANGES_H

/* The class of every address of one family, as ranges: what the tries are built from. */
#include <stddef.h>
#include <stdint.h>

enum family { FAMILY_4, FAMILY_6, NR_FAMILIES };

/* An address in host byte order, from the most significant bit on; IPv4 has the upper 32. */
typedef unsigned __int128 address_t;

#define IPV4_BEHIND_BITS 96 /* of an address_t, behind an IPv4 address */

static inline address_t address4(uint32_t addr)
{
	return (address_t)addr << IPV4_BEHIND_BITS;
}

/* From this address on addresses have the class, until the next range. */
struct range4 {
	uint32_t first;
	uint32_t class_id;
};

struct range6 {
	uint64_t high, low;
	uint32_t class_id;
};

/* The ranges of the whole address space of a family: the first begins at 0, neighbours differ. All
 * that is done with a million prefixes waits for them to come from memory, so those of IPv4 take 8
 * bytes and not 24. */
struct ranges {
	enum family family;
	union {
		struct range4 *range4;
		struct range6 *range6;
		void *memory;
	};
	size_t count, room;
};

static inline address_t range_first(const struct ranges *ranges, size_t index)
{
	const struct range6 *range6;

	if (ranges->family == FAMILY_4)
		return address4(ranges->range4[index].first);
	range6 = &ranges->range6[index];
	return (address_t)range6->high << 64 | range6->low;
}

static inline uint32_t range_class(const struct ranges *ranges, size_t index)
{
	return ranges->family == FAMILY_4 ? ranges->range4[index].class_id
					  : ranges->range6[index].class_id;
}

/* Frees them; the family stays. */
void ranges_done(struct ranges *ranges);

/* Room for so many in all. 0 or -ENOMEM. */
int ranges_reserve(struct ranges *ranges, size_t count);

/* Appends a range; a range that begins where the last one does replaces it. 0 or -ENOMEM. */
int ranges_append(struct ranges *ranges, address_t first, uint32_t class_id);

#endif
