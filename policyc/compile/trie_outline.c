/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/trie_outline.h"

#include <stdbool.h>

#include <synfw/trie.h>

/* Of an IPv6 outline, what a range may add to its size. */
#define MAX_BITS_A_RANGE 8

/* The upper halves of the first and of the last address of a range: all that prefixes of up to 64
 * bits ask for, of every range again and again. */
static uint64_t upper_first(const struct ranges *ranges, size_t range)
{
	return ranges->family == FAMILY_4 ? (uint64_t)ranges->range4[range].first << 32
					  : ranges->range6[range].high;
}

static uint64_t upper_last(const struct ranges *ranges, size_t range)
{
	size_t next = range + 1;

	if (next == ranges->count)
		return UINT64_MAX;
	if (ranges->family == FAMILY_4)
		return ((uint64_t)ranges->range4[next].first << 32) - 1;
	return ranges->range6[next].high - !ranges->range6[next].low;
}

/* Goes through the prefixes of a length that have not the class of the rest only, in order and each
 * once, as spans. */
struct spans {
	const struct ranges *ranges;
	uint32_t rest, prefixlen; /* 1 to 63 */
	uint64_t limit;		  /* the number of the prefix to end before */
	size_t range;		  /* the next one to look at */
	uint64_t first, end;	  /* numbers of the prefixes of the span in hand */
};

/* All prefixes of the length. */
static struct spans spans_of_all(const struct ranges *ranges, uint32_t rest, uint32_t prefixlen)
{
	return (struct spans){
		.ranges = ranges, .rest = rest, .prefixlen = prefixlen, .limit = 1ULL << prefixlen};
}

static bool spans_next(struct spans *spans)
{
	uint32_t shift = 64 - spans->prefixlen;

	while (spans->range < spans->ranges->count) {
		size_t range = spans->range++;
		uint64_t first, end;

		if (range_class(spans->ranges, range) == spans->rest)
			continue;
		first = upper_first(spans->ranges, range) >> shift;
		end = (upper_last(spans->ranges, range) >> shift) + 1;
		if (first < spans->end)
			first = spans->end;
		if (end > spans->limit)
			end = spans->limit;
		if (first >= end)
			continue;
		spans->first = first;
		spans->end = end;
		return true;
	}
	return false;
}

static uint64_t count_prefixes(const struct ranges *ranges, uint32_t rest, uint32_t prefixlen)
{
	struct spans spans = spans_of_all(ranges, rest, prefixlen);
	uint64_t count = 0;

	while (spans_next(&spans))
		count += spans.end - spans.first;
	return count;
}

/* One that has more bits would be asked in vain too often. */
bool outline4_pays(uint64_t count)
{
	return count <= 1U << (SYNFW_TRIE_OUTLINE_PREFIXLEN - 1);
}

uint32_t outline4_bits(const struct ranges *ranges, uint32_t rest)
{
	uint64_t count = count_prefixes(ranges, rest, SYNFW_TRIE_OUTLINE_PREFIXLEN);

	return outline4_pays(count) ? SYNFW_TRIE_OUTLINE_PREFIXLEN : 0;
}

/* The smallest of which at most a quarter of the bits are set. It must stay small beside the trie:
 * a short prefix sets many bits and is one record. */
uint32_t outline6_bits(const struct outlined *outlined, size_t nr_ranges)
{
	uint64_t count = outlined_total(outlined);
	uint32_t bits = SYNFW_TRIE6_OUTLINE_MIN_BITS;

	while (bits <= SYNFW_TRIE6_OUTLINE_MAX_BITS && 4 * count > 1U << bits)
		bits++;
	if (bits == SYNFW_TRIE6_OUTLINE_MIN_BITS)
		return bits;
	if (bits > SYNFW_TRIE6_OUTLINE_MAX_BITS || 1U << bits > MAX_BITS_A_RANGE * nr_ranges)
		return 0;
	return bits;
}

int outline6_find(const struct ranges *ranges, uint32_t rest, uint32_t first, uint32_t last,
		  struct outlined *outlined)
{
	struct spans spans = spans_of_all(ranges, rest, SYNFW_TRIE6_OUTLINE_PREFIXLEN);
	int error = 0;

	spans.end = first;
	spans.limit = (uint64_t)last + 1;
	while (!error && spans_next(&spans))
		error = outlined_append(outlined, spans.first, spans.end - 1);
	return error;
}

void outline6_fill(const struct outlined *outlined, uint32_t bits, uint64_t *outline)
{
	for (size_t i = 0; i < outlined->count; i++) {
		const struct outlined_run *run = &outlined->runs[i];

		for (uint64_t prefix = run->first; prefix <= run->last; prefix++) {
			uint32_t bit = synfw_trie6_outline_bit(prefix, bits);

			outline[bit / 64] |= 1ULL << bit % 64;
		}
	}
}

static void bits_set(uint64_t *bitmap, uint32_t first, uint32_t end)
{
	for (uint32_t i = first; i < end; i++) {
		/* whole words, where there are such */
		for (; i % 64 == 0 && end - i >= 64; i += 64)
			bitmap[i / 64] = ~0ULL;
		if (i < end)
			bitmap[i / 64] |= 1ULL << i % 64;
	}
}

void bitmap4_fill(const struct ranges *ranges, uint32_t rest, uint32_t prefixlen, uint32_t first,
		  uint32_t end, uint64_t *bitmap)
{
	struct spans spans = spans_of_all(ranges, rest, prefixlen);

	spans.end = first;
	spans.limit = end;
	while (spans_next(&spans))
		bits_set(bitmap, spans.first, spans.end);
}
