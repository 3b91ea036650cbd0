/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/trie.h"

#include <synfw/cleanup.h>

/* More ranges than this are worth a root that fills half of a second-level cache. */
#define MANY_RANGES 1024

/* Walks the ranges once, from the lowest address to the highest. */
struct painter {
	struct trie *trie;
	const struct ranges *ranges;
	size_t at;		/* range of the address in hand */
};

static uint32_t first4(const struct ranges *ranges, size_t index)
{
	return ranges->range[index].high >> 32;
}

/* The id of the 2^left_bits addresses from `first` on. */
static int block_id(struct painter *painter, uint64_t first, uint32_t left_bits, uint32_t *ret_id)
{
	const struct ranges *ranges = painter->ranges;
	uint64_t end = first + (1ULL << left_bits);
	uint32_t stride = left_bits == SYNFW_TRIE_LAST_BITS ? SYNFW_TRIE_LAST_BITS
							    : SYNFW_TRIE_NODE_BITS;
	uint32_t entries[256];

	while (painter->at + 1 < ranges->count && first4(ranges, painter->at + 1) <= first)
		painter->at++;
	if (painter->at + 1 >= ranges->count || first4(ranges, painter->at + 1) >= end) {
		*ret_id = SYNFW_TRIE_LEAF | ranges->range[painter->at].class_id;
		return 0;
	}
	left_bits -= stride;
	for (uint32_t i = 0; i < 1U << stride; i++) {
		int error = block_id(painter, first + ((uint64_t)i << left_bits), left_bits, &entries[i]);

		if (error)
			return error;
	}
	return trie_append_runs(painter->trie, entries, stride, ret_id);
}

int trie4_build(const struct ranges *ranges, uint64_t first_cell, struct trie *ret_trie)
{
	uint32_t root_bits = ranges->count > MANY_RANGES ? SYNFW_TRIE_WIDE_ROOT_BITS
							 : SYNFW_TRIE_ROOT_BITS;
	CLEANUP(trie_done) struct trie trie = {};
	struct painter painter = {.trie = &trie, .ranges = ranges};
	int error = trie_begin(first_cell, root_bits, &trie);

	for (uint64_t i = 0; !error && i < 1ULL << root_bits; i++) {
		uint32_t id;

		error = block_id(&painter, i << (32 - root_bits), 32 - root_bits, &id);
		if (!error)
			((uint32_t *)trie.cells)[i] = id;
	}
	if (error)
		return error;
	*ret_trie = trie;
	trie = (struct trie){};
	return 0;
}
