/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bits that constrain the same fields stand together. A rule that leaves a field open has its bit
 * in every class of that field; mixed with the others it keeps a word alive that no packet matches,
 * and a walk would load almost every word (measured: 10,500 ns at 10,000 rules instead of 100).
 */
#include "compile/bits.h"

#include <errno.h>
#include <stdlib.h>

#define LINE_BITS (8 * SYNFW_LINE_BYTES)

/* A group of deciding bits is called by the fields that the walk has to look at. Those that count
 * are one group, in which they stand in the order of the rules: limits have to be asked in that
 * order. */
#define GROUP_COUNTING (1 << SYNFW_NR_FIELDS)
#define NR_GROUPS      (GROUP_COUNTING + 1)

static uint32_t bit_fields(const struct bit *bit)
{
	uint32_t group = 0;

	for (int field = 0; field < SYNFW_NR_FIELDS; field++)
		group |= bit_constrains(bit, field) << field;
	if (bit->shapes != SHAPES_RULES)
		group |= 1 << SYNFW_FIELD_ATTR;
	return group;
}

static uint32_t bit_group(const struct bit *bit)
{
	return bit_counts(bit) ? GROUP_COUNTING : bit_fields(bit);
}

struct groups {
	uint32_t counting_fields; /* that some bit of GROUP_COUNTING constrains */
	uint32_t size[NR_GROUPS];
	uint32_t first[NR_GROUPS]; /* bit, a multiple of 64 */
	uint32_t count;		   /* bits, padding included */
};

static void groups_measure(const struct bits *bits, struct groups *groups)
{
	for (uint32_t i = 0; i < bits->count; i++) {
		groups->size[bit_group(&bits->bit[i])]++;
		if (bit_counts(&bits->bit[i]))
			groups->counting_fields |= bit_fields(&bits->bit[i]);
	}
	for (uint32_t group = 0; group < NR_GROUPS; group++) {
		groups->first[group] = groups->count;
		groups->count += (groups->size[group] + 63) / 64 * 64;
	}
}

static void words_describe(const struct groups *groups, struct bits *bits)
{
	for (uint32_t group = 0; group < NR_GROUPS; group++) {
		uint32_t end = (groups->first[group] + groups->size[group] + 63) / 64;
		uint32_t fields = group == GROUP_COUNTING ? groups->counting_fields : group;

		for (uint32_t word = groups->first[group] / 64; word < end; word++)
			bits->groups[word] = fields | end << 8;
	}
	bits->counting_word = groups->first[GROUP_COUNTING] / 64;
}

int bits_arrange(struct bits *bits)
{
	struct groups groups = {};
	struct bit *arranged;

	if (bits->count <= LINE_BITS)
		return 0;
	groups_measure(bits, &groups);
	bits->groups = calloc(groups.count / 64, sizeof(uint32_t));
	arranged = calloc(groups.count, sizeof(*arranged));
	if (!bits->groups || !arranged) {
		free(arranged);
		return -ENOMEM;
	}
	words_describe(&groups, bits);
	for (uint32_t i = 0; i < bits->count; i++)
		arranged[groups.first[bit_group(&bits->bit[i])]++] = bits->bit[i];
	free(bits->bit);
	bits->bit = arranged;
	bits->count = groups.count;
	return 0;
}
