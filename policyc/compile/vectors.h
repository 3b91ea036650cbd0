/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_VECTORS_H
#define POLICYC_VECTORS_H

/*
 * Bit vectors and classes. Packet values of a field that match the same bits are one class; its
 * vector is stored once. With up to 512 bits a vector is one line ("flat"); with more it is cut
 * into chunks of 512 bits, equal chunks are stored once for all fields, and a class is an
 * aggregate (one bit a word) and the references to its chunks (Baboescu and Varghese, SIGCOMM
 * 2001).
 */
#include <stdbool.h>
#include <stdint.h>

#include <synfw/abi.h>

#include "compile/intern.h"

#define CHUNK_WORDS	(SYNFW_LINE_BYTES / sizeof(uint64_t))
#define CHUNK_BITS	(64 * CHUNK_WORDS)
#define MAX_CHUNKS	(SYNFW_MAX_BITS / CHUNK_BITS)

/* A chunk of ones restricts nothing; the datapath skips it. */
#define CHUNK_ALL_ONES	UINT32_MAX

struct vectors {
	uint32_t nr_bits;
	uint32_t nr_words;	/* whole chunks */
	uint32_t nr_chunks;
	bool flat;
	struct intern chunks;
	struct intern classes[SYNFW_NR_FIELDS];	/* flat: the words; else the ids of the chunks */
	uint64_t max_bytes;	/* vectors_add fails with -E2BIG beyond it */
	uint64_t *valid;	/* bits that are not padding */
	uint64_t *scratch;
};

/* All bits are valid at first; vectors_forbid takes one out of every vector that is added. */
int vectors_init(struct vectors *vectors, uint32_t nr_bits, uint64_t max_bytes);
void vectors_forbid(struct vectors *vectors, uint32_t bit);
void vectors_done(struct vectors *vectors);

/* A zeroed vector of nr_words words; free() it. NULL without memory. */
uint64_t *vector_new(const struct vectors *vectors);

static inline void vector_set(uint64_t *vector, uint32_t bit)
{
	vector[bit / 64] |= 1ULL << bit % 64;
}

static inline void vector_assign(uint64_t *vector, uint32_t bit, bool value)
{
	vector[bit / 64] &= ~(1ULL << bit % 64);
	vector[bit / 64] |= (uint64_t)value << bit % 64;
}

/* The class of a vector in a field, a new one when it has not been seen. 0, -ENOMEM or -E2BIG. */
int vectors_add(struct vectors *vectors, enum synfw_field field, const uint64_t *vector,
		uint32_t *ret_class);

/* Expands the vector of a class into `out`. */
void vectors_expand(const struct vectors *vectors, enum synfw_field field, uint32_t class_id,
		    uint64_t *out);

/* Bytes that chunks and class records take so far. */
uint64_t vectors_bytes(const struct vectors *vectors);

/* 64-bit words that hold an aggregate: 1, 4 or 8. */
uint32_t vectors_agg_words(const struct vectors *vectors);

/* Lines of one class record: its aggregate and, with two levels, its references. */
uint32_t vectors_record_lines(const struct vectors *vectors);

#endif
