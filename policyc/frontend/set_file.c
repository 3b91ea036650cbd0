/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "set_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include <synfw/abi.h>

#include "parser.h"
#include "printable.h"

#define MAX_REPORTED 20

/* A list is cut down to its distinct prefixes when it gets this long. */
#define MAX_RAW (2 * (size_t)SYNFW_MAX_PREFIXES)

struct reader {
	const char *file;
	struct diags *diags;
	struct prefix_list *list;
	size_t nr_lines;
	uint32_t line;
	const char *line_start;
	size_t nr_junk;
	uint32_t first_unreported; /* line */
	long long records;	   /* that the metadata promise, -1: no word of it */
	size_t nr_objects;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct location place(const struct reader *reader, const char *start, size_t length)
{
	return (struct location){reader->file, reader->line,
				 (uint32_t)(start - reader->line_start + 1), (uint32_t)length};
}

/* Whether this piece of junk is still to be reported one by one. */
static bool count_junk(struct reader *reader)
{
	if (reader->nr_junk++ == MAX_REPORTED)
		reader->first_unreported = reader->line;
	return reader->nr_junk <= MAX_REPORTED;
}

/* For the first of a family, as many as the file can have: a list that grows is moved again and
 * again, and what is moved is touched anew. */
static int make_room(struct reader *reader, uint8_t family)
{
	size_t room = family == 4 ? reader->list->room_v4 : reader->list->room_v6;

	if (room)
		return 0;
	return prefix_list_reserve(reader->list, family,
				   reader->nr_lines < MAX_RAW ? reader->nr_lines : MAX_RAW);
}

static int add_prefix(struct reader *reader, const char *at, const char *text, size_t length)
{
	struct any_prefix prefix;
	enum prefix_error error = prefix_parse(text, length, &prefix);

	if (error) {
		if (count_junk(reader))
			report_prefix(reader->diags, place(reader, at, length), text, length, error,
				      &prefix);
		return 0;
	}
	if (make_room(reader, prefix.family))
		return -ENOMEM;
	if (prefix_list_count(reader->list) >= MAX_RAW) {
		prefix_list_normalise(reader->list);
		if (prefix_list_count(reader->list) > SYNFW_MAX_PREFIXES)
			return -E2BIG;
	}
	return prefix_list_add(reader->list, &prefix);
}

static int read_plain_line(struct reader *reader, const char *line, const char *end)
{
	const char *stop;
	int err;

	while (line < end && is_space(*line))
		line++;
	if (line == end || *line == '#' || *line == ';')
		return 0;
	for (stop = line; stop < end && !is_space(*stop) && *stop != '#' && *stop != ';'; stop++)
		;
	err = add_prefix(reader, line, line, (size_t)(stop - line));
	for (line = stop; line < end && is_space(*line); line++)
		;
	if (!err && line < end && *line != '#' && *line != ';' && count_junk(reader))
		diag_error(reader->diags, place(reader, line, (size_t)(end - line)),
			   "text after the address: one address a line");
	return err;
}

static void read_metadata(struct reader *reader, const json_t *object)
{
	const json_t *records = json_object_get(object, "records");

	if (json_is_integer(records))
		reader->records = json_integer_value(records);
}

static int read_object(struct reader *reader, const json_t *object, const char *line, size_t length)
{
	const json_t *cidr = json_object_get(object, "cidr");
	const char *type = json_string_value(json_object_get(object, "type"));
	const char *at;

	if (!cidr && type && !strcmp(type, "metadata")) {
		read_metadata(reader, object);
		return 0;
	}
	if (!json_is_string(cidr)) {
		if (count_junk(reader))
			diag_error(reader->diags, place(reader, line, length),
				   "no \"cidr\" in this object");
		return 0;
	}
	reader->nr_objects++;
	at = memmem(line, length, json_string_value(cidr), json_string_length(cidr));
	return add_prefix(reader, at && *json_string_value(cidr) ? at : line,
			  json_string_value(cidr), json_string_length(cidr));
}

/* Jansson reports some failed allocations as bad syntax: a line is junk when two looks say so. */
static json_t *load_json(const char *line, size_t length)
{
	json_t *value = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);

	return value ? value : json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
}

static int read_json_line(struct reader *reader, const char *line, const char *end)
{
	json_t *object;
	int err;

	while (line < end && is_space(*line))
		line++;
	while (end > line && is_space(end[-1]))
		end--;
	if (line == end || *line == '#' || *line == ';')
		return 0;
	object = load_json(line, (size_t)(end - line));
	if (!object || !json_is_object(object)) {
		if (count_junk(reader))
			diag_error(reader->diags, place(reader, line, (size_t)(end - line)),
				   "not a JSON object: \"%.*s\"",
				   end - line > 64 ? 64 : (int)(end - line), line);
		json_decref(object);
		return 0;
	}
	err = read_object(reader, object, line, (size_t)(end - line));
	json_decref(object);
	return err;
}

static bool looks_like_json(const char *text, const char *end)
{
	while (text < end) {
		if (*text == '#' || *text == ';') {
			text = memchr(text, '\n', (size_t)(end - text));
			if (!text)
				return false;
		}
		if (!is_space(*text) && *text != '\n')
			return *text == '{';
		text++;
	}
	return false;
}

static void report_rest(struct reader *reader)
{
	struct location at = {.file = reader->file, .line = reader->first_unreported};

	if (reader->nr_junk > MAX_REPORTED)
		diag_error(reader->diags, at, "and %zu more lines that are not addresses",
			   reader->nr_junk - MAX_REPORTED);
	at.line = 0;
	if (reader->records >= 0 && (size_t)reader->records != reader->nr_objects)
		diag_warning(reader->diags, at,
			     "has %zu records where its metadata say %lld: it may be incomplete",
			     reader->nr_objects, reader->records);
}

static int read_lines(struct reader *reader, const char *text, const char *end,
		      int (*read_line)(struct reader *reader, const char *line, const char *end))
{
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;
		int err;

		reader->line++;
		err = read_line(reader, text, stop);
		if (err)
			return err;
		text = newline ? newline + 1 : end;
		reader->line_start = text;
	}
	return 0;
}

size_t set_file_lines(const char *text, size_t length)
{
	const char *end = text + length;
	size_t count = 0;

	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));

		count++;
		text = stop ? stop + 1 : end;
	}
	return count;
}

int set_file_parse(const char *file, const char *text, size_t length, enum set_file_format format,
		   struct diags *diags, struct prefix_list *list)
{
	struct reader reader = {
		.file = file,
		.diags = diags,
		.list = list,
		.nr_lines = set_file_lines(text, length),
		.records = -1,
	};
	const char *end = text + length;
	bool json;
	int err;

	err = diags_add_source(diags, file, text, length);
	if (err)
		return err;
	text += utf8_bom(text, length);
	reader.line_start = text;
	json = format == SET_FORMAT_SPAMHAUS_JSON ||
	       (format == SET_FORMAT_AUTO && looks_like_json(text, end));
	err = read_lines(&reader, text, end, json ? read_json_line : read_plain_line);
	if (!err)
		report_rest(&reader);
	diags_drop_source(diags, file);
	return err;
}
