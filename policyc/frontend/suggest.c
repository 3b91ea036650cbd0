/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "suggest.h"

#include <string.h>

#define MAX_WORD 63

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Three rows of the Damerau-Levenshtein table (optimal string alignment). */
size_t suggest_distance(const char *a, const char *b, size_t limit)
{
	size_t rows[3][MAX_WORD + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];
	size_t length_a = strlen(a), length_b = strlen(b);
	size_t gap = length_a > length_b ? length_a - length_b : length_b - length_a;

	if (length_a > MAX_WORD || length_b > MAX_WORD || gap >= limit)
		return limit;
	for (size_t j = 0; j <= length_b; j++)
		above[j] = j;
	for (size_t i = 1; i <= length_a; i++) {
		size_t smallest = row[0] = i;
		size_t *oldest = before;

		for (size_t j = 1; j <= length_b; j++) {
			row[j] = least(least(row[j - 1], above[j]) + 1,
				       above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
			smallest = least(smallest, row[j]);
		}
		if (smallest > limit)
			return limit;
		before = above;
		above = row;
		row = oldest;
	}
	return least(above[length_b], limit);
}

struct suggestion suggest_start(const char *word)
{
	size_t length = strlen(word);

	/* A third of the word may be wrong, and one letter of a short one. */
	return (struct suggestion){
		.word = word,
		.length = length,
		.distance = (length > 3 ? length / 3 : 1) + 1,
	};
}

void suggest_offer(struct suggestion *suggestion, const char *candidate)
{
	size_t distance = suggest_distance(suggestion->word, candidate, suggestion->distance);

	if (distance < suggestion->distance && distance < suggestion->length) {
		suggestion->distance = distance;
		suggestion->best = candidate;
	}
}
