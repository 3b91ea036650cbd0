/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/intern.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define INTERN_FIRST_ROOM 64

/* Multiply-rotate over words; the records are not an attacker's choice of hash input alone, and a
 * bad spread costs time, never correctness. */
static uint64_t record_hash(const uint8_t *bytes, size_t length)
{
	uint64_t hash = 0x9e3779b97f4a7c15ULL ^ length;

	while (length >= sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, bytes, sizeof(word));
		hash = (hash ^ word) * 0xff51afd7ed558ccdULL;
		hash ^= hash >> 32;
		bytes += sizeof(word);
		length -= sizeof(word);
	}
	while (length--) {
		hash = (hash ^ *bytes++) * 0xff51afd7ed558ccdULL;
		hash ^= hash >> 32;
	}
	return hash ^ hash >> 29;
}

void intern_init(struct intern *intern, size_t record_bytes)
{
	*intern = (struct intern){.record_bytes = record_bytes};
}

void intern_done(struct intern *intern)
{
	free(intern->records);
	free(intern->slots);
	*intern = (struct intern){};
}

const void *intern_record(const struct intern *intern, uint32_t id)
{
	return intern->records + (size_t)id * intern->record_bytes;
}

/* The slot that holds `record`, or the free one where it belongs. */
static uint32_t *slot_of(const struct intern *intern, const void *record)
{
	uint32_t at = record_hash(record, intern->record_bytes) & (intern->nr_slots - 1);

	while (intern->slots[at]) {
		if (!memcmp(intern_record(intern, intern->slots[at] - 1), record,
			    intern->record_bytes))
			break;
		at = (at + 1) & (intern->nr_slots - 1);
	}
	return &intern->slots[at];
}

static int slots_grow(struct intern *intern)
{
	uint32_t *old_slots = intern->slots;
	uint32_t nr_slots = intern->nr_slots ? intern->nr_slots * 2 : 4 * INTERN_FIRST_ROOM;
	uint32_t *slots = calloc(nr_slots, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	intern->slots = slots;
	intern->nr_slots = nr_slots;
	for (uint32_t id = 0; id < intern->count; id++)
		*slot_of(intern, intern_record(intern, id)) = id + 1;
	free(old_slots);
	return 0;
}

static int records_grow(struct intern *intern)
{
	uint32_t room = intern->room ? intern->room * 2 : INTERN_FIRST_ROOM;
	uint8_t *records = reallocarray(intern->records, room, intern->record_bytes);

	if (!records)
		return -ENOMEM;
	intern->records = records;
	intern->room = room;
	return 0;
}

int intern_add(struct intern *intern, const void *record, uint32_t *ret_id)
{
	uint32_t *slot;

	if (2 * (uint64_t)intern->count >= intern->nr_slots) {
		int error = slots_grow(intern);

		if (error)
			return error;
	}
	slot = slot_of(intern, record);
	if (!*slot) {
		if (intern->count == intern->room) {
			int error = records_grow(intern);

			if (error)
				return error;
		}
		memcpy(intern->records + (size_t)intern->count * intern->record_bytes, record,
		       intern->record_bytes);
		*slot = ++intern->count;
	}
	*ret_id = *slot - 1;
	return 0;
}
