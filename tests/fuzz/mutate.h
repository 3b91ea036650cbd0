/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_FUZZ_MUTATE_H
#define TESTS_FUZZ_MUTATE_H

/* Turns texts of a corpus into texts that are nearly, and less nearly, policies. */
#include <stddef.h>

#include "base/random.h"

#define MUTATE_MAX_BYTES (256 << 10)

struct corpus {
	char **texts;
	size_t *lengths;
	size_t count;
};

/* Adds a file, or all files below a directory that are not too long. Aborts without memory; what
 * cannot be read is left out. */
void corpus_add(struct corpus *corpus, const char *path);

/* Adds small random policies: valid ones, always the same. */
void corpus_add_random(struct corpus *corpus, unsigned int count);
void corpus_done(struct corpus *corpus);

/* A new text, made from one of the corpus; the caller frees. It may hold any byte, NUL included. */
char *mutate(struct rng *rng, const struct corpus *corpus, size_t *ret_length);

#endif
