/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_TABLES_H
#define SYNFW_AGENT_TABLES_H

/* A policy's tables in the kernel: the pages of one generation. */
#include <image.h>

#include "dynamic.h"
#include "object.h"

struct tables {
	int page_fd[SYNFW_MAX_PAGES];
	uint32_t nr_pages;	/* 0: there is no policy */
	struct dynamic dynamic; /* its dynamic sets, whose members outlive the generation */
};

#define TABLES_NONE                      \
	{                                \
		.dynamic = DYNAMIC_NONE, \
	}

/* Creates the pages of an image, fills them, reads everything back and compares. Nothing
 * refers to them yet. Its dynamic sets are the caller's to add. */
int tables_create(const struct image *image, struct fault *fault, struct tables *ret_tables);

/* Puts the tables into a generation slot, which must be idle, quiescent and empty. Page 0 comes
 * first, so that the pages which are there when this ends half-way are those that tables_clear()
 * finds. */
int tables_install(const struct tables *tables, const struct object *object, uint32_t slot,
		   struct fault *fault);

/* Whether a slot holds no policy. */
bool tables_slot_is_empty(const struct object *object, uint32_t slot);

/* Empties a generation slot. 0 or -errno. */
int tables_clear(const struct object *object, uint32_t slot);

/* Opens the tables of a generation slot. -ENOENT, without a fault, when the slot is empty or was
 * emptied meanwhile. Of one that is being emptied the last pages may be missing. */
int tables_open(const struct object *object, uint32_t slot, struct fault *fault,
		struct tables *ret_tables);

/* Pages that so many lines take. */
uint32_t tables_page_count(uint32_t nr_lines);

/* Reads `count` lines from line `first`. */
int tables_read_lines(const struct tables *tables, uint32_t first, uint32_t count,
		      struct synfw_line *lines, struct fault *fault);

/* The lines of a policy's tables, one behind the other in this process, only to be read. */
struct tables_view {
	struct synfw_line *lines; /* NULL: there are none */
	uint32_t nr_lines;
};

/* Maps the lines of tables that have so many. 0 or -errno. tables_unmap() in either case. */
int tables_map(const struct tables *tables, uint32_t nr_lines, struct tables_view *ret_view);
void tables_unmap(struct tables_view *view);

void tables_close(struct tables *tables);

#endif
