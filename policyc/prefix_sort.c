/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Radix sorts from the least digit up (Knuth, The Art of Computer Programming 3, 5.2.5): a million
 * addresses take a tenth of what qsort() takes. */
#include "prefix_sort.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "large_memory.h"
#include "sorted.h"

/* Of fewer, qsort() is as fast. */
#define MIN_RADIX  1024

#define DIGIT_BITS 11
#define NR_DIGITS  (1 << DIGIT_BITS)
#define PASSES4	   4
#define PASSES6	   6 /* of the upper half */

/* Where the elements with each digit go. */
typedef size_t places[NR_DIGITS];

/* From how many there are of each digit. */
static void places_sum(places place)
{
	size_t next = 0;

	for (size_t digit = 0; digit < NR_DIGITS; digit++) {
		size_t here = place[digit];

		place[digit] = next;
		next += here;
	}
}

/* ---- IPv4 ------------------------------------------------------------------------------------ */

int prefix4_compare(const void *a, const void *b)
{
	const struct prefix4 *left = a, *right = b;

	if (left->addr != right->addr)
		return left->addr < right->addr ? -1 : 1;
	return (int)left->prefixlen - (int)right->prefixlen;
}

static inline uint32_t digit4(const struct prefix4 *prefix, int pass)
{
	return pass ? prefix->addr >> (pass - 1) * DIGIT_BITS & (NR_DIGITS - 1) : prefix->prefixlen;
}

static void places4_count(const struct prefix4 *prefixes, size_t count, places place[PASSES4])
{
	memset(place, 0, PASSES4 * sizeof(places));
	for (size_t i = 0; i < count; i++)
		for (int pass = 0; pass < PASSES4; pass++)
			place[pass][digit4(&prefixes[i], pass)]++;
	for (int pass = 0; pass < PASSES4; pass++)
		places_sum(place[pass]);
}

static bool radix_sort4(struct prefix4 *prefixes, size_t count)
{
	struct prefix4 *from = prefixes, *to;
	CLEANUP(cleanup_free) struct prefix4 *spare = reallocarray(NULL, count, sizeof(*spare));
	places place[PASSES4];

	if (!large_memory(spare, count * sizeof(*spare)))
		return false;
	places4_count(prefixes, count, place);
	to = spare;
	for (int pass = 0; pass < PASSES4; pass++) {
		struct prefix4 *swap = from;

		for (size_t i = 0; i < count; i++)
			to[place[pass][digit4(&from[i], pass)]++] = from[i];
		from = to;
		to = swap;
	}
	/* an even number of passes: the result is where it began */
	return true;
}

/* Published lists are nearly always sorted; finding that out costs less than sorting them. */
void prefixes4_sort(struct prefix4 *prefixes, size_t count)
{
	if (is_sorted(prefixes, count, sizeof(*prefixes), prefix4_compare))
		return;
	if (count < MIN_RADIX || !radix_sort4(prefixes, count))
		qsort(prefixes, count, sizeof(*prefixes), prefix4_compare);
}

/* ---- IPv6 ------------------------------------------------------------------------------------ */

static uint64_t half6(const struct prefix6 *prefix, int half)
{
	uint64_t value_be;

	memcpy(&value_be, prefix->addr + 8 * half, sizeof(value_be));
	return be64toh(value_be);
}

int prefix6_compare(const void *a, const void *b)
{
	const struct prefix6 *left = a, *right = b;

	for (int half = 0; half < 2; half++) {
		uint64_t left_half = half6(left, half), right_half = half6(right, half);

		if (left_half != right_half)
			return left_half < right_half ? -1 : 1;
	}
	return (int)left->prefixlen - (int)right->prefixlen;
}

/* The upper half of an address, and which prefix it is of. */
struct upper6 {
	uint64_t half;
	uint32_t index;
};

static inline uint32_t digit6(const struct upper6 *upper, int pass)
{
	return upper->half >> pass * DIGIT_BITS & (NR_DIGITS - 1);
}

static void places6_count(const struct upper6 *uppers, size_t count, places place[PASSES6])
{
	memset(place, 0, PASSES6 * sizeof(places));
	for (size_t i = 0; i < count; i++)
		for (int pass = 0; pass < PASSES6; pass++)
			place[pass][digit6(&uppers[i], pass)]++;
}

/* Sorts by the upper halves, with `spare` for as many. Where the result is. */
static struct upper6 *uppers_sort(struct upper6 *uppers, size_t count, struct upper6 *spare)
{
	struct upper6 *from = uppers, *to = spare;
	places place[PASSES6];

	places6_count(uppers, count, place);
	for (int pass = 0; pass < PASSES6; pass++) {
		struct upper6 *swap = from;

		/* networks have much in common: a digit that all have the same changes nothing */
		if (place[pass][digit6(from, pass)] == count)
			continue;
		places_sum(place[pass]);
		for (size_t i = 0; i < count; i++)
			to[place[pass][digit6(&from[i], pass)]++] = from[i];
		from = to;
		to = swap;
	}
	return from;
}

/* By the lower halves and the lengths, where the upper halves are the same. */
static void lowers_sort(struct prefix6 *prefixes, size_t count, const struct upper6 *uppers)
{
	for (size_t begin = 0, end; begin < count; begin = end) {
		for (end = begin + 1; end < count && uppers[end].half == uppers[begin].half; end++)
			;
		if (end - begin > 1)
			qsort(prefixes + begin, end - begin, sizeof(*prefixes), prefix6_compare);
	}
}

/* Each load waits for a miss of the cache, but for no other one. */
static void gather(const struct prefix6 *prefixes, size_t count, const struct upper6 *sorted,
		   struct prefix6 *to)
{
	for (size_t i = 0; i < count; i++)
		to[i] = prefixes[sorted[i].index];
}

/* In two halves of memory, each of which has room for the upper halves, or for the prefixes. */
static bool radix_sort6(struct prefix6 *prefixes, size_t count)
{
	size_t room = count * sizeof(*prefixes) / sizeof(struct upper6) + 1;
	CLEANUP(cleanup_free)
	struct upper6 *uppers = reallocarray(NULL, 2 * room, sizeof(*uppers));
	struct upper6 *sorted;
	struct prefix6 *spare;

	if (count > UINT32_MAX || !large_memory(uppers, 2 * room * sizeof(*uppers)))
		return false;
	for (size_t i = 0; i < count; i++)
		uppers[i] = (struct upper6){half6(&prefixes[i], 0), i};
	sorted = uppers_sort(uppers, count, uppers + room);
	spare = (struct prefix6 *)(sorted == uppers ? uppers + room : uppers);
	gather(prefixes, count, sorted, spare);
	memcpy(prefixes, spare, count * sizeof(*prefixes));
	lowers_sort(prefixes, count, sorted);
	return true;
}

void prefixes6_sort(struct prefix6 *prefixes, size_t count)
{
	if (is_sorted(prefixes, count, sizeof(*prefixes), prefix6_compare))
		return;
	if (count < MIN_RADIX || !radix_sort6(prefixes, count))
		qsort(prefixes, count, sizeof(*prefixes), prefix6_compare);
}
