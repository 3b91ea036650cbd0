/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sources that some entry of `protect` names: they are never scored or blocked. */
#include "compile/tables.h"

#include <errno.h>
#include <stdlib.h>

#include <synfw/cleanup.h>
#include <synfw/reasons.h>

/* Entries of `protect` that name listed addresses. Returns whether there is one. */
static bool protects_find(const struct bits *bits, uint64_t *protects)
{
	bool found = false;

	for (uint32_t i = 0; i < bits->count; i++) {
		const struct bit *bit = &bits->bit[i];

		if (bit_is_padding(bit) || bit->rule.reason != SYNFW_REASON_PROTECTED ||
		    !match_constrains(bit->match, SYNFW_FIELD_SRC))
			continue;
		vector_set(protects, i);
		found = true;
	}
	return found;
}

static bool vectors_meet(const uint64_t *a, const uint64_t *b, uint32_t nr_words)
{
	for (uint32_t word = 0; word < nr_words; word++)
		if (a[word] & b[word])
			return true;
	return false;
}

int build_source_flags(struct build *build)
{
	const struct vectors *vectors = &build->vectors;
	CLEANUP(cleanup_free) uint64_t *protects = vector_new(vectors);
	CLEANUP(cleanup_free) uint64_t *vector = vector_new(vectors);
	uint32_t nr_classes = vectors->classes[SYNFW_FIELD_SRC].count;
	int error;

	if (!protects || !vector)
		return -ENOMEM;
	if (!protects_find(build->bits, protects))
		return 0;
	error = id_tables_reserve(&build->tables, nr_classes, &build->source_flags_offset);
	for (uint32_t id = 0; !error && id < nr_classes; id++) {
		vectors_expand(vectors, SYNFW_FIELD_SRC, id, vector);
		if (vectors_meet(protects, vector, vectors->nr_words))
			build->tables.ids[build->source_flags_offset + id] = SYNFW_SOURCE_PROTECTED;
	}
	return error;
}
