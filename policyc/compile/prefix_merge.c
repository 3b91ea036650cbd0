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

/* Makes the prefix that the list is at its head. */
static void head_load(struct merge_list *list, enum family family)
{
	if (family == FAMILY_4) {
		const struct prefix4 *prefix = &list->list->v4[list->at];

		list->head.first = address4(prefix->addr);
		list->head.prefixlen = prefix->prefixlen;
	} else {
		const struct prefix6 *prefix = &list->list->v6[list->at];

		list->head.first = first_of6(prefix);
		list->head.prefixlen = prefix->prefixlen;
	}
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
	list_add(merge, prefixes, set, 0,
		 merge->family == FAMILY_4 ? prefixes->nr_v4 : prefixes->nr_v6);
}

void prefix_merge_add_part4(struct prefix_merge *merge, const struct prefix_list *prefixes,
			    uint32_t set, uint32_t first, uint32_t last)
{
	size_t at = prefix_list_find4(prefixes, first), end = at;

	while (end < prefixes->nr_v4 && prefixes->v4[end].addr <= last)
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
