/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "set_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include <synfw/abi.h>

#include "parser.h"
#include "pieces.h"
#include "printable.h"

#define MAX_REPORTED 20

/* Lines get longer and shorter along a file. */
#define ROOM_TO_SPARE 1.02

/* A list is cut down to its distinct prefixes when it gets this long. */
#define MAX_RAW (2 * (size_t)SYNFW_MAX_PREFIXES)

struct reader {
	const char *file;
	struct diags *diags;
	struct prefix_list *list;
	enum set_file_format format;
	uint32_t lines_before; /* the piece in hand */
	uint32_t line;
	const char *line_start;
	bool too_many; /* more than SYNFW_MAX_PREFIXES distinct ones */
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
	if (prefix_list_count(reader->list) >= MAX_RAW) {
		prefix_list_normalise(reader->list);
		reader->too_many = prefix_list_count(reader->list) > SYNFW_MAX_PREFIXES;
		if (reader->too_many)
			return -E2BIG;
	}
	return prefix_list_add(reader->list, &prefix);
}

/* A table, as this is asked of each character of a million lines. */
static const bool ends_address[256] = {
	[' '] = true, ['\t'] = true, ['\r'] = true, ['#'] = true, [';'] = true};

static int read_plain_line(struct reader *reader, const char *line, const char *end)
{
	const char *stop;
	int err;

	while (line < end && is_space(*line))
		line++;
	if (line == end || *line == '#' || *line == ';')
		return 0;
	for (stop = line; stop < end && !ends_address[(unsigned char)*stop]; stop++)
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

/* What the first line that is neither empty nor a comment looks like; AUTO: there is none yet. */
static enum set_file_format guess_format(const char *text, const char *end)
{
	while (text < end) {
		if (*text == '#' || *text == ';') {
			text = memchr(text, '\n', (size_t)(end - text));
			if (!text)
				return SET_FORMAT_AUTO;
		}
		if (!is_space(*text) && *text != '\n')
			return *text == '{' ? SET_FORMAT_SPAMHAUS_JSON : SET_FORMAT_PLAIN;
		text++;
	}
	return SET_FORMAT_AUTO;
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

/* The lines that a plain list mostly has, from *text on, which moves behind them: an IPv4 prefix
 * and nothing else. All others, and what is wrong with them, are read_plain_line()'s. */
static int read_plain_prefixes(struct reader *reader, const char **text, const char *end)
{
	struct prefix_list *list = reader->list;
	struct prefix4 prefix;

	while (end - *text >= PREFIX4_LINE_BYTES && prefix_list_count(list) < MAX_RAW) {
		const char *behind = prefix4_read(*text, &prefix);
		int err;

		if (!behind || *behind != '\n')
			return 0;
		err = prefix_list_add4(list, prefix.addr, prefix.prefixlen);
		if (err)
			return err;
		reader->line++;
		*text = behind + 1;
	}
	return 0;
}

static int read_lines(struct reader *reader, const char *text, const char *end)
{
	bool is_plain = reader->format != SET_FORMAT_SPAMHAUS_JSON;

	while (text < end) {
		const char *newline, *stop;
		int err = is_plain ? read_plain_prefixes(reader, &text, end) : 0;

		if (err || text == end)
			return err;
		newline = memchr(text, '\n', (size_t)(end - text));
		stop = newline ? newline : end;
		reader->line++;
		reader->line_start = text;
		err = is_plain ? read_plain_line(reader, text, stop)
			       : read_json_line(reader, text, stop);
		if (err)
			return err;
		text = newline ? newline + 1 : end;
	}
	return 0;
}

/* Reads a piece of whole lines. */
static int read_piece(struct reader *reader, const char *text, size_t length)
{
	const char *end = text + length;
	int err;

	reader->lines_before = reader->line;
	err = diags_add_part(reader->diags, reader->file, reader->line + 1, text, length);
	if (err)
		return err;
	if (!reader->line)
		text += utf8_bom(text, length);
	if (reader->format == SET_FORMAT_AUTO)
		reader->format = guess_format(text, end);
	return read_lines(reader, text, end);
}

static int make_room_for(struct prefix_list *list, uint8_t family, double count)
{
	return prefix_list_reserve(list, family, count < MAX_RAW ? (size_t)count : MAX_RAW);
}

/* Behind the first piece, as if all were like it: a list that grows is moved again and again, and
 * what is moved is touched anew. */
static int make_room(struct prefix_list *list, double pieces)
{
	int err;

	if (pieces <= 1)
		return 0;
	err = make_room_for(list, 4, (double)list->nr_v4 * pieces * ROOM_TO_SPARE);
	return err ? err : make_room_for(list, 6, (double)list->nr_v6 * pieces * ROOM_TO_SPARE);
}

static size_t count_lines(const char *text, size_t length)
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

/* What is behind the point where reading stopped counts as well. */
static int count_all(const struct reader *reader, struct pieces *pieces, size_t *ret_lines)
{
	const char *text = pieces->buffer;
	size_t length = pieces->taken;
	int err = 0;

	*ret_lines = reader->lines_before;
	while (!err && length) {
		*ret_lines += count_lines(text, length);
		err = pieces_next(pieces, &text, &length);
	}
	return err;
}

static int read_all(struct reader *reader, struct pieces *pieces)
{
	double bytes = (double)pieces->stream->bytes;
	const char *text;
	size_t length;
	int err;

	do {
		err = pieces_next(pieces, &text, &length);
		if (!err && length)
			err = read_piece(reader, text, length);
		if (!err && length && !reader->lines_before)
			err = make_room(reader->list, bytes / (double)length);
	} while (!err && length);
	return err;
}

int set_file_read(const char *file, struct policyc_stream *stream, enum set_file_format format,
		  struct diags *diags, struct prefix_list *list, size_t *ret_lines)
{
	struct reader reader = {
		.file = file,
		.diags = diags,
		.list = list,
		.format = format,
		.records = -1,
	};
	struct pieces pieces = {.stream = stream};
	int err = read_all(&reader, &pieces);
	size_t lines = reader.line;

	if (reader.too_many) {
		err = count_all(&reader, &pieces, &lines);
		err = err ? err : -E2BIG;
	}
	/* from here on no line is quoted: most of them are not in memory any more */
	diags_drop_source(diags, file);
	pieces_done(&pieces);
	if (!err)
		report_rest(&reader);
	if (!err || err == -E2BIG)
		*ret_lines = lines;
	return err;
}
