/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "ui.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const sequences[] = {
	[UI_BOLD] = "\033[1m",	  [UI_RED] = "\033[1;31m", [UI_GREEN] = "\033[32m",
	[UI_YELLOW] = "\033[33m", [UI_DIM] = "\033[2m",	   [UI_PLAIN] = "\033[0m",
};

bool ui_terminal(FILE *stream)
{
	const char *term = getenv("TERM");

	return isatty(fileno(stream)) && (!term || strcmp(term, "dumb"));
}

bool ui_colour(FILE *stream)
{
	const char *no_color = getenv("NO_COLOR");

	return !(no_color && *no_color) && ui_terminal(stream);
}

const char *ui_style(FILE *stream, enum ui_style style)
{
	return ui_colour(stream) ? sequences[style] : "";
}

static void say(enum ui_style style, const char *word, const char *format, va_list args)
{
	fprintf(stderr, "synfw: %s%s:%s ", ui_style(stderr, style), word,
		ui_style(stderr, UI_PLAIN));
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void ui_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(UI_RED, "error", format, args);
	va_end(args);
}

void ui_warning(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(UI_YELLOW, "warning", format, args);
	va_end(args);
}

void ui_notes(const struct notes *notes)
{
	size_t i;

	for (i = 0; i < notes->count; i++)
		ui_warning("%s", notes->text[i]);
}

int ui_done(const char *what)
{
	if (fflush(stdout) || ferror(stdout)) {
		ui_warning("%s, but the report could not be written", what);
		clearerr(stdout);
	}
	return EXIT_DONE;
}

int ui_fault(const struct fault *fault)
{
	ui_error("%s", fault->message ? fault->message : "out of memory");
	if (fault->detail)
		fprintf(stderr, "%s%s", fault->detail,
			fault->detail[strlen(fault->detail) - 1] == '\n' ? "" : "\n");
	return fault->message ? fault->exit_code : EXIT_KERNEL;
}

const char *ui_count(unsigned long long count, const char *noun)
{
	static char text[8][64];
	static unsigned int next;
	char *out = text[next++ % 8];

	snprintf(out, sizeof(text[0]), "%llu %s%s", count, noun, count == 1 ? "" : "s");
	return out;
}

void ui_diags(struct diags *diags)
{
	if (!diags_errors(diags) && !diags_warnings(diags))
		return;
	diags_print(diags, stderr, ui_colour(stderr));
	fprintf(stderr, "%s, %s\n", ui_count(diags_errors(diags), "error"),
		ui_count(diags_warnings(diags), "warning"));
}
