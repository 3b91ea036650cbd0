/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_SUGGEST_H
#define POLICYC_SUGGEST_H

/* "Did you mean ...?": the candidate with the smallest edit distance, if that is small enough. */
#include <stddef.h>

struct suggestion {
	const char *word;
	size_t length;
	size_t distance;  /* of `best`; as long as there is none, the first that is too far */
	const char *best; /* NULL: nothing is near */
};

struct suggestion suggest_start(const char *word);
void suggest_offer(struct suggestion *suggestion, const char *candidate);

/* Insertions, deletions, replacements and swaps of neighbours that turn one word into the other;
 * `limit` when they are at least that many or a word is longer than 63 bytes. */
size_t suggest_distance(const char *a, const char *b, size_t limit);

#endif
