/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void notes_add(struct notes *notes, const char *format, ...)
{
	char **grown = reallocarray(notes->text, notes->count + 1, sizeof(*grown));
	va_list args;
	int length;

	if (!grown)
		return;
	notes->text = grown;
	va_start(args, format);
	length = vasprintf(&grown[notes->count], format, args);
	va_end(args);
	if (length >= 0)
		notes->count++;
}

void notes_done(struct notes *notes)
{
	size_t i;

	for (i = 0; i < notes->count; i++)
		free(notes->text[i]);
	free(notes->text);
	*notes = (struct notes){0};
}
