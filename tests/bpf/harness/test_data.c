/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "harness/test_data.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <policyc.h>
#include <synfw/cleanup.h>

char *test_data_path(const char *name)
{
	const char *directory = getenv("SYNFW_TEST_DATA");
	const char *root = getenv("SYNFW_SOURCE_ROOT");
	char *path = NULL;
	int length;

	if (directory)
		length = asprintf(&path, "%s/%s", directory, name);
	else
		length = asprintf(&path, "%s/../shared/data/%s", root ? root : ".", name);
	return length < 0 ? NULL : path;
}

char *test_data_read(const char *name, size_t *ret_length)
{
	CLEANUP(cleanup_free) char *path = test_data_path(name);
	uint64_t mtime_ns;
	char *text;

	if (!path || policyc_load_file(NULL, path, &text, ret_length, &mtime_ns))
		return NULL;
	return text;
}

int test_data_report_absent(const char *name)
{
	CLEANUP(cleanup_free) char *path = test_data_path(name);

	printf("%s is absent: nothing was checked (SYNFW_TEST_DATA names another directory)\n",
	       path ? path : name);
	return TEST_DATA_ABSENT;
}
