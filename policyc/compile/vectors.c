/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/vectors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int vectors_init(struct vectors *vectors, uint32_t nr_bits, uint64_t max_bytes)
{
	*vectors = (struct vectors){.nr_bits = nr_bits, .max_bytes = max_bytes};
	vectors->nr_chunks = nr_bits ? (nr_bits + CHUNK_BITS - 1) / CHUNK_BITS : 1;
	vectors->nr_words = vectors->nr_chunks * CHUNK_WORDS;
	vectors->flat = vectors->nr_chunks == 1;
	intern_init(&vectors->chunks, SYNFW_LINE_BYTES);
	vectors->valid = vector_new(vectors);
	vectors->scratch = vector_new(vectors);
	if (!vectors->valid || !vectors->scratch)
		return -ENOMEM;
	memset(vectors->valid, 0xff, vectors->nr_words * sizeof(uint64_t));
	for (int i = 0; i < SYNFW_NR_FIELDS; i++)
		intern_init(&vectors->classes[i], vectors->flat
							  ? SYNFW_LINE_BYTES
							  : vectors->nr_chunks * sizeof(uint32_t));
	return 0;
}

void vectors_forbid(struct vectors *vectors, uint32_t bit)
{
	vectors->valid[bit / 64] &= ~(1ULL << bit % 64);
}

void vectors_done(struct vectors *vectors)
{
	free(vectors->valid);
	free(vectors->scratch);
	intern_done(&vectors->chunks);
	for (int i = 0; i < SYNFW_NR_FIELDS; i++)
		intern_done(&vectors->classes[i]);
	*vectors = (struct vectors){};
}

uint64_t *vector_new(const struct vectors *vectors)
{
	return calloc(vectors->nr_words, sizeof(uint64_t));
}

uint32_t vectors_agg_words(const struct vectors *vectors)
{
	uint32_t agg_bits = vectors->flat ? vectors->nr_bits : vectors->nr_words;

	if (agg_bits <= 64)
		return 1;
	return agg_bits <= 4 * 64 ? 4 : 8;
}

uint32_t vectors_record_lines(const struct vectors *vectors)
{
	uint32_t bytes = vectors_agg_words(vectors) * sizeof(uint64_t) +
			 vectors->nr_chunks * sizeof(uint32_t);

	return vectors->flat ? 1 : (bytes + SYNFW_LINE_BYTES - 1) / SYNFW_LINE_BYTES;
}

uint64_t vectors_bytes(const struct vectors *vectors)
{
	uint64_t lines = vectors->chunks.count;

	for (int i = 0; i < SYNFW_NR_FIELDS; i++)
		lines += (uint64_t)vectors->classes[i].count * vectors_record_lines(vectors);
	return lines * SYNFW_LINE_BYTES;
}

static bool chunk_is_all_ones(const uint64_t *chunk)
{
	for (size_t i = 0; i < CHUNK_WORDS; i++)
		if (chunk[i] != UINT64_MAX)
			return false;
	return true;
}

static int chunks_add(struct vectors *vectors, const uint64_t *vector, uint32_t refs[MAX_CHUNKS])
{
	for (uint32_t i = 0; i < vectors->nr_chunks; i++) {
		const uint64_t *chunk = vector + i * CHUNK_WORDS;
		int error;

		if (chunk_is_all_ones(chunk)) {
			refs[i] = CHUNK_ALL_ONES;
			continue;
		}
		error = intern_add(&vectors->chunks, chunk, &refs[i]);
		if (error)
			return error;
	}
	return 0;
}

int vectors_add(struct vectors *vectors, enum synfw_field id, const uint64_t *vector,
		uint32_t *ret_class)
{
	struct intern *classes = &vectors->classes[id];
	uint32_t refs[MAX_CHUNKS], class_id, known = classes->count;
	int error;

	for (uint32_t i = 0; i < vectors->nr_words; i++)
		vectors->scratch[i] = vector[i] & vectors->valid[i];
	vector = vectors->scratch;
	if (vectors->flat) {
		error = intern_add(classes, vector, &class_id);
	} else {
		error = chunks_add(vectors, vector, refs);
		if (!error)
			error = intern_add(classes, refs, &class_id);
	}
	if (error)
		return error;
	if (class_id == known && vectors_bytes(vectors) > vectors->max_bytes)
		return -E2BIG;
	*ret_class = class_id;
	return 0;
}

void vectors_expand(const struct vectors *vectors, enum synfw_field field, uint32_t class_id,
		    uint64_t *out)
{
	const void *record = intern_record(&vectors->classes[field], class_id);
	const uint32_t *refs = record;

	if (vectors->flat) {
		memcpy(out, record, SYNFW_LINE_BYTES);
		return;
	}
	for (uint32_t i = 0; i < vectors->nr_chunks; i++) {
		uint64_t *chunk = out + i * CHUNK_WORDS;

		if (refs[i] == CHUNK_ALL_ONES)
			memset(chunk, 0xff, SYNFW_LINE_BYTES);
		else
			memcpy(chunk, intern_record(&vectors->chunks, refs[i]), SYNFW_LINE_BYTES);
	}
}
