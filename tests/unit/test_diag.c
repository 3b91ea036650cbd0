/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include <diag.h>
#include <synfw/cleanup.h>

static char *print(struct diags *diags, bool colour)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	diags_print(diags, out, colour);
	fclose(out);
	return text;
}

static struct diags *diags_of(const char *file, const char *text)
{
	struct diags *diags = diags_new();

	assert_non_null(diags);
	assert_int_equal(diags_add_source(diags, file, text, strlen(text)), 0);
	return diags;
}

static void assert_prints(struct diags *diags, const char *expected)
{
	CLEANUP(cleanup_free) char *printed = print(diags, false);

	assert_string_equal(printed, expected);
}

static struct location at(const char *file, uint32_t line, uint32_t column, uint32_t length)
{
	return (struct location){file, line, column, length};
}

static void quotes_the_line_with_a_caret(void **state)
{
	CLEANUP(diags_freep) struct diags *diags = diags_of("p", "one\ntwo: three\n");

	diag_hint(diag_error(diags, at("p", 2, 6, 5), "bad \"%s\"", "three"), "write %d", 3);
	assert_prints(diags, "p:2:6: error: bad \"three\"\n"
			     "    2 | two: three\n"
			     "      |      ^~~~~\n"
			     "write 3\n");
}

static void the_caret_follows_tabs_and_characters(void **state)
{
	CLEANUP(diags_freep) struct diags *diags = diags_of("p", "\t\xc3\xa4\xc3\xb6 x\xc3\xbcy");

	diag_warning(diags, at("p", 1, 7, 4), "here");
	assert_prints(diags, "p:1:7: warning: here\n"
			     "    1 | \t\xc3\xa4\xc3\xb6 x\xc3\xbcy\n"
			     "      | \t   ^~~\n");
}

static void sorts_by_file_line_and_column(void **state)
{
	CLEANUP(diags_freep) struct diags *diags = diags_of("z", "1\n2\n");

	assert_int_equal(diags_add_source(diags, "a", "1\n", 2), 0);
	diag_error(diags, at("a", 1, 0, 0), "fifth");
	diag_error(diags, at("z", 2, 0, 0), "third");
	diag_error(diags, at("z", 1, 2, 0), "second");
	diag_error(diags, at("z", 2, 0, 0), "fourth");
	diag_error(diags, at("z", 1, 1, 0), "first");
	assert_prints(diags, "z:1:1: error: first\n    1 | 1\n      | ^\n"
			     "z:1:2: error: second\n    1 | 1\n      |  ^\n"
			     "z:2: error: third\n    2 | 2\n"
			     "z:2: error: fourth\n    2 | 2\n"
			     "a:1: error: fifth\n    1 | 1\n");
}

static void shows_a_second_place(void **state)
{
	CLEANUP(diags_freep) struct diags *diags = diags_of("p", "one\ntwo\n");
	struct diag *diag = diag_error(diags, at("p", 2, 1, 3), "again");

	diag_related(diags, diag, at("p", 1, 1, 3), "first here");
	assert_prints(diags, "p:2:1: error: again\n    2 | two\n      | ^~~\n"
			     "p:1:1: note: first here\n    1 | one\n      | ^~~\n");
}

static void shows_no_control_characters_of_others(void **state)
{
	CLEANUP(diags_freep) struct diags *diags = diags_of("p", "a\033[2J\xff\xc2\x9b\n");

	diag_error(diags, at("p", 1, 1, 1), "said \"%s\"", "\033]0;x\007\n\t\x80\xed\xa0\x80");
	assert_prints(diags, "p:1:1: error: said \"?]0;x?  ????\"\n"
			     "    1 | a?[2J???\n"
			     "      | ^\n");
}

static void places_beyond_the_text_are_not_quoted(void **state)
{
	CLEANUP(diags_freep) struct diags *diags = diags_of("p", "one");

	diag_error(diags, at("p", 2, 1, 1), "a");
	diag_error(diags, at("p", 0, 0, 0), "b");
	diag_error(diags, at("q", 1, 1, 1), "c");
	diag_error(diags, at("p", 1, 100, 5), "d");
	assert_prints(diags, "p: error: b\n"
			     "p:1:100: error: d\n    1 | one\n      |    ^\n"
			     "p:2:1: error: a\n"
			     "q:1:1: error: c\n");
}

static void a_dropped_text_is_not_read_again(void **state)
{
	CLEANUP(diags_freep) struct diags *diags = diags_new();
	char *text = strdup("one\n");

	assert_int_equal(diags_add_source(diags, "p", text, 4), 0);
	diag_error(diags, at("p", 1, 1, 3), "before");
	diags_drop_source(diags, "p");
	memset(text, 'x', 4);
	diag_error(diags, at("p", 1, 2, 3), "after");
	assert_prints(diags, "p:1:1: error: before\n    1 | one\n      | ^~~\n"
			     "p:1:2: error: after\n");
	free(text);
}

static void colours_only_when_asked(void **state)
{
	CLEANUP(diags_freep) struct diags *diags = diags_of("p", "one");
	CLEANUP(cleanup_free) char *plain = NULL, *coloured = NULL;

	diag_error(diags, at("p", 1, 1, 3), "x");
	plain = print(diags, false);
	coloured = print(diags, true);
	assert_null(strchr(plain, '\033'));
	assert_non_null(strstr(coloured, "\033[1;31merror:\033[0m x"));
}

static void hints_need_no_record(void **state)
{
	CLEANUP(diags_freep) struct diags *diags = diags_new();

	diag_hint(NULL, "x");
	diag_related(diags, NULL, at("p", 1, 1, 1), "x");
	assert_int_equal(diags_errors(diags) + diags_warnings(diags), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotes_the_line_with_a_caret),
		cmocka_unit_test(the_caret_follows_tabs_and_characters),
		cmocka_unit_test(sorts_by_file_line_and_column),
		cmocka_unit_test(shows_a_second_place),
		cmocka_unit_test(shows_no_control_characters_of_others),
		cmocka_unit_test(places_beyond_the_text_are_not_quoted),
		cmocka_unit_test(a_dropped_text_is_not_read_again),
		cmocka_unit_test(colours_only_when_asked),
		cmocka_unit_test(hints_need_no_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
