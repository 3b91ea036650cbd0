/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "../diag.h"

#include <string.h>

/* A quoted line is cut to this many bytes around the caret: lines of feeds can be megabytes. */
#define MAX_QUOTED  160
#define KEEP_BEFORE 60

#define RED	    "\033[1;31m"
#define MAGENTA	    "\033[1;35m"
#define GREEN	    "\033[1;32m"
#define BOLD	    "\033[1m"
#define RESET	    "\033[0m"

struct printer {
	FILE *out;
	bool colour;
};

static const char *style(const struct printer *printer, const char *code)
{
	return printer->colour ? code : "";
}

static bool is_continuation(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

static void print_place(const struct printer *printer, const struct location *at)
{
	fprintf(printer->out, "%s%s:", style(printer, BOLD), at->file ? at->file : "policy");
	if (at->line)
		fprintf(printer->out, "%u:", at->line);
	if (at->line && at->column)
		fprintf(printer->out, "%u:", at->column);
	fprintf(printer->out, "%s ", style(printer, RESET));
}

/* Columns are bytes; a caret stands for a character, and a tab moves as far as the line's own. */
static void print_caret(const struct printer *printer, const char *text, size_t column,
			size_t length)
{
	fprintf(printer->out, "      | ");
	for (size_t i = 0; i < column && text[i]; i++)
		if (!is_continuation(text[i]))
			fputc(text[i] == '\t' ? '\t' : ' ', printer->out);
	fprintf(printer->out, "%s^", style(printer, GREEN));
	for (size_t i = column + 1; i < column + length && i < strlen(text); i++)
		if (!is_continuation(text[i]))
			fputc('~', printer->out);
	fprintf(printer->out, "%s\n", style(printer, RESET));
}

static void print_source(const struct printer *printer, const struct location *at, const char *line)
{
	size_t column, start = 0, shown;
	char window[MAX_QUOTED + 1];

	if (!line)
		return;
	column = at->column ? at->column - 1 : 0;
	if (column > strlen(line))
		column = strlen(line);
	if (strlen(line) > MAX_QUOTED && column > KEEP_BEFORE)
		start = column - KEEP_BEFORE;
	while (start && is_continuation(line[start]))
		start--;
	shown = strlen(line + start);
	if (shown > MAX_QUOTED)
		shown = MAX_QUOTED;
	while (shown && is_continuation(line[start + shown]))
		shown--;
	memcpy(window, line + start, shown);
	window[shown] = '\0';
	fprintf(printer->out, "%5u | %s\n", at->line, window);
	if (at->column)
		print_caret(printer, window, column - start, at->length);
}

static void print_diag(const struct printer *printer, const struct diag *diag)
{
	static const struct {
		const char *word, *code;
	} severities[] = {
		[DIAG_ERROR] = {"error", RED},
		[DIAG_WARNING] = {"warning", MAGENTA},
	};

	print_place(printer, &diag->at);
	fprintf(printer->out, "%s%s:%s %s\n", style(printer, severities[diag->severity].code),
		severities[diag->severity].word, style(printer, RESET),
		diag->message ? diag->message : "(no memory for the message)");
	print_source(printer, &diag->at, diag->source_line);
	if (diag->related.file) {
		print_place(printer, &diag->related);
		fprintf(printer->out, "note: %s\n",
			diag->related_message ? diag->related_message : "");
		print_source(printer, &diag->related, diag->related_line);
	}
	if (diag->hint)
		fprintf(printer->out, "%s\n", diag->hint);
}

static void print_uncounted(const struct printer *printer, size_t total, size_t printed,
			    const char *what)
{
	if (total > printed)
		fprintf(printer->out, "and %zu more %s\n", total - printed, what);
}

void diags_print(struct diags *diags, FILE *out, bool colour)
{
	const struct printer printer = {.out = out, .colour = colour};
	size_t count, printed[2] = {0};
	const struct diag *const *records = diags_sorted(diags, &count);

	for (size_t i = 0; i < count; i++) {
		print_diag(&printer, records[i]);
		printed[records[i]->severity]++;
	}
	print_uncounted(&printer, diags_errors(diags), printed[DIAG_ERROR], "errors");
	print_uncounted(&printer, diags_warnings(diags), printed[DIAG_WARNING], "warnings");
}
