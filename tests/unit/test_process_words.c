/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Paths, sizes, users and groups of rules on processes. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

#include <byte_size.h>
#include <frontend/accounts.h>
#include <frontend/path_pattern.h>
#include <policyc.h>
#include <synfw/cleanup.h>

static void assert_path(const char *text, enum path_kind kind, const char *path)
{
	struct path_words words;

	assert_null(path_words_parse(text, &words));
	assert_int_equal(words.kind, kind);
	assert_int_equal(words.length, strlen(path));
	assert_memory_equal(words.start, path, words.length);
}

static void reads_patterns(void **state)
{
	assert_path("/usr/bin/nc", PATH_EXACT, "/usr/bin/nc");
	assert_path("/usr/bin/[", PATH_EXACT, "/usr/bin/[");
	assert_path("/...", PATH_EXACT, "/...");
	assert_path("/.a/..b", PATH_EXACT, "/.a/..b");
	assert_path("/memfd", PATH_EXACT, "/memfd");
	assert_path("/tmp/**", PATH_UNDER, "/tmp/");
	assert_path("/**", PATH_UNDER, "/");
	assert_path("**/nc", PATH_NAME, "/nc");
	assert_path("**/bin/nc", PATH_NAME, "/bin/nc");
	assert_path("memfd", PATH_MEMFD, "");
}

static void rejects_what_is_no_pattern(void **state)
{
	static const char *const texts[] = {
		"",	 "/",	   "nc",    "./nc",	"~/nc",	   "a/b",     "//",
		"/a/",	 "/a//b",  "/.",    "/..",	"/a/.",	   "/a/../b", "*",
		"**",	 "/*",	   "/a/*",  "/a*",	"/a**",	   "/a/**/b", "/**/a",
		"**/",	 "**//a",  "**/a/", "**/../a",	"**/a/**", "//**",    "/a/./**",
		"***/a", "memfd ", "Memfd", "memfd/**", "*/a",	   "/a/***",
	};
	struct path_words words;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!path_words_parse(texts[i], &words))
			fail_msg("\"%s\" is taken for a pattern", texts[i]);
}

static void reads_sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} sizes[] = {
		{"1B", 1},
		{"1023B", 1023},
		{"1KiB", 1024},
		{"1025KiB", 1025 * 1024},
		{"512MiB", 512ULL << 20},
		{"2GiB", 2ULL << 30},
		{"1048576GiB", BYTE_SIZE_MAX},
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char text[BYTE_SIZE_SIZE];
		uint64_t bytes;

		assert_true(byte_size_parse(sizes[i].text, &bytes));
		assert_int_equal(bytes, sizes[i].bytes);
		byte_size_format(bytes, text);
		assert_string_equal(text, sizes[i].text);
	}
}

static void rejects_what_is_no_size(void **state)
{
	static const char *const texts[] = {
		"",
		"B",
		"0B",
		"0GiB",
		"1",
		"1GB",
		"1gib",
		"-1B",
		"1 B",
		"1.5GiB",
		"GiB",
		"1BB",
		"1KiB ",
		"1048577GiB",
		"1125899906842625B",
		"99999999999999999999999999B",
	};
	uint64_t bytes;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (byte_size_parse(texts[i], &bytes))
			fail_msg("\"%s\" is taken for a size", texts[i]);
}

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "\n"
			     "# comment\n"
			     "+nis\n"
			     "daemon:*:1:2\n"
			     "root:x:9:9::/:\n"
			     "also:x:1:3::/:\n"
			     ":x:5:5::/:\n"
			     "huge:x:4294967295:0::/:\n"
			     "largest:x:4294967294:4294967294::/:\n"
			     "negative:x:-1:0::/:\n"
			     "groupless:x:7\n"
			     "last:x:8:8";

static void reads_users(void **state)
{
	struct account_table table = {0};

	assert_int_equal(account_table_add(&table, passwd, strlen(passwd), true), 0);
	assert_int_equal(table.count, 5);
	assert_int_equal(account_find(&table, "root")->id, 0);
	assert_int_equal(account_find(&table, "daemon")->group, 2);
	assert_int_equal(account_find(&table, "largest")->id, 4294967294);
	assert_int_equal(account_find(&table, "last")->id, 8);
	assert_string_equal(account_find_id(&table, 1)->name, "daemon");
	assert_null(account_find(&table, "huge"));
	assert_null(account_find(&table, "groupless"));
	assert_null(account_find(&table, ""));
	assert_null(account_find_id(&table, 9));
	account_table_done(&table);
}

static void reads_groups(void **state)
{
	static const char group[] = "root:x:0:\nsudo:x:27:a,b\nbare:x:5\n";
	struct account_table table = {0};

	assert_int_equal(account_table_add(&table, group, strlen(group), false), 0);
	assert_int_equal(table.count, 3);
	assert_int_equal(account_find(&table, "sudo")->id, 27);
	assert_int_equal(account_find(&table, "bare")->id, 5);
	account_table_done(&table);
}

static int load_nothing(void *context, const char *path, char **ret_text, size_t *ret_length,
			uint64_t *ret_mtime_ns)
{
	return -ENOENT;
}

static void says_why_users_and_groups_are_unknown(void **state)
{
	static const char text[] = "version: 1\nname: p\n"
				   "processes: [{name: a, user: nobody, group: staff, score: 1}]\n";
	const struct policyc_loader loader = {.load = load_nothing};
	CLEANUP(diags_freep) struct diags *diags = diags_new();
	const struct diag *const *records;
	struct policy *policy = NULL;
	size_t count;

	assert_int_equal(policyc_parse("p", text, strlen(text), &loader, diags, &policy), -EINVAL);
	records = diags_sorted(diags, &count);
	assert_int_equal(count, 2);
	assert_string_equal(records[0]->hint,
			    "/etc/passwd cannot be read: No such file or directory");
	assert_string_equal(records[1]->hint,
			    "/etc/group cannot be read: No such file or directory");
}

/* ---- the resolver of this host, in a directory of its own -------------------------------------
 */

static char directory[PATH_MAX];

static void in_directory(const char *name, char path[PATH_MAX + 64])
{
	snprintf(path, PATH_MAX + 64, "%s/%s", directory, name);
}

static int make_directory(void **state)
{
	char made[] = "/tmp/synfw-paths-XXXXXX", path[PATH_MAX + 64];
	FILE *file;

	if (!mkdtemp(made) || !realpath(made, directory))
		return -1;
	in_directory("file", path);
	file = fopen(path, "w");
	if (!file || fclose(file))
		return -1;
	in_directory("link", path);
	if (symlink("file", path))
		return -1;
	in_directory("up", path);
	if (symlink(".", path))
		return -1;
	in_directory("root", path);
	if (symlink("/", path))
		return -1;
	in_directory("nowhere", path);
	return symlink("gone", path);
}

static int remove_directory(void **state)
{
	static const char *const names[] = {"file", "link", "up", "root", "nowhere"};
	char path[PATH_MAX + 64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		in_directory(names[i], path);
		unlink(path);
	}
	return rmdir(directory);
}

static void assert_resolves(const char *name, const char *expected)
{
	char path[PATH_MAX + 64], wanted[PATH_MAX + 64];
	CLEANUP(cleanup_free) char *resolved = NULL;

	in_directory(name, path);
	in_directory(expected, wanted);
	assert_int_equal(policyc_resolve_path(NULL, path, &resolved), 0);
	assert_string_equal(resolved, *expected == '/' ? expected : wanted);
}

static void resolves_what_is_there(void **state)
{
	assert_resolves("file", "file");
	assert_resolves("link", "file");
	assert_resolves("up/up/link", "file");
	assert_resolves("root", "/");
}

static void keeps_what_is_not_there(void **state)
{
	assert_resolves("gone", "gone");
	assert_resolves("up/gone/a", "gone/a");
	assert_resolves("nowhere", "nowhere");
	assert_resolves("link/below", "file/below");
	assert_resolves("root/synfw-no-such-file", "/synfw-no-such-file");
}

static void resolves_nothing_at_all(void **state)
{
	CLEANUP(cleanup_free) char *root = NULL;
	CLEANUP(cleanup_free) char *gone = NULL;

	assert_int_equal(policyc_resolve_path(NULL, "/", &root), 0);
	assert_string_equal(root, "/");
	assert_int_equal(policyc_resolve_path(NULL, "/synfw-no-such-file/a", &gone), 0);
	assert_string_equal(gone, "/synfw-no-such-file/a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_patterns),
		cmocka_unit_test(rejects_what_is_no_pattern),
		cmocka_unit_test(reads_sizes),
		cmocka_unit_test(rejects_what_is_no_size),
		cmocka_unit_test(reads_users),
		cmocka_unit_test(reads_groups),
		cmocka_unit_test(says_why_users_and_groups_are_unknown),
		cmocka_unit_test(resolves_what_is_there),
		cmocka_unit_test(keeps_what_is_not_there),
		cmocka_unit_test(resolves_nothing_at_all),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
