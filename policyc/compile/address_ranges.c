/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Addresses of one direction. All prefixes of all sets that rules of this direction mention are
 * sorted so that a prefix follows those that cover it; a walk with a stack of covering prefixes
 * knows for each which sets it is in ("membership"), and with that which bits it matches. A prefix
 * whose class is that of the prefix around it is left out.
 */
#include "compile/membership.h"
#include "compile/tables.h"
#include "large_memory.h"
#include "sorted.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

/* One prefix of one set, both families alike: 128 bits from the most significant one. */
struct entry {
	uint64_t high, low;
	uint32_t set;
	uint8_t prefixlen;
};

struct entries {
	struct entry *entry;
	size_t count;
};

static int entry_compare(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;

	if (a->high != b->high)
		return a->high < b->high ? -1 : 1;
	if (a->low != b->low)
		return a->low < b->low ? -1 : 1;
	if (a->prefixlen != b->prefixlen)
		return a->prefixlen < b->prefixlen ? -1 : 1;
	return a->set < b->set ? -1 : a->set > b->set;
}

static bool entry_covers(const struct entry *around, const struct entry *inner)
{
	uint8_t length = around->prefixlen;

	if (length > inner->prefixlen)
		return false;
	if (length == 0)
		return true;
	if (length <= 64)
		return (around->high ^ inner->high) >> (64 - length) == 0;
	return around->high == inner->high && (around->low ^ inner->low) >> (128 - length) == 0;
}

static bool same_prefix(const struct entry *a, const struct entry *b)
{
	return a->high == b->high && a->low == b->low && a->prefixlen == b->prefixlen;
}

static struct entry entry_of4(const struct prefix4 *prefix, uint32_t set)
{
	return (struct entry){
		.high = (uint64_t)prefix->addr << 32, .prefixlen = prefix->prefixlen, .set = set};
}

static struct entry entry_of6(const struct prefix6 *prefix, uint32_t set)
{
	struct entry entry = {.prefixlen = prefix->prefixlen, .set = set};

	memcpy(&entry.high, prefix->addr, 8);
	memcpy(&entry.low, prefix->addr + 8, 8);
	entry.high = be64toh(entry.high);
	entry.low = be64toh(entry.low);
	return entry;
}

static size_t set_count(const struct prefix_list *list, enum family family)
{
	return family == FAMILY_4 ? list->nr_v4 : list->nr_v6;
}

/* All prefixes of one family in the sets that matter, sorted. */
static int entries_collect(const struct build *build, const struct memberships *memberships,
			   enum family family, struct entries *ret_entries)
{
	struct entries entries = {};
	size_t room = 0;

	for (uint32_t set = 0; set < build->bits->nr_sets; set++)
		if (memberships_use(memberships, set))
			room += set_count(build->bits->sets[set], family);
	entries.entry = calloc(room ? room : 1, sizeof(entries.entry[0]));
	if (!large_memory(entries.entry, room * sizeof(entries.entry[0])))
		return -ENOMEM;
	for (uint32_t set = 0; set < build->bits->nr_sets; set++) {
		const struct prefix_list *list = build->bits->sets[set];

		if (!memberships_use(memberships, set))
			continue;
		for (size_t i = 0; i < set_count(list, family); i++)
			entries.entry[entries.count++] = family == FAMILY_4
								 ? entry_of4(&list->v4[i], set)
								 : entry_of6(&list->v6[i], set);
	}
	/* those of one set are, and it is mostly one that is large */
	if (!is_sorted(entries.entry, entries.count, sizeof(entries.entry[0]), entry_compare))
		qsort(entries.entry, entries.count, sizeof(entries.entry[0]), entry_compare);
	*ret_entries = entries;
	return 0;
}

struct classified {
	uint64_t high, low;
	uint32_t class_id;
	uint8_t prefixlen;
};

struct walk_frame {
	struct entry prefix;
	uint32_t membership;
	uint32_t class_id;
};

/* Walks the sorted entries; writes those whose class differs from their surroundings to `out`,
 * which has room for all of them. */
static int entries_classify(struct build *build, struct memberships *memberships,
			    const struct entries *entries, struct classified *out,
			    size_t *ret_count)
{
	struct walk_frame stack[130] = {}; /* one a prefix length, and the whole address space */
	int depth = 0, error;
	size_t count = 0;

	error = memberships_class(memberships, &build->vectors, MEMBERSHIP_EMPTY,
				  &stack[0].class_id);
	for (size_t i = 0; !error && i < entries->count;) {
		const struct entry *entry = &entries->entry[i];
		struct walk_frame *frame;

		while (depth > 0 && !entry_covers(&stack[depth].prefix, entry))
			depth--;
		frame = &stack[depth + 1];
		*frame = (struct walk_frame){.prefix = *entry,
					     .membership = stack[depth].membership};
		for (; !error && i < entries->count && same_prefix(entry, &entries->entry[i]); i++)
			error = memberships_add(memberships, frame->membership,
						entries->entry[i].set, &frame->membership);
		if (!error)
			error = memberships_class(memberships, &build->vectors, frame->membership,
						  &frame->class_id);
		if (error)
			break;
		depth++;
		if (frame->class_id != frame[-1].class_id)
			out[count++] = (struct classified){entry->high, entry->low, frame->class_id,
							   entry->prefixlen};
	}
	*ret_count = count;
	return error;
}

/* A prefix that is open while those within it come, and its last address. */
struct open_prefix {
	address_t last;
	uint32_t class_id;
};

static address_t prefix_last(const struct classified *prefix)
{
	address_t first = (address_t)prefix->high << 64 | prefix->low;

	return prefix->prefixlen == 128 ? first : first | ~(address_t)0 >> prefix->prefixlen;
}

/* The list of nested prefixes as ranges. */
static int ranges_fill(struct ranges *ranges, const struct classified *list, size_t count)
{
	struct open_prefix stack[130] = {{.last = ~(address_t)0}};
	int depth = 0, error = count ? ranges_append(ranges, 0, 0) : 0;

	for (size_t i = 0; !error && i < count; i++) {
		address_t first = (address_t)list[i].high << 64 | list[i].low;

		for (; !error && stack[depth].last < first; depth--)
			error = ranges_append(ranges, stack[depth].last + 1,
					      stack[depth - 1].class_id);
		if (!error)
			error = ranges_append(ranges, first, list[i].class_id);
		stack[++depth] = (struct open_prefix){prefix_last(&list[i]), list[i].class_id};
	}
	for (; !error && depth > 0; depth--)
		if (stack[depth].last != ~(address_t)0)
			error = ranges_append(ranges, stack[depth].last + 1,
					      stack[depth - 1].class_id);
	return error;
}

static int build_family(struct build *build, struct memberships *memberships,
			enum synfw_direction direction, enum family family)
{
	CLEANUP(cleanup_free) struct classified *list = NULL;
	struct entries entries;
	size_t count = 0;
	int error = entries_collect(build, memberships, family, &entries);

	if (error)
		return error;
	list = calloc(entries.count ? entries.count : 1, sizeof(*list));
	if (large_memory(list, entries.count * sizeof(*list)))
		error = entries_classify(build, memberships, &entries, list, &count);
	else
		error = -ENOMEM;
	free(entries.entry);
	if (error)
		return error;
	return ranges_fill(&build->addresses[direction][family].ranges, list, count);
}

int build_addresses(struct build *build, enum synfw_direction direction)
{
	CLEANUP(memberships_done) struct memberships memberships = {};
	int error = memberships_init(&memberships, build->bits, direction);

	if (!error)
		error = build_family(build, &memberships, direction, FAMILY_4);
	if (!error)
		error = build_family(build, &memberships, direction, FAMILY_6);
	return error;
}
