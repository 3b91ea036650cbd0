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

#define VALUES(array, count) ((struct values){array, count, sizeof(*(array))})

static bool set_covers(const void *outer, const void *inner)
{
	return *(const uint32_t *)outer == *(const uint32_t *)inner;
}

/* A literal that is a set of its own counts only for itself, as a name does. */
static bool length_covers(const struct prefix_list *list, uint8_t outer, uint8_t inner)
{
	return prefix_list_count(list) == 1 ? outer == inner : outer <= inner;
}

/* The last prefix that does not begin behind it is the only one that may cover it: the list is
 * normalised. */
static bool covers4(const struct prefix_list *list, const struct prefix4 *inner)
{
	size_t low = 0, high = list->nr_v4;
	const struct prefix4 *outer;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list->v4[middle].addr <= inner->addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return false;
	outer = &list->v4[low - 1];
	return length_covers(list, outer->prefixlen, inner->prefixlen) &&
	       (!outer->prefixlen || (outer->addr ^ inner->addr) >> (32 - outer->prefixlen) == 0);
}

static bool covers6(const struct prefix_list *list, const struct prefix6 *inner)
{
	size_t low = 0, high = list->nr_v6;
	const struct prefix6 *outer;
	int bytes, bits;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(list->v6[middle].addr, inner->addr, 16) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return false;
	outer = &list->v6[low - 1];
	bytes = outer->prefixlen / 8;
	bits = outer->prefixlen % 8;
	return length_covers(list, outer->prefixlen, inner->prefixlen) &&
	       !memcmp(outer->addr, inner->addr, (size_t)bytes) &&
	       (!bits || (outer->addr[bytes] ^ inner->addr[bytes]) >> (8 - bits) == 0);
}

/* Whether an anonymous set that `outer` mentions has the prefix at this index of `inner`. */
static bool literal_covered(const struct policy *policy, const struct set_refs *outer,
			    const struct prefix_list *inner, size_t at)
{
	for (size_t k = 0; k < outer->count; k++) {
		const struct policy_set *set = &policy->sets[outer->index[k]];

		if (set->name)
			continue;
		if (at < inner->nr_v4 ? covers4(&set->prefixes, &inner->v4[at])
				      : covers6(&set->prefixes, &inner->v6[at - inner->nr_v4]))
			return true;
	}
	return false;
}

static bool literals_covered(const struct policy *policy, const struct set_refs *outer,
			     const struct prefix_list *inner)
{
	size_t total = prefix_list_count(inner);

	for (size_t i = 0; i < total; i++)
		if (!literal_covered(policy, outer, inner, i))
			return false;
	return true;
}

static bool refs_cover(const struct policy *policy, const struct set_refs *outer,
		       const struct set_refs *inner)
{
	const struct values outer_values = VALUES(outer->index, outer->count);

	if (list_covers(outer_values, VALUES(inner->index, inner->count), set_covers))
		return true;
	if (outer->count > MAX_PAIRWISE || inner->count > MAX_PAIRWISE)
		return false;
	for (size_t i = 0; i < inner->count; i++) {
		const struct policy_set *set = &policy->sets[inner->index[i]];

		if (!list_covers(outer_values, VALUES(&inner->index[i], 1), set_covers) &&
		    (set->name || !literals_covered(policy, outer, &set->prefixes)))
			return false;
	}
	return true;
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

bool match_covers(const struct policy *policy, const struct match *outer, const struct match *inner,
		  uint32_t any_set)
{
	uint32_t keys = outer->keys;

	if (is_any(&outer->from, any_set))
		keys &= ~(uint32_t)MATCH_FROM;
	if (is_any(&outer->to_address, any_set))
		keys &= ~(uint32_t)MATCH_TO_ADDRESS;
	if (keys & ~inner->keys)
		return false;
	if ((keys & MATCH_FROM) && !refs_cover(policy, &outer->from, &inner->from))
		return false;
	if ((keys & MATCH_TO_ADDRESS) &&
	    !refs_cover(policy, &outer->to_address, &inner->to_address))
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
