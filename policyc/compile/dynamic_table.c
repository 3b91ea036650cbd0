/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The dynamic sets that hold for a packet, one bit each: a class for every combination. */
#include "compile/tables.h"

#include <errno.h>
#include <stdlib.h>

#include <synfw/cleanup.h>

int build_dynamic(struct build *build)
{
	CLEANUP(cleanup_free) uint64_t *vector = vector_new(&build->vectors);
	uint32_t combinations = 1U << build->bits->pairs.count;
	int error;

	if (!vector)
		return -ENOMEM;
	error = id_tables_reserve(&build->tables, combinations, &build->dynamic_offset);
	for (uint32_t held = 0; !error && held < combinations; held++) {
		for (uint32_t i = 0; i < build->bits->count; i++)
			vector_assign(vector, i,
				      dynamic_condition_holds(&build->bits->bit[i].dynamic, held));
		error = vectors_add(&build->vectors, SYNFW_FIELD_DYNAMIC, vector,
				    &build->tables.ids[build->dynamic_offset + held]);
	}
	return error;
}
