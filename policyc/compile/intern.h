/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_INTERN_H
#define POLICYC_INTERN_H

/* Gives equal records of one size equal ids: dense, in the order of first appearance. */
#include <stddef.h>
#include <stdint.h>

struct intern {
	size_t record_bytes;
	uint8_t *records;
	uint32_t count;
	uint32_t room;
	uint32_t *slots;	/* open addressing; id + 1, 0: free */
	uint32_t nr_slots;	/* a power of two */
};

void intern_init(struct intern *intern, size_t record_bytes);
void intern_done(struct intern *intern);

/* Id of `record`, which is copied when it is new. 0 or -ENOMEM. */
int intern_add(struct intern *intern, const void *record, uint32_t *ret_id);

/* Valid until the next intern_add. */
const void *intern_record(const struct intern *intern, uint32_t id);

#endif
