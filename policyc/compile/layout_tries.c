/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/layout_tries.h"

#include <string.h>

#include <synfw/trie.h>

#define CELLS_PER_LINE (SYNFW_LINE_BYTES / sizeof(uint64_t))

static int trie_build(enum family family, struct addresses *addresses, uint64_t first_cell)
{
	if (addresses->delta.lines)
		return (family == FAMILY_4 ? trie4_patch : trie6_patch)(
			&addresses->delta, first_cell, &addresses->trie);
	return (family == FAMILY_4 ? trie4_build : trie6_build)(&addresses->ranges, first_cell,
								&addresses->trie);
}

int tries_build(struct build *build, struct trie_places *places, uint64_t *at)
{
	for (int i = 0; i < SYNFW_NR_DIRS * NR_FAMILIES; i++) {
		enum family family = i % NR_FAMILIES;
		struct addresses *addresses = &build->addresses[i / NR_FAMILIES][family];
		int error;

		if (!addresses->ranges.count && !addresses->delta.lines)
			continue;
		error = trie_build(family, addresses, *at * CELLS_PER_LINE);
		if (error)
			return error;
		places->root[i / NR_FAMILIES][family] = *at;
		*at += (addresses->trie.nr_cells + CELLS_PER_LINE - 1) / CELLS_PER_LINE;
		ranges_done(&addresses->ranges);
	}
	return 0;
}

static enum synfw_trie4_root root_form(const struct trie *trie)
{
	if (trie->root == TRIE_ROOT_LINES)
		return SYNFW_TRIE4_ROOT_LINES;
	return trie->root_bits == SYNFW_TRIE_WIDE_ROOT_BITS ? SYNFW_TRIE4_ROOT_WIDE
							    : SYNFW_TRIE4_ROOT_IDS;
}

static uint32_t outline_line(uint32_t root, const struct trie *trie)
{
	return trie->outline_bits ? root + trie_outline_line(trie) : 0;
}

static void put_places(const struct build *build, const struct trie_places *places, int direction,
		       struct synfw_class_tables *tables)
{
	const struct trie *trie4 = &build->addresses[direction][FAMILY_4].trie;
	const struct trie *trie6 = &build->addresses[direction][FAMILY_6].trie;

	tables->trie4[direction] = places->root[direction][FAMILY_4];
	tables->trie4_root[direction] = root_form(trie4);
	tables->trie4_rest[direction] = trie4->rest;
	tables->trie4_outline[direction] = outline_line(tables->trie4[direction], trie4);
	tables->trie6[direction] = places->root[direction][FAMILY_6];
	tables->trie6_lists_bits[direction] = trie6->lists_bits;
	tables->trie6_rest[direction] = trie6->rest;
	tables->trie6_outline[direction] = outline_line(tables->trie6[direction], trie6);
	tables->trie6_outline_bits[direction] = trie6->outline_bits;
}

void tries_put_places(const struct build *build, const struct trie_places *places,
		      struct synfw_class_tables *tables)
{
	for (int direction = 0; direction < SYNFW_NR_DIRS; direction++)
		put_places(build, places, direction, tables);
}

void tries_put(const struct build *build, const struct trie_places *places,
	       struct synfw_line *lines)
{
	for (int i = 0; i < SYNFW_NR_DIRS; i++) {
		for (int family = 0; family < NR_FAMILIES; family++) {
			const struct trie *trie = &build->addresses[i][family].trie;

			if (trie->nr_cells)
				memcpy(&lines[places->root[i][family]], trie->cells,
				       trie->nr_cells * sizeof(uint64_t));
		}
	}
}

static uint32_t root_bits(const struct trie *trie)
{
	return trie->root == TRIE_ROOT_LINES ? trie->root_bits : trie->lists_bits;
}

void tries_count(const struct build *build, struct image *image)
{
	for (int i = 0; i < SYNFW_NR_DIRS * NR_FAMILIES; i++) {
		enum family family = i % NR_FAMILIES;
		const struct addresses *addresses = &build->addresses[i / NR_FAMILIES][family];
		const struct delta *delta = &addresses->delta;
		uint32_t bits = root_bits(&addresses->trie), all, changed = 0;

		if (addresses->trie.root == TRIE_ROOT_IDS)
			continue;
		all = root_entries(family, bits, 0, 1U << bits);
		for (size_t part = 0; part < delta->nr_parts; part++)
			changed += root_entries(family, bits, delta->parts[part].first,
						delta->parts[part].end);
		if (!delta->lines)
			changed = all;
		image->nr_copied += all - changed;
		image->nr_changed += changed;
	}
	if (!image->nr_copied)
		image->nr_changed = 0;
}
