/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "name_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct name_entry {
	char *key; /* NULL: free */
	size_t length;
	uint64_t hash;
	uint32_t value;
};

static uint64_t hash_bytes(const void *key, size_t length)
{
	const unsigned char *byte = key;
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ byte[i]) * 0x100000001b3;
	return hash ^ hash >> 29;
}

/* The entry of the key, or the free one where it belongs. There is always a free one. */
static struct name_entry *probe(const struct name_table *table, const void *key, size_t length,
				uint64_t hash)
{
	for (size_t i = hash & (table->room - 1);; i = (i + 1) & (table->room - 1)) {
		struct name_entry *entry = &table->entries[i];

		if (!entry->key || (entry->hash == hash && entry->length == length &&
				    !memcmp(entry->key, key, length)))
			return entry;
	}
}

uint32_t name_table_find(const struct name_table *table, const void *key, size_t length)
{
	const struct name_entry *entry;

	if (!table->room)
		return NAME_NOT_FOUND;
	entry = probe(table, key, length, hash_bytes(key, length));
	return entry->key ? entry->value : NAME_NOT_FOUND;
}

static int name_table_grow(struct name_table *table)
{
	struct name_table bigger = {.room = table->room ? 2 * table->room : 64,
				    .used = table->used};

	bigger.entries = calloc(bigger.room, sizeof(*bigger.entries));
	if (!bigger.entries)
		return -ENOMEM;
	for (size_t i = 0; i < table->room; i++) {
		const struct name_entry *entry = &table->entries[i];

		if (entry->key)
			*probe(&bigger, entry->key, entry->length, entry->hash) = *entry;
	}
	free(table->entries);
	*table = bigger;
	return 0;
}

int name_table_add(struct name_table *table, const void *key, size_t length, uint32_t value)
{
	uint64_t hash = hash_bytes(key, length);
	char *copy;
	int err = 2 * (table->used + 1) > table->room ? name_table_grow(table) : 0;

	if (err)
		return err;
	copy = malloc(length + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, key, length);
	*probe(table, key, length, hash) =
		(struct name_entry){.key = copy, .length = length, .hash = hash, .value = value};
	table->used++;
	return 0;
}

void name_table_done(struct name_table *table)
{
	for (size_t i = 0; i < table->room; i++)
		free(table->entries[i].key);
	free(table->entries);
	*table = (struct name_table){0};
}
