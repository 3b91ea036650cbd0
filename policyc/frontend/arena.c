/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (256U << 10)
#define ALIGNMENT   sizeof(void *)

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, room;
	char bytes[];
};

void *arena_alloc(struct arena_chunk **arena, size_t size)
{
	struct arena_chunk *chunk = *arena;
	void *memory;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	if (!chunk || chunk->room - chunk->used < size) {
		size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;

		chunk = calloc(1, sizeof(*chunk) + room);
		if (!chunk)
			return NULL;
		chunk->room = room;
		chunk->next = *arena;
		*arena = chunk;
	}
	memory = chunk->bytes + chunk->used;
	chunk->used += size;
	return memory;
}

char *arena_copy(struct arena_chunk **arena, const char *text, size_t length)
{
	char *copy = arena_alloc(arena, length + 1);

	if (copy)
		memcpy(copy, text, length);
	return copy;
}

void arena_free(struct arena_chunk *arena)
{
	while (arena) {
		struct arena_chunk *next = arena->next;

		free(arena);
		arena = next;
	}
}
