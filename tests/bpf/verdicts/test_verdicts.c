/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_verdicts NAME...: runs these tests, in this order, on one datapath. */
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

static int run(const char *name, struct datapath *datapath)
{
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		if (!strcmp(name, tests[i].name))
			return tests[i].run(datapath);
	fprintf(stderr, "there is no test \"%s\"\n", name);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	CLEANUP(datapath_closep) struct datapath *datapath = NULL;
	int err, status = argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;

	err = datapath_open(&datapath);
	if (err) {
		fprintf(stderr, "the BPF program cannot be loaded: %s\n", strerror(-err));
		return EXIT_FAILURE;
	}
	for (int i = 1; status == EXIT_SUCCESS && i < argc; i++) {
		status = datapath_clear_reason_counters(datapath) ? EXIT_FAILURE
								  : run(argv[i], datapath);
		if (status != EXIT_SUCCESS)
			fprintf(stderr, "%s: exits with %d\n", argv[i], status);
	}
	return status;
}
