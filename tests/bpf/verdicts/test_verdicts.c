/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_verdicts NAME...: runs these tests, in this order, on one datapath. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "verdicts/verdicts.h"

static const struct {
	const char *name;
	int (*run)(struct datapath *datapath);
} tests[] = {
	{"shapes", test_shapes},
	{"large-set", test_large_set},
	{"large-set6", test_large_set6},
	{"dense-blocks", test_dense_blocks},
	{"paths6", test_paths6},
	{"classbench-generated", test_classbench_generated},
	{"classbench-data", test_classbench_data},
	{"lists", test_lists},
};

#define NR_TESTS (sizeof(tests) / sizeof(tests[0]))

/* NR_TESTS: there is none of that name. */
static size_t find_test(const char *name)
{
	size_t i;

	for (i = 0; i < NR_TESTS && strcmp(name, tests[i].name); i++)
		;
	return i;
}

static bool all_are_there(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (find_test(argv[i]) < NR_TESTS)
			continue;
		fprintf(stderr, "there is no test \"%s\"\n", argv[i]);
		return false;
	}
	if (argc < 2)
		fprintf(stderr, "usage: %s TEST...\n", argv[0]);
	return argc > 1;
}

int main(int argc, char **argv)
{
	CLEANUP(datapath_closep) struct datapath *datapath = NULL;
	int err, status = EXIT_SUCCESS;

	if (!all_are_there(argc, argv))
		return EXIT_FAILURE;
	err = datapath_open(&datapath);
	if (err) {
		fprintf(stderr, "the BPF program cannot be loaded: %s\n", strerror(-err));
		return EXIT_FAILURE;
	}
	for (int i = 1; status == EXIT_SUCCESS && i < argc; i++) {
		status = datapath_clear_reason_counters(datapath)
				 ? EXIT_FAILURE
				 : tests[find_test(argv[i])].run(datapath);
		if (status != EXIT_SUCCESS)
			fprintf(stderr, "%s: exits with %d\n", argv[i], status);
	}
	return status;
}
