/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Prints a set of prefixes, half networks and half hosts: bench-prefixes 4|6 COUNT [sorted]
 * Without the word they are in no order, as lists of several sources are. */
#include <stdlib.h>
#include <string.h>

#include "address_set.h"

#define SEED 20260102

static void shuffle(struct address_set *set)
{
	struct rng rng = {SEED};

	for (size_t i = set->count - 1; i > 0; i--) {
		size_t other = rng_below(&rng, i + 1);
		struct address_prefix prefix = set->prefix[i];

		set->prefix[i] = set->prefix[other];
		set->prefix[other] = prefix;
	}
}

int main(int argc, char **argv)
{
	bool sorted = argc == 4 && !strcmp(argv[3], "sorted");
	struct address_set set;

	if (argc < 3 || argc > 3 + sorted ||
	    address_set_draw(strtoul(argv[1], NULL, 10), strtoul(argv[2], NULL, 10), &set)) {
		fprintf(stderr, "usage: bench-prefixes 4|6 COUNT [sorted]\n");
		return 2;
	}
	if (!sorted)
		shuffle(&set);
	address_set_write(&set, stdout);
	address_set_done(&set);
	return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
