/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/prefix_merge.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct merge_list {
	const struct prefix_list *list;
	size_t at, end; /* of the family's prefixes */
	struct set_prefix head;
};

static address_t first_of6(const struct prefix6 *prefix)
{
	uint64_t half_be[2];

	memcpy(half_be, prefix->addr, sizeof(half_be));
	return (address_t)be64toh(half_be[0]) << 64 | be64toh(half_be[1]);
}

struct set_prefix set_prefix_of(const struct prefix_list *prefixes, enum family family,
				size_t place)
{
	if (family == FAMILY_4)
		return (struct set_prefix){
			.first = address4(prefixes->v4[place].addr),
			.prefixlen = prefixes->v4[place].prefixlen,
		};
	return (struct set_prefix){
		.first = first_of6(&prefixes->v6[place]),
		.prefixlen = prefixes->v6[place].prefixlen,
	};
}

/* The place of the first prefix that has, or is behind, an address. */
static size_t place_of(const struct prefix_list *prefixes, enum family family, address_t address)
{
	size_t first = 0, end = prefix_list_count_of(prefixes, family);

	while (first < end) {
		size_t middle = first + (end - first) / 2;
		struct set_prefix prefix = set_prefix_of(prefixes, family, middle);

		if (set_prefix_last(&prefix) < address)
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

bool set_prefix_find(const struct prefix_list *prefixes, enum family family, address_t address,
		     struct set_prefix *ret_prefix)
{
	size_t place = place_of(prefixes, family, address);

	if (place == prefix_list_count_of(prefixes, family))
		return false;
	*ret_prefix = set_prefix_of(prefixes, family, place);
	return true;
}

/* Makes the prefix that the list is at its head. */
static void head_load(struct merge_list *list, enum family family)
{
	struct set_prefix prefix = set_prefix_of(list->list, family, list->at);

	list->head.first = prefix.first;
	list->head.prefixlen = prefix.prefixlen;
}

static bool is_before(const struct set_prefix *a, const struct set_prefix *b)
{
	if (a->first != b->first)
		return a->first < b->first;
	if (a->prefixlen != b->prefixlen)
		return a->prefixlen < b->prefixlen;
	return a->set < b->set;
}

int prefix_merge_begin(struct prefix_merge *merge, enum family family, size_t nr_lists)
{
	*merge = (struct prefix_merge){.family = family};
	merge->heap = calloc(nr_lists + 1, sizeof(*merge->heap));
	return merge->heap ? 0 : -ENOMEM;
}

/* Takes in the prefixes of a list from place `at` to before `end`. */
static void list_add(struct prefix_merge *merge, const struct prefix_list *prefixes, uint32_t set,
		     size_t at, size_t end)
{
	size_t place = merge->nr_lists;
	struct merge_list list = {.list = prefixes, .end = end, .at = at, .head.set = set};

	if (at >= end)
		return;
	head_load(&list, merge->family);
	for (; place && is_before(&list.head, &merge->heap[(place - 1) / 2].head);
	     place = (place - 1) / 2)
		merge->heap[place] = merge->heap[(place - 1) / 2];
	merge->heap[place] = list;
	merge->nr_lists++;
	merge->left += end - at;
}

void prefix_merge_add(struct prefix_merge *merge, const struct prefix_list *prefixes, uint32_t set)
{
	list_add(merge, prefixes, set, 0, prefix_list_count_of(prefixes, merge->family));
}

void prefix_merge_add_part(struct prefix_merge *merge, const struct prefix_list *prefixes,
			   uint32_t set, address_t first, address_t last)
{
	size_t at = place_of(prefixes, merge->family, first), end = at;

	while (end < prefix_list_count_of(prefixes, merge->family) &&
	       set_prefix_of(prefixes, merge->family, end).first <= last)
		end++;
	list_add(merge, prefixes, set, at, end);
}

/* Moves the list at the beginning, which has another head or is another, to where it belongs. */
static void heap_sink(struct prefix_merge *merge)
{
	struct merge_list list;
	size_t at = 0, below;

	if (merge->nr_lists < 2)
		return;
	list = merge->heap[0];
	for (; (below = 2 * at + 1) < merge->nr_lists; at = below) {
		if (below + 1 < merge->nr_lists &&
		    is_before(&merge->heap[below + 1].head, &merge->heap[below].head))
			below++;
		if (!is_before(&merge->heap[below].head, &list.head))
			break;
		merge->heap[at] = merge->heap[below];
	}
	merge->heap[at] = list;
}

bool prefix_merge_next(struct prefix_merge *merge, struct set_prefix *ret_prefix)
{
	struct merge_list *list = &merge->heap[0];

	if (!merge->left)
		return false;
	merge->left--;
	*ret_prefix = list->head;
	if (++list->at < list->end) {
		head_load(list, merge->family);
		assert(is_before(ret_prefix, &list->head));
	} else {
		*list = merge->heap[--merge->nr_lists];
	}
	heap_sink(merge);
	return true;
}

void prefix_merge_done(struct prefix_merge *merge)
{
	free(merge->heap);
	*merge = (struct prefix_merge){};
}
