/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Prints a policy: bench-policy edge|random|classbench RULES */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_policy.h"

static const struct {
	const char *name;
	enum bench_shape shape;
} shapes[] = {
	{"edge", BENCH_EDGE},
	{"random", BENCH_RANDOM},
	{"classbench", BENCH_CLASSBENCH},
};

int main(int argc, char **argv)
{
	long rules = argc == 3 ? strtol(argv[2], NULL, 10) : 0;

	for (size_t i = 0; rules > 0 && i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		char *text;

		if (strcmp(argv[1], shapes[i].name))
			continue;
		text = bench_policy(shapes[i].shape, rules);
		if (!text || fputs(text, stdout) < 0)
			return 1;
		free(text);
		return 0;
	}
	fprintf(stderr, "usage: bench-policy edge|random|classbench RULES\n");
	return 2;
}
