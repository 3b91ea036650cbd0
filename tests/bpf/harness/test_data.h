/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_TEST_DATA_H
#define TESTS_BPF_TEST_DATA_H

/* Real rule sets, lists and captures, which are not part of the project. */
#include <stddef.h>

/* What a test returns when the data is not there: meson then reports SKIP, not OK. */
#define TEST_DATA_ABSENT 77

/* The text of a file below the data directory: SYNFW_TEST_DATA, else shared/data beside the
 * checkout (SYNFW_SOURCE_ROOT, which the build sets). The caller frees; NULL when it cannot be
 * read. */
char *test_data_read(const char *name, size_t *ret_length);

/* The path of a file of the data directory; the caller frees. NULL without memory. */
char *test_data_path(const char *name);

/* Says on stdout that `name` is absent and that nothing was checked; returns TEST_DATA_ABSENT. */
int test_data_report_absent(const char *name);

#endif
