/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_ARENA_H
#define POLICYC_ARENA_H

/* Memory that is freed all at once. */
#include <stddef.h>

struct arena_chunk;

/* Zeroed memory aligned for any pointer, or NULL. */
void *arena_alloc(struct arena_chunk **arena, size_t size);

/* A copy with a NUL at the end, or NULL. */
char *arena_copy(struct arena_chunk **arena, const char *text, size_t length);

void arena_free(struct arena_chunk *arena);

#endif
