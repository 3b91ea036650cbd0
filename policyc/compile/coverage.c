/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A rule that covers bit b matches every packet that b matches, so also two witnesses: the packet
 * made of the first class of every field that holds b, and that of the last. The vectors judge both
 * at once, which leaves few earlier bits to compare exactly.
 */
#include "compile/coverage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "compile/l4_table.h"

/* Exact comparisons in one policy; beyond it the search stops, so that no policy compiles slowly. */
#define MAX_COMPARISONS 100000

struct search {
	const struct bits *bits;
	const struct vectors *vectors;
	const bool *constrained;
	uint64_t *candidates;
	uint64_t *vector;
	uint32_t comparisons;
};

static bool list_within4(const struct prefix_list *inner, const struct prefix_list *outer)
{
	size_t at = 0;

	for (size_t i = 0; i < inner->nr_v4; i++) {
		const struct prefix4 *prefix = &inner->v4[i], *around;
		uint32_t mask;

		/* both are sorted and without overlaps: the last one that does not begin behind it */
		while (at + 1 < outer->nr_v4 && outer->v4[at + 1].addr <= prefix->addr)
			at++;
		if (at >= outer->nr_v4)
			return false;
		around = &outer->v4[at];
		mask = around->prefixlen ? UINT32_MAX << (32 - around->prefixlen) : 0;
		if (around->prefixlen > prefix->prefixlen || (prefix->addr & mask) != around->addr)
			return false;
	}
	return true;
}

static bool covers6(const struct prefix6 *around, const struct prefix6 *inner)
{
	int bytes = around->prefixlen / 8, bits = around->prefixlen % 8;

	return around->prefixlen <= inner->prefixlen && !memcmp(around->addr, inner->addr, bytes) &&
	       (!bits || (around->addr[bytes] ^ inner->addr[bytes]) >> (8 - bits) == 0);
}

static bool list_within6(const struct prefix_list *inner, const struct prefix_list *outer)
{
	size_t at = 0;

	for (size_t i = 0; i < inner->nr_v6; i++) {
		while (at + 1 < outer->nr_v6 &&
		       memcmp(outer->v6[at + 1].addr, inner->v6[i].addr, 16) <= 0)
			at++;
		if (at >= outer->nr_v6 || !covers6(&outer->v6[at], &inner->v6[i]))
			return false;
	}
	return true;
}

/* Is every set of `inner` within one set of `outer`? */
static bool sets_within(const struct bits *bits, const struct set_refs *inner,
			const struct set_refs *outer)
{
	for (size_t i = 0; i < inner->count; i++) {
		const struct prefix_list *list = bits->sets[inner->index[i]];
		bool within = false;

		for (size_t k = 0; !within && k < outer->count; k++)
			within = inner->index[i] == outer->index[k] ||
				 (list_within4(list, bits->sets[outer->index[k]]) &&
				  list_within6(list, bits->sets[outer->index[k]]));
		if (!within)
			return false;
	}
	return true;
}

static bool same_except(const struct bit *a, const struct bit *b, enum synfw_field field)
{
	return a->except_modes[field] == b->except_modes[field] &&
	       (a->except_modes[field] == EXCEPT_IGNORED || a->except == b->except);
}

/* True only when it is sure. An except of the earlier bit takes something away, so it must be the
 * same one; an except of the later bit only makes it smaller. */
static bool addresses_cover(const struct bits *bits, const struct bit *earlier, const struct bit *later,
			    enum synfw_field field)
{
	bool src = field == SYNFW_FIELD_SRC;

	if (earlier->except_modes[field] != EXCEPT_IGNORED && !same_except(earlier, later, field))
		return false;
	if (!match_constrains(earlier->match, field))
		return true;
	if (!match_constrains(later->match, field))
		return false;
	return sets_within(bits, src ? &later->match->from : &later->match->to_address,
			   src ? &earlier->match->from : &earlier->match->to_address);
}

static bool l4_covers(const struct bit *earlier, const struct bit *later, enum synfw_field field)
{
	if (!bit_constrains(earlier, field))
		return true;
	for (int region = 0; region < SYNFW_NR_L4_REGIONS; region++) {
		struct l4_values outer, inner;

		l4_bit_values(earlier, field, region, &outer);
		l4_bit_values(later, field, region, &inner);
		for (uint32_t i = 0; i < l4_region_values(region) / 64; i++)
			if (inner.word[i] & ~outer.word[i])
				return false;
	}
	return true;
}

static bool flags_cover(const struct bit *earlier, const struct bit *later)
{
	const struct flags_match *outer = &earlier->match->flags, *inner = &later->match->flags;

	if (earlier->except_modes[SYNFW_FIELD_ATTR] != EXCEPT_IGNORED &&
	    !same_except(earlier, later, SYNFW_FIELD_ATTR))
		return false;
	if (!(earlier->match->keys & MATCH_FLAGS))
		return true;
	return later->match->keys & MATCH_FLAGS && (inner->mask & outer->mask) == outer->mask &&
	       (inner->value & outer->mask) == outer->value;
}

static bool strings_within(char **inner, size_t nr_inner, char **outer, size_t nr_outer)
{
	for (size_t i = 0; i < nr_inner; i++) {
		size_t k = 0;

		while (k < nr_outer && strcmp(inner[i], outer[k]))
			k++;
		if (k == nr_outer)
			return false;
	}
	return true;
}

static bool vlans_within(const struct match *inner, const struct match *outer)
{
	for (size_t i = 0; i < inner->nr_vlans; i++) {
		size_t k = 0;

		while (k < outer->nr_vlans && inner->vlans[i] != outer->vlans[k])
			k++;
		if (k == outer->nr_vlans)
			return false;
	}
	return true;
}

static bool ifvlan_covers(const struct bit *earlier, const struct bit *later)
{
	const struct match *outer = earlier->match, *inner = later->match;

	if (earlier->except_modes[SYNFW_FIELD_IFVLAN] != EXCEPT_IGNORED &&
	    !same_except(earlier, later, SYNFW_FIELD_IFVLAN))
		return false;
	if (outer->keys & MATCH_INTERFACE &&
	    !(inner->keys & MATCH_INTERFACE &&
	      strings_within(inner->interfaces, inner->nr_interfaces, outer->interfaces,
			     outer->nr_interfaces)))
		return false;
	return !(outer->keys & MATCH_VLAN) || (inner->keys & MATCH_VLAN && vlans_within(inner, outer));
}

static bool bit_covers(const struct bits *bits, const struct bit *earlier, const struct bit *later)
{
	return (earlier->shapes & later->shapes) == later->shapes && flags_cover(earlier, later) &&
	       ifvlan_covers(earlier, later) &&
	       addresses_cover(bits, earlier, later, SYNFW_FIELD_SRC) &&
	       addresses_cover(bits, earlier, later, SYNFW_FIELD_DST) &&
	       l4_covers(earlier, later, SYNFW_FIELD_L4SRC) &&
	       l4_covers(earlier, later, SYNFW_FIELD_L4DST);
}

static void candidates_restrict(struct search *search, enum synfw_field field, uint32_t class_id)
{
	vectors_expand(search->vectors, field, class_id, search->vector);
	for (uint32_t i = 0; i < search->vectors->nr_words; i++)
		search->candidates[i] &= search->vector[i];
}

/* False when the bit is in no class of some field: it matches nothing on this host at all. */
static bool candidates_find(struct search *search, uint32_t bit)
{
	memset(search->candidates, 0xff, search->vectors->nr_words * sizeof(uint64_t));
	for (int field = 0; field < SYNFW_NR_FIELDS; field++) {
		const struct field_classes *classes = &search->vectors->field[field];

		/* every bit is at home in many attribute and interface classes: no witness there */
		if (!search->constrained[field] || field == SYNFW_FIELD_ATTR ||
		    field == SYNFW_FIELD_IFVLAN)
			continue;
		if (classes->first_class[bit] == UINT32_MAX)
			return false;
		candidates_restrict(search, field, classes->first_class[bit]);
		candidates_restrict(search, field, classes->last_class[bit]);
	}
	return true;
}

/* An earlier bit that covers `bit`, or NULL. */
static const struct bit *covering_bit(struct search *search, uint32_t bit)
{
	if (!candidates_find(search, bit))
		return NULL;
	for (uint32_t word = 0; word < search->vectors->nr_words; word++) {
		for (uint64_t left = search->candidates[word]; left; left &= left - 1) {
			uint32_t at = word * 64 + __builtin_ctzll(left);
			const struct bit *earlier = &search->bits->bit[at];

			if (at >= search->bits->count || bit_is_padding(earlier) ||
			    earlier->rule.order >= search->bits->bit[bit].rule.order)
				continue;
			if (earlier->rule.action == SYNFW_ACTION_SCORE ||
			    earlier->rule.flags & SYNFW_RULE_MONITOR)
				continue;
			if (search->comparisons++ >= MAX_COMPARISONS)
				return NULL;
			if (bit_covers(search->bits, earlier, &search->bits->bit[bit]))
				return earlier;
		}
	}
	return NULL;
}

static void warn(struct diags *diags, const struct bit *later, const struct bit *earlier)
{
	struct diag *diag = diag_warning(
		diags, later->at, "rule \"%s\" can never match: an earlier one covers all it matches",
		later->name);

	if (earlier->name)
		diag_related(diags, diag, earlier->at, "rule \"%s\" decides first", earlier->name);
	else
		diag_related(diags, diag, earlier->at, "this decides first");
}

int coverage_warn(const struct bits *bits, const struct vectors *vectors, const bool *constrained,
		  struct diags *diags)
{
	CLEANUP(cleanup_free) uint64_t *candidates = vector_new(vectors);
	CLEANUP(cleanup_free) uint64_t *vector = vector_new(vectors);
	struct search search = {bits, vectors, constrained, candidates, vector, 0};

	if (!candidates || !vector)
		return -ENOMEM;
	for (uint32_t i = 0; i < bits->count; i++) {
		const struct bit *bit = &bits->bit[i], *earlier;
		bool whole_rule = bit->name && !bit->except;

		/* one of several bits of a rule says nothing about the others */
		if (!whole_rule)
			continue;
		earlier = covering_bit(&search, i);
		if (earlier)
			warn(diags, bit, earlier);
	}
	return 0;
}
