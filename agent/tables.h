/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_TABLES_H
#define SYNFW_AGENT_TABLES_H

/* A policy's tables in the kernel: the inner maps of one generation. */
#include <image.h>

#include "dynamic.h"
#include "object.h"

#define TABLES_NR_INDEXES 2

struct tables {
	int lines_fd;
	int index_fd[TABLES_NR_INDEXES][SYNFW_NR_DIRS]; /* -1: the policy has none */
	struct dynamic dynamic; /* its dynamic sets, whose members outlive the generation */
};

#define TABLES_NONE                                                                    \
	{                                                                              \
		.lines_fd = -1, .index_fd = { {-1, -1}, {-1, -1} }, \
		.dynamic = DYNAMIC_NONE, \
	}

/* Creates the inner maps of an image, fills them, reads everything back and compares. Nothing
 * refers to them yet. Its dynamic sets are the caller's to add. */
int tables_create(const struct image *image, struct fault *fault, struct tables *ret_tables);

/* Puts the tables into a generation slot, address indexes first and the lines last. The slot must
 * be idle and quiescent. On failure the slot may be filled in part: tables_clear(). */
int tables_install(const struct tables *tables, const struct object *object, uint32_t slot,
		   struct fault *fault);

/* Whether a slot holds no policy. tables_clear() removes the lines first, so an empty slot is one
 * that was cleared, at least in part. */
bool tables_slot_is_empty(const struct object *object, uint32_t slot);

/* Empties a generation slot. 0 or -errno; goes on after errors. */
int tables_clear(const struct object *object, uint32_t slot);

/* Opens the tables of a generation slot. -ENOENT, without a fault, when the slot is empty or was
 * emptied meanwhile. */
int tables_open(const struct object *object, uint32_t slot, struct fault *fault,
		struct tables *ret_tables);

/* Reads `count` lines from line `first`. */
int tables_read_lines(int lines_fd, uint32_t first, uint32_t count, struct synfw_line *lines,
		      struct fault *fault);

void tables_close(struct tables *tables);

#endif
