/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#include <policyc.h>
#include <synfw/cleanup.h>

static char directory[] = "/tmp/synfw-loader-XXXXXX";
static char path[sizeof(directory) + 16];

static int make_directory(void **state)
{
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	return rmdir(directory);
}

static const char *in_directory(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static int load(const char *file)
{
	CLEANUP(cleanup_free) char *text = NULL;
	uint64_t mtime_ns;
	size_t length;

	return policyc_load_file(NULL, file, &text, &length, &mtime_ns);
}

static void reads_a_file_with_its_age(void **state)
{
	const struct timespec times[] = {{.tv_sec = 5, .tv_nsec = 7}, {.tv_sec = 5, .tv_nsec = 7}};
	CLEANUP(cleanup_free) char *text = NULL;
	FILE *file = fopen(in_directory("file"), "w");
	uint64_t mtime_ns;
	size_t length;

	assert_non_null(file);
	fwrite("a\0b", 1, 3, file);
	fflush(file);
	assert_int_equal(futimens(fileno(file), times), 0);
	assert_int_equal(policyc_load_file(NULL, path, &text, &length, &mtime_ns), 0);
	assert_int_equal(length, 3);
	assert_memory_equal(text, "a\0b", 4);
	assert_int_equal(mtime_ns, 5000000007);
	fclose(file);
	unlink(path);
}

static void reads_an_empty_file(void **state)
{
	FILE *file = fopen(in_directory("empty"), "w");

	assert_non_null(file);
	fclose(file);
	assert_int_equal(load(path), 0);
	unlink(path);
}

static void a_pipe_does_not_hang_it(void **state)
{
	assert_int_equal(mkfifo(in_directory("pipe"), 0600), 0);
	assert_int_equal(load(path), -ENOTSUP);
	unlink(path);
}

static void refuses_what_is_no_file(void **state)
{
	assert_int_equal(load(directory), -EISDIR);
	assert_int_equal(load("/dev/zero"), -ENOTSUP);
	assert_int_equal(load(in_directory("nothing")), -ENOENT);
	assert_int_equal(load(""), -ENOENT);
}

static void refuses_more_than_a_gibibyte(void **state)
{
	FILE *file = fopen(in_directory("sparse"), "w");

	assert_non_null(file);
	assert_int_equal(ftruncate(fileno(file), (1LL << 30) + 1), 0);
	fclose(file);
	assert_int_equal(load(path), -EFBIG);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_file_with_its_age),
		cmocka_unit_test(reads_an_empty_file),
		cmocka_unit_test(a_pipe_does_not_hang_it),
		cmocka_unit_test(refuses_what_is_no_file),
		cmocka_unit_test(refuses_more_than_a_gibibyte),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
