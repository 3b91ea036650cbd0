/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include <frontend/set_file.h>
#include <synfw/cleanup.h>

struct reading {
	struct diags *diags;
	struct prefix_list list;
};

static void reading_done(struct reading *reading)
{
	diags_free(reading->diags);
	prefix_list_done(&reading->list);
}

/* How much of a file comes at once, and how much it says there is. */
static size_t step;
static double hint;

struct text_stream {
	struct policyc_stream stream; /* first: its address is this one's */
	const char *text;
	size_t length;
};

static ssize_t read_step(struct policyc_stream *stream, char *buffer, size_t room)
{
	struct text_stream *text = (struct text_stream *)stream;
	size_t length = text->length < step ? text->length : step;

	if (length > room)
		length = room;
	memcpy(buffer, text->text, length);
	text->text += length;
	text->length -= length;
	return (ssize_t)length;
}

static ssize_t read_nothing(struct policyc_stream *stream, char *buffer, size_t room)
{
	return -EIO;
}

static struct reading read_text(const char *text, enum set_file_format format)
{
	const size_t length = strlen(text);
	struct text_stream stream = {
		.stream = {.read = read_step, .bytes = (uint64_t)(hint * (double)length)},
		.text = text,
		.length = length,
	};
	struct reading reading = {.diags = diags_new()};
	size_t lines, expected = 0;

	assert_non_null(reading.diags);
	assert_int_equal(
		set_file_read("list", &stream.stream, format, reading.diags, &reading.list, &lines),
		0);
	for (const char *at = text; *at; at++)
		expected += *at == '\n' || !at[1];
	assert_int_equal(lines, expected);
	return reading;
}

static void assert_prefixes(const struct reading *reading, const char *expected)
{
	char text[512] = "", one[64];

	for (size_t i = 0; i < reading->list.nr_v4; i++) {
		prefix4_format(&reading->list.v4[i], one, sizeof(one));
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s", one);
	}
	for (size_t i = 0; i < reading->list.nr_v6; i++) {
		prefix6_format(&reading->list.v6[i], one, sizeof(one));
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s", one);
	}
	assert_string_equal(text, expected);
}

static void assert_diag(const struct reading *reading, size_t index, unsigned int line,
			unsigned int column, const char *message)
{
	size_t count;
	const struct diag *const *records = diags_sorted(reading->diags, &count);

	assert_in_range(index, 0, count - 1);
	assert_int_equal(records[index]->at.line, line);
	assert_int_equal(records[index]->at.column, column);
	assert_string_equal(records[index]->message, message);
}

static void skips_comments_and_blank_lines(void **state)
{
	CLEANUP(reading_done)
	struct reading reading = read_text(
		"# head\n\n  ; other\n10.0.0.0/8 # tail\n192.0.2.1;SBL1\n\t\n2001:db8::/32 ; x\n",
		SET_FORMAT_PLAIN);

	assert_int_equal(diags_errors(reading.diags), 0);
	assert_prefixes(&reading, " 10.0.0.0/8 192.0.2.1 2001:db8::/32");
}

static void takes_dos_line_ends_and_a_byte_order_mark(void **state)
{
	CLEANUP(reading_done)
	struct reading reading = read_text("\xef\xbb\xbf"
					   "10.0.0.0/8\r\n\r\n# x\r\n192.0.2.1\r\n",
					   SET_FORMAT_AUTO);

	assert_int_equal(diags_errors(reading.diags), 0);
	assert_prefixes(&reading, " 10.0.0.0/8 192.0.2.1");
}

static void takes_a_last_line_without_an_end(void **state)
{
	CLEANUP(reading_done)
	struct reading reading = read_text("10.0.0.0/8\n192.0.2.1", SET_FORMAT_PLAIN);

	assert_prefixes(&reading, " 10.0.0.0/8 192.0.2.1");
}

static void takes_an_empty_file(void **state)
{
	CLEANUP(reading_done) struct reading reading = read_text("", SET_FORMAT_AUTO);

	assert_int_equal(diags_errors(reading.diags), 0);
	assert_prefixes(&reading, "");
}

static void reports_junk_where_it_stands(void **state)
{
	CLEANUP(reading_done)
	struct reading reading =
		read_text("10.0.0.0/8\n  junk\n10.0.0.1/8\r\n1.2.3.4 5.6.7.8\n", SET_FORMAT_PLAIN);

	assert_int_equal(diags_errors(reading.diags), 3);
	assert_diag(&reading, 0, 2, 3, "\"junk\" is not an address");
	assert_diag(&reading, 1, 3, 1, "\"10.0.0.1/8\" has host bits set");
	assert_diag(&reading, 2, 4, 9, "text after the address: one address a line");
}

static void reports_twenty_and_counts_the_rest(void **state)
{
	char text[30 * 5 + 1] = "";

	for (int i = 0; i < 30; i++)
		strcat(text, "junk\n");
	CLEANUP(reading_done) struct reading reading = read_text(text, SET_FORMAT_PLAIN);

	assert_int_equal(diags_errors(reading.diags), 21);
	assert_diag(&reading, 19, 20, 1, "\"junk\" is not an address");
	assert_diag(&reading, 20, 21, 0, "and 10 more lines that are not addresses");
}

static void reads_spamhaus_json(void **state)
{
	CLEANUP(reading_done)
	struct reading reading = read_text(
		"{\"cidr\":\"1.10.16.0/20\",\"sblid\":\"SBL256894\",\"rir\":\"apnic\"}\r\n"
		"{\"cidr\":\"2001:db8::/32\"}\n"
		"{\"type\":\"metadata\",\"records\":2,\"terms\":\"x\"}",
		SET_FORMAT_AUTO);

	assert_int_equal(diags_errors(reading.diags) + diags_warnings(reading.diags), 0);
	assert_prefixes(&reading, " 1.10.16.0/20 2001:db8::/32");
}

static void finds_json_behind_comments(void **state)
{
	CLEANUP(reading_done)
	struct reading reading =
		read_text("# x\n\n ; y\n {\"cidr\":\"1.10.16.0/20\"}\n", SET_FORMAT_AUTO);

	assert_int_equal(diags_errors(reading.diags), 0);
	assert_prefixes(&reading, " 1.10.16.0/20");
}

static void warns_of_a_file_that_was_cut_short(void **state)
{
	CLEANUP(reading_done)
	struct reading reading =
		read_text("{\"cidr\":\"1.10.16.0/20\"}\n{\"type\":\"metadata\",\"records\":3}\n",
			  SET_FORMAT_AUTO);

	assert_int_equal(diags_errors(reading.diags), 0);
	assert_int_equal(diags_warnings(reading.diags), 1);
}

static void survives_deep_json(void **state)
{
	char text[100001];

	memset(text, '[', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	CLEANUP(reading_done) struct reading reading = read_text(text, SET_FORMAT_SPAMHAUS_JSON);

	assert_int_equal(diags_errors(reading.diags), 1);
}

/* More than a piece: the lines are counted on, and one of a later piece is quoted. */
static void quotes_a_line_of_any_piece(void **state)
{
	const size_t comments = 100000;
	CLEANUP(cleanup_free) char *text = malloc(comments * 10 + 100);
	struct reading reading;
	size_t count, at = 0;

	assert_non_null(text);
	for (size_t i = 0; i < comments; i++)
		at += (size_t)sprintf(text + at, "# %zu\n", i);
	sprintf(text + at, "10.0.0.0/8\n  junk # so\n192.0.2.1\n");
	reading = read_text(text, SET_FORMAT_AUTO);
	assert_prefixes(&reading, " 10.0.0.0/8 192.0.2.1");
	assert_diag(&reading, 0, comments + 2, 3, "\"junk\" is not an address");
	assert_string_equal(diags_sorted(reading.diags, &count)[0]->source_line, "  junk # so");
	reading_done(&reading);
}

static void takes_a_line_that_is_longer_than_a_piece(void **state)
{
	const size_t length = 1000000;
	CLEANUP(cleanup_free) char *text = malloc(length + 100);
	struct reading reading;

	assert_non_null(text);
	memset(text, '#', length);
	strcpy(text + length, "\n{\"cidr\":\"1.10.16.0/20\"}\n");
	reading = read_text(text, SET_FORMAT_AUTO);
	assert_int_equal(diags_errors(reading.diags), 0);
	assert_prefixes(&reading, " 1.10.16.0/20");
	reading_done(&reading);
}

static void says_that_it_could_not_read(void **state)
{
	struct policyc_stream stream = {.read = read_nothing};
	struct diags *diags = diags_new();
	struct prefix_list list = {0};
	size_t lines;

	assert_non_null(diags);
	assert_int_equal(set_file_read("list", &stream, SET_FORMAT_AUTO, diags, &list, &lines),
			 -EIO);
	prefix_list_done(&list);
	diags_free(diags);
}

int main(void)
{
	static const struct {
		size_t step;
		double hint;
	} ways[] = {{SIZE_MAX, 1}, {1, 1}, {7, 0}, {100000, 1e9}};
	int failed = 0;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(skips_comments_and_blank_lines),
		cmocka_unit_test(takes_dos_line_ends_and_a_byte_order_mark),
		cmocka_unit_test(takes_a_last_line_without_an_end),
		cmocka_unit_test(takes_an_empty_file),
		cmocka_unit_test(reports_junk_where_it_stands),
		cmocka_unit_test(reports_twenty_and_counts_the_rest),
		cmocka_unit_test(reads_spamhaus_json),
		cmocka_unit_test(finds_json_behind_comments),
		cmocka_unit_test(warns_of_a_file_that_was_cut_short),
		cmocka_unit_test(survives_deep_json),
		cmocka_unit_test(quotes_a_line_of_any_piece),
		cmocka_unit_test(takes_a_line_that_is_longer_than_a_piece),
		cmocka_unit_test(says_that_it_could_not_read),
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		step = ways[i].step;
		hint = ways[i].hint;
		failed += cmocka_run_group_tests(tests, NULL, NULL);
	}
	return failed;
}
