/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/trie4.h"

#include <errno.h>
#include <stdlib.h>

static int ids_append(struct trie4 *trie, uint32_t count, uint32_t value)
{
	if (trie->room - trie->nr_ids < count) {
		uint32_t room = trie->nr_ids + count + trie->room;
		uint32_t *ids = reallocarray(trie->ids, room, sizeof(*ids));

		if (!ids)
			return -ENOMEM;
		trie->ids = ids;
		trie->room = room;
	}
	for (uint32_t i = 0; i < count; i++)
		trie->ids[trie->nr_ids++] = value;
	return 0;
}

int trie4_init(struct trie4 *trie)
{
	*trie = (struct trie4){};
	return ids_append(trie, TRIE4_ROOT_IDS, SYNFW_TRIE_LEAF);
}

void trie4_done(struct trie4 *trie)
{
	free(trie->ids);
	*trie = (struct trie4){};
}

static void paint_range(struct trie4 *trie, uint32_t first, uint32_t count, uint32_t class_id)
{
	for (uint32_t i = 0; i < count; i++)
		trie->ids[first + i] = SYNFW_TRIE_LEAF | class_id;
}

/* The node below `at`, which becomes an inner id when it is a leaf. */
static int descend(struct trie4 *trie, uint32_t at, uint32_t *ret_node)
{
	uint32_t id = trie->ids[at], node = trie->nr_ids;

	if (id & SYNFW_TRIE_LEAF) {
		int error = ids_append(trie, TRIE4_NODE_IDS, id);

		if (error)
			return error;
		trie->ids[at] = id = node;
	}
	*ret_node = id;
	return 0;
}

int trie4_paint(struct trie4 *trie, uint32_t addr, uint8_t prefixlen, uint32_t class_id)
{
	uint32_t depth = SYNFW_TRIE_ROOT_BITS, at = addr >> (32 - SYNFW_TRIE_ROOT_BITS);

	while (prefixlen > depth) {
		uint32_t node;
		int error = descend(trie, at, &node);

		if (error)
			return error;
		depth += SYNFW_TRIE_NODE_BITS;
		at = node + (addr >> (32 - depth) & (TRIE4_NODE_IDS - 1));
	}
	paint_range(trie, at, 1U << (depth - prefixlen), class_id);
	return 0;
}
