/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_NAME_TABLE_H
#define POLICYC_NAME_TABLE_H

/* A hash table from bytes to a number. Keys are copied. Zeroed is empty. */
#include <stddef.h>
#include <stdint.h>

#define NAME_NOT_FOUND UINT32_MAX

struct name_entry;

struct name_table {
	struct name_entry *entries;
	size_t room, used;
};

/* The value, or NAME_NOT_FOUND. */
uint32_t name_table_find(const struct name_table *table, const void *key, size_t length);

/* Adds a key that is not there yet. 0 or -ENOMEM. */
int name_table_add(struct name_table *table, const void *key, size_t length, uint32_t value);

void name_table_done(struct name_table *table);

#endif
