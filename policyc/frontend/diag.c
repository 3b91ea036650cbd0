/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "../diag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "printable.h"

/* Records of each severity that are kept; the rest is counted. */
#define MAX_RECORDS 1000

struct source {
	char *file;
	const char *text; /* NULL: dropped, its lines are no longer quoted */
	size_t length;
	uint32_t first_line; /* of the text */
	size_t *line_start;  /* built when the first line is quoted */
	size_t nr_lines;
};

struct record {
	struct diag diag; /* first: callers hold a pointer to it */
	size_t source;	  /* index, or SIZE_MAX */
	size_t sequence;
};

struct diags {
	struct source *sources;
	size_t nr_sources;
	char **names;
	size_t nr_names;
	struct record **records;
	const struct diag **sorted;
	size_t nr_records, room;
	size_t counts[2]; /* by severity */
};

struct diags *diags_new(void)
{
	return calloc(1, sizeof(struct diags));
}

static void record_free(struct record *record)
{
	free(record->diag.message);
	free(record->diag.source_line);
	free(record->diag.related_message);
	free(record->diag.related_line);
	free(record->diag.hint);
	free(record);
}

void diags_free(struct diags *diags)
{
	if (!diags)
		return;
	for (size_t i = 0; i < diags->nr_sources; i++) {
		free(diags->sources[i].file);
		free(diags->sources[i].line_start);
	}
	for (size_t i = 0; i < diags->nr_names; i++)
		free(diags->names[i]);
	for (size_t i = 0; i < diags->nr_records; i++)
		record_free(diags->records[i]);
	free(diags->sources);
	free(diags->names);
	free(diags->records);
	free(diags->sorted);
	free(diags);
}

void diags_freep(struct diags **diags)
{
	diags_free(*diags);
	*diags = NULL;
}

static size_t source_find(const struct diags *diags, const char *file)
{
	for (size_t i = 0; file && i < diags->nr_sources; i++)
		if (!strcmp(diags->sources[i].file, file))
			return i;
	return SIZE_MAX;
}

int diags_add_source(struct diags *diags, const char *file, const char *text, size_t length)
{
	return diags_add_part(diags, file, 1, text, length);
}

int diags_add_part(struct diags *diags, const char *file, uint32_t first_line, const char *text,
		   size_t length)
{
	size_t at = source_find(diags, file);
	CLEANUP(cleanup_free) char *name = NULL;
	struct source *sources;

	if (at != SIZE_MAX) {
		free(diags->sources[at].line_start);
		diags->sources[at].line_start = NULL;
		diags->sources[at].text = text;
		diags->sources[at].length = length;
		diags->sources[at].first_line = first_line;
		return 0;
	}
	name = strdup(file);
	if (!name)
		return -ENOMEM;
	sources = reallocarray(diags->sources, diags->nr_sources + 1, sizeof(*sources));
	if (!sources)
		return -ENOMEM;
	diags->sources = sources;
	sources[diags->nr_sources++] = (struct source){
		.file = TAKE_PTR(name), .text = text, .length = length, .first_line = first_line};
	return 0;
}

void diags_drop_source(struct diags *diags, const char *file)
{
	size_t at = source_find(diags, file);

	if (at != SIZE_MAX)
		diags->sources[at].text = NULL;
}

const char *diags_intern(struct diags *diags, const char *name)
{
	CLEANUP(cleanup_free) char *copy = strdup(name);
	char **names;

	if (!copy)
		return NULL;
	names = reallocarray(diags->names, diags->nr_names + 1, sizeof(*names));
	if (!names)
		return NULL;
	diags->names = names;
	return names[diags->nr_names++] = TAKE_PTR(copy);
}

/* Thousands of lines may be quoted in any order, so their starts are found once. */
static bool source_index(struct source *source)
{
	const char *end = source->text + source->length;
	size_t lines = 1, line = 0;

	for (const char *c = source->text; (c = memchr(c, '\n', (size_t)(end - c))); c++)
		lines++;
	source->line_start = calloc(lines, sizeof(*source->line_start));
	if (!source->line_start)
		return false;
	source->nr_lines = lines;
	source->line_start[0] =
		source->first_line == 1 ? utf8_bom(source->text, source->length) : 0;
	for (const char *c = source->text; (c = memchr(c, '\n', (size_t)(end - c))); c++)
		source->line_start[++line] = (size_t)(c + 1 - source->text);
	return true;
}

static char *quote_line(struct diags *diags, const struct location *at)
{
	size_t found = source_find(diags, at->file), line_number, start, length;
	struct source *source;
	const char *newline;
	char *line;

	if (found == SIZE_MAX || !at->line)
		return NULL;
	source = &diags->sources[found];
	if (!source->text || (!source->line_start && !source_index(source)) ||
	    at->line < source->first_line)
		return NULL;
	line_number = at->line - source->first_line;
	if (line_number >= source->nr_lines)
		return NULL;
	start = source->line_start[line_number];
	newline = memchr(source->text + start, '\n', source->length - start);
	length = newline ? (size_t)(newline - source->text) - start : source->length - start;
	if (length && source->text[start + length - 1] == '\r')
		length--;
	line = strndup(source->text + start, length);
	if (line)
		printable_line(line);
	return line;
}

static char *format_message(const char *format, va_list arguments)
{
	char *message;

	if (vasprintf(&message, format, arguments) < 0)
		return NULL;
	printable_message(message);
	return message;
}

static struct diag *diag_add(struct diags *diags, enum diag_severity severity, struct location at,
			     const char *format, va_list arguments)
{
	struct record *record;

	if (++diags->counts[severity] > MAX_RECORDS)
		return NULL;
	if (diags->nr_records == diags->room) {
		size_t room = diags->room ? 2 * diags->room : 16;
		struct record **bigger = reallocarray(diags->records, room, sizeof(*bigger));

		if (!bigger)
			return NULL;
		diags->records = bigger;
		diags->room = room;
	}
	record = calloc(1, sizeof(*record));
	if (!record)
		return NULL;
	record->diag.severity = severity;
	record->diag.at = at;
	record->diag.message = format_message(format, arguments);
	record->diag.source_line = quote_line(diags, &at);
	record->source = source_find(diags, at.file);
	record->sequence = diags->nr_records;
	diags->records[diags->nr_records++] = record;
	return &record->diag;
}

struct diag *diag_error(struct diags *diags, struct location at, const char *format, ...)
{
	va_list arguments;
	struct diag *diag;

	va_start(arguments, format);
	diag = diag_add(diags, DIAG_ERROR, at, format, arguments);
	va_end(arguments);
	return diag;
}

struct diag *diag_warning(struct diags *diags, struct location at, const char *format, ...)
{
	va_list arguments;
	struct diag *diag;

	va_start(arguments, format);
	diag = diag_add(diags, DIAG_WARNING, at, format, arguments);
	va_end(arguments);
	return diag;
}

void diag_hint(struct diag *diag, const char *format, ...)
{
	va_list arguments;

	if (!diag)
		return;
	free(diag->hint);
	va_start(arguments, format);
	diag->hint = format_message(format, arguments);
	va_end(arguments);
}

void diag_related(struct diags *diags, struct diag *diag, struct location at, const char *format,
		  ...)
{
	va_list arguments;

	if (!diag)
		return;
	free(diag->related_message);
	free(diag->related_line);
	diag->related = at;
	diag->related_line = quote_line(diags, &at);
	va_start(arguments, format);
	diag->related_message = format_message(format, arguments);
	va_end(arguments);
}

size_t diags_errors(const struct diags *diags)
{
	return diags->counts[DIAG_ERROR];
}

size_t diags_warnings(const struct diags *diags)
{
	return diags->counts[DIAG_WARNING];
}

static int compare_size(size_t left, size_t right)
{
	return (left > right) - (left < right);
}

/* Files in the order in which they became known, the policy first. */
static int compare_records(const void *a, const void *b)
{
	const struct record *left = *(const struct record *const *)a;
	const struct record *right = *(const struct record *const *)b;
	int order = compare_size(left->source, right->source);

	if (!order)
		order = compare_size(left->diag.at.line, right->diag.at.line);
	if (!order)
		order = compare_size(left->diag.at.column, right->diag.at.column);
	return order ? order : compare_size(left->sequence, right->sequence);
}

const struct diag *const *diags_sorted(struct diags *diags, size_t *ret_count)
{
	const struct diag **sorted;

	*ret_count = 0;
	if (!diags->nr_records)
		return NULL;
	sorted = reallocarray(diags->sorted, diags->nr_records, sizeof(*sorted));
	if (!sorted)
		return NULL;
	diags->sorted = sorted;
	qsort(diags->records, diags->nr_records, sizeof(struct record *), compare_records);
	for (size_t i = 0; i < diags->nr_records; i++)
		sorted[i] = &diags->records[i]->diag;
	*ret_count = diags->nr_records;
	return sorted;
}
