/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "match.h"

/* Longer lists are compared only for being the same: every pair of values is looked at. */
#define MAX_PAIRWISE 64

struct values {
	const void *base;
	size_t count, size;
};

static const char *value_of(const struct values *values, size_t i)
{
	return (const char *)values->base + i * values->size;
}

static bool list_covers(struct values outer, struct values inner,
			bool (*covers)(const void *outer, const void *inner))
{
	if (outer.count > MAX_PAIRWISE || inner.count > MAX_PAIRWISE) {
		for (size_t i = 0; i < inner.count && outer.count == inner.count; i++)
			if (!covers(value_of(&outer, i), value_of(&inner, i)))
				return false;
		return outer.count == inner.count;
	}
	for (size_t i = 0; i < inner.count; i++) {
		size_t k = 0;

		while (k < outer.count && !covers(value_of(&outer, k), value_of(&inner, i)))
			k++;
		if (k == outer.count)
			return false;
	}
	return true;
}

static bool set_covers(const void *outer, const void *inner)
{
	return *(const uint32_t *)outer == *(const uint32_t *)inner;
}

static bool proto_covers(const void *outer, const void *inner)
{
	return *(const uint8_t *)outer == *(const uint8_t *)inner;
}

static bool range_covers(const void *outer, const void *inner)
{
	const struct port_range *wide = outer, *narrow = inner;

	return (!wide->proto || wide->proto == narrow->proto) && wide->first <= narrow->first &&
	       narrow->last <= wide->last;
}

static bool icmp_covers(const void *outer, const void *inner)
{
	const struct icmp_type *left = outer, *right = inner;

	return left->proto == right->proto && left->type == right->type;
}

static bool interface_covers(const void *outer, const void *inner)
{
	return !strcmp(*(char *const *)outer, *(char *const *)inner);
}

static bool vlan_covers(const void *outer, const void *inner)
{
	return *(const uint16_t *)outer == *(const uint16_t *)inner;
}

static bool flags_cover(const struct flags_match *outer, const struct flags_match *inner)
{
	return (outer->mask & ~inner->mask) == 0 && (inner->value & outer->mask) == outer->value;
}

static bool is_any(const struct set_refs *refs, uint32_t any_set)
{
	for (size_t i = 0; i < refs->count; i++)
		if (refs->index[i] == any_set)
			return true;
	return false;
}

#define VALUES(array, count) ((struct values){array, count, sizeof(*(array))})

bool match_covers(const struct match *outer, const struct match *inner, uint32_t any_set)
{
	uint32_t keys = outer->keys;

	if (is_any(&outer->from, any_set))
		keys &= ~(uint32_t)MATCH_FROM;
	if (is_any(&outer->to_address, any_set))
		keys &= ~(uint32_t)MATCH_TO_ADDRESS;
	if (keys & ~inner->keys)
		return false;
	if ((keys & MATCH_FROM) &&
	    !list_covers(VALUES(outer->from.index, outer->from.count),
			 VALUES(inner->from.index, inner->from.count), set_covers))
		return false;
	if ((keys & MATCH_TO_ADDRESS) &&
	    !list_covers(VALUES(outer->to_address.index, outer->to_address.count),
			 VALUES(inner->to_address.index, inner->to_address.count), set_covers))
		return false;
	if ((keys & MATCH_PROTO) &&
	    !list_covers(VALUES(outer->protos, outer->nr_protos),
			 VALUES(inner->protos, inner->nr_protos), proto_covers))
		return false;
	if ((keys & MATCH_TO) && !list_covers(VALUES(outer->to, outer->nr_to),
					      VALUES(inner->to, inner->nr_to), range_covers))
		return false;
	if ((keys & MATCH_FROM_PORT) &&
	    !list_covers(VALUES(outer->from_ports, outer->nr_from_ports),
			 VALUES(inner->from_ports, inner->nr_from_ports), range_covers))
		return false;
	if ((keys & MATCH_ICMP) && !list_covers(VALUES(outer->icmp, outer->nr_icmp),
						VALUES(inner->icmp, inner->nr_icmp), icmp_covers))
		return false;
	if ((keys & MATCH_FLAGS) && !flags_cover(&outer->flags, &inner->flags))
		return false;
	if ((keys & MATCH_INTERFACE) &&
	    !list_covers(VALUES(outer->interfaces, outer->nr_interfaces),
			 VALUES(inner->interfaces, inner->nr_interfaces), interface_covers))
		return false;
	return !(keys & MATCH_VLAN) ||
	       list_covers(VALUES(outer->vlans, outer->nr_vlans),
			   VALUES(inner->vlans, inner->nr_vlans), vlan_covers);
}
