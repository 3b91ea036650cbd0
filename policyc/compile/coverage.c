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

/* What exact comparisons may cost in one policy, in prefixes looked at; beyond it the search stops,
 * so that no policy compiles slowly. A search in a list counts as much as WORK_PREFIX of them, a
 * comparison of ports as much as WORK_PORTS. */
#define MAX_WORK    20000000
#define WORK_PREFIX 4
#define WORK_PORTS  100

/* For each bit a first and a last class that holds it, NO_CLASS: none does. */
struct witnesses {
	uint32_t *first, *last;
};

#define NO_CLASS UINT32_MAX

struct search {
	const struct bits *bits;
	const struct vectors *vectors;
	struct witnesses
		witnesses[SYNFW_NR_FIELDS]; /* of the fields that are searched, else NULL */
	uint64_t *candidates;
	uint64_t *vector;
	uint64_t *unseen;
	uint64_t work;
};

static bool covers4(const struct prefix4 *around, const struct prefix4 *inner)
{
	uint32_t mask = around->prefixlen ? UINT32_MAX << (32 - around->prefixlen) : 0;

	return around->prefixlen <= inner->prefixlen && (inner->addr & mask) == around->addr;
}

/* Lists are sorted and without overlaps: the last prefix that does not begin behind the inner one
 * is the only one that may be around it. */
static bool within4(const struct prefix4 *inner, const struct prefix_list *outer)
{
	size_t low = 0, high = outer->nr_v4;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (outer->v4[middle].addr <= inner->addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low && covers4(&outer->v4[low - 1], inner);
}

static bool covers6(const struct prefix6 *around, const struct prefix6 *inner)
{
	int bytes = around->prefixlen / 8, bits = around->prefixlen % 8;

	return around->prefixlen <= inner->prefixlen && !memcmp(around->addr, inner->addr, bytes) &&
	       (!bits || (around->addr[bytes] ^ inner->addr[bytes]) >> (8 - bits) == 0);
}

static bool within6(const struct prefix6 *inner, const struct prefix_list *outer)
{
	size_t low = 0, high = outer->nr_v6;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(outer->v6[middle].addr, inner->addr, 16) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low && covers6(&outer->v6[low - 1], inner);
}

/* Is this prefix of `inner` within one set of `outer`? */
static bool prefix_within(struct search *search, const struct prefix_list *inner, size_t at,
			  const struct set_refs *outer)
{
	for (size_t k = 0; k < outer->count; k++) {
		const struct prefix_list *list = search->bits->sets[outer->index[k]];

		search->work += WORK_PREFIX;
		if (search->work > MAX_WORK)
			return false;
		if (at < inner->nr_v4 ? within4(&inner->v4[at], list)
				      : within6(&inner->v6[at - inner->nr_v4], list))
			return true;
	}
	return false;
}

/* Is every prefix of `inner` within one set of `outer`? */
static bool sets_within(struct search *search, const struct set_refs *inner,
			const struct set_refs *outer)
{
	for (size_t i = 0; i < inner->count; i++) {
		const struct prefix_list *list = search->bits->sets[inner->index[i]];
		size_t total = prefix_list_count(list);
		bool same = false;

		for (size_t k = 0; !same && k < outer->count; k++)
			same = inner->index[i] == outer->index[k];
		for (size_t at = 0; !same && at < total; at++)
			if (!prefix_within(search, list, at, outer))
				return false;
	}
	return true;
}

/* True only when it is sure. An except of the earlier bit takes something away, and of the later
 * bit only makes that smaller. */
static bool addresses_cover(struct search *search, const struct bit *earlier,
			    const struct bit *later, enum synfw_field field)
{
	bool src = field == SYNFW_FIELD_SRC;

	if (earlier->except_modes[field] != EXCEPT_IGNORED)
		return false;
	if (!match_constrains(earlier->match, field))
		return true;
	if (!match_constrains(later->match, field))
		return false;
	return sets_within(search, src ? &later->match->from : &later->match->to_address,
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

static bool attributes_cover(const struct bit *earlier, const struct bit *later)
{
	const struct flags_match *outer = &earlier->match->flags, *inner = &later->match->flags;

	if (earlier->except_modes[SYNFW_FIELD_ATTR] != EXCEPT_IGNORED)
		return false;
	if (earlier->match->keys & MATCH_STATE &&
	    !(later->match->keys & MATCH_STATE && later->match->state == earlier->match->state))
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

	if (earlier->except_modes[SYNFW_FIELD_IFVLAN] != EXCEPT_IGNORED)
		return false;
	if (outer->keys & MATCH_INTERFACE &&
	    !(inner->keys & MATCH_INTERFACE &&
	      strings_within(inner->interfaces, inner->nr_interfaces, outer->interfaces,
			     outer->nr_interfaces)))
		return false;
	return !(outer->keys & MATCH_VLAN) ||
	       (inner->keys & MATCH_VLAN && vlans_within(inner, outer));
}

/* Whatever pairs hold for the later bit hold for the earlier one as well. */
static bool dynamic_covers(const struct bit *earlier, const struct bit *later)
{
	if (!bit_constrains(earlier, SYNFW_FIELD_DYNAMIC))
		return true;
	for (unsigned int held = 0; held < 1U << SYNFW_MAX_DYNAMIC_PAIRS; held++)
		if (dynamic_condition_holds(&later->dynamic, held) &&
		    !dynamic_condition_holds(&earlier->dynamic, held))
			return false;
	return true;
}

static bool bit_covers(struct search *search, const struct bit *earlier, const struct bit *later)
{
	search->work += WORK_PORTS;
	return (earlier->shapes & later->shapes) == later->shapes &&
	       attributes_cover(earlier, later) && dynamic_covers(earlier, later) &&
	       ifvlan_covers(earlier, later) && l4_covers(earlier, later, SYNFW_FIELD_L4SRC) &&
	       l4_covers(earlier, later, SYNFW_FIELD_L4DST) &&
	       addresses_cover(search, earlier, later, SYNFW_FIELD_SRC) &&
	       addresses_cover(search, earlier, later, SYNFW_FIELD_DST);
}

/* Notes a class for each of its bits that has none yet. */
static void witness_class(struct search *search, enum synfw_field field, uint32_t class_id,
			  uint32_t *witness)
{
	vectors_expand(search->vectors, field, class_id, search->vector);
	for (uint32_t word = 0; word < search->vectors->nr_words; word++) {
		uint64_t fresh = search->vector[word] & search->unseen[word];

		search->unseen[word] &= ~fresh;
		for (; fresh; fresh &= fresh - 1)
			witness[word * 64 + __builtin_ctzll(fresh)] = class_id;
	}
}

static int witnesses_find(struct search *search, enum synfw_field field)
{
	uint32_t nr_classes = search->vectors->classes[field].count;
	size_t bytes = search->vectors->nr_words * 64 * sizeof(uint32_t);
	uint32_t *first = malloc(bytes), *last = malloc(bytes);

	search->witnesses[field] = (struct witnesses){first, last};
	if (!first || !last)
		return -ENOMEM;
	memset(first, 0xff, bytes);
	memset(last, 0xff, bytes);
	memset(search->unseen, 0xff, search->vectors->nr_words * sizeof(uint64_t));
	for (uint32_t id = 0; id < nr_classes; id++)
		witness_class(search, field, id, first);
	memset(search->unseen, 0xff, search->vectors->nr_words * sizeof(uint64_t));
	for (uint32_t id = nr_classes; id-- > 0;)
		witness_class(search, field, id, last);
	return 0;
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
		const struct witnesses *witnesses = &search->witnesses[field];

		if (!witnesses->first)
			continue;
		if (witnesses->first[bit] == NO_CLASS)
			return false;
		candidates_restrict(search, field, witnesses->first[bit]);
		candidates_restrict(search, field, witnesses->last[bit]);
	}
	return true;
}

static bool may_cover(const struct bit *earlier, const struct bit *later)
{
	return !bit_is_padding(earlier) && earlier->rule.order < later->rule.order &&
	       !bit_counts(earlier);
}

/* An earlier bit that covers `bit`, or NULL. */
static const struct bit *covering_bit(struct search *search, uint32_t bit)
{
	const struct bit *later = &search->bits->bit[bit];

	if (!candidates_find(search, bit))
		return NULL;
	for (uint32_t word = 0; word < search->vectors->nr_words; word++) {
		for (uint64_t left = search->candidates[word]; left; left &= left - 1) {
			uint32_t at = word * 64 + __builtin_ctzll(left);

			if (at >= search->bits->count || !may_cover(&search->bits->bit[at], later))
				continue;
			if (search->work > MAX_WORK)
				return NULL;
			if (bit_covers(search, &search->bits->bit[at], later))
				return &search->bits->bit[at];
		}
	}
	return NULL;
}

static void warn(struct diags *diags, const struct bit *later, const struct bit *earlier)
{
	struct diag *diag = diag_warning(
		diags, later->at,
		"rule \"%s\" can never match: an earlier one covers all it matches", later->name);

	if (earlier->name)
		diag_related(diags, diag, earlier->at, "rule \"%s\" decides first", earlier->name);
	else
		diag_related(diags, diag, earlier->at, "this decides first");
}

static void search_done(struct search *search)
{
	free(search->candidates);
	free(search->vector);
	free(search->unseen);
	for (int field = 0; field < SYNFW_NR_FIELDS; field++) {
		free(search->witnesses[field].first);
		free(search->witnesses[field].last);
	}
}

int coverage_warn(const struct bits *bits, const struct vectors *vectors, const bool *constrained,
		  struct diags *diags)
{
	CLEANUP(search_done)
	struct search search = {
		.bits = bits,
		.vectors = vectors,
		.candidates = vector_new(vectors),
		.vector = vector_new(vectors),
		.unseen = vector_new(vectors),
	};

	if (!search.candidates || !search.vector || !search.unseen)
		return -ENOMEM;
	for (int field = 0; field < SYNFW_NR_FIELDS; field++) {
		/* every bit is at home in many of their classes: no witness there */
		if (!constrained[field] || field == SYNFW_FIELD_ATTR ||
		    field == SYNFW_FIELD_IFVLAN || field == SYNFW_FIELD_DYNAMIC)
			continue;
		if (witnesses_find(&search, field))
			return -ENOMEM;
	}
	for (uint32_t i = 0; i < bits->count; i++) {
		const struct bit *earlier =
			bits->bit[i].whole_rule ? covering_bit(&search, i) : NULL;

		if (earlier)
			warn(diags, &bits->bit[i], earlier);
	}
	return 0;
}
