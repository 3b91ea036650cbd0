/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "printable.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the UTF-8 sequence at `text`, 0: not one. Overlong forms, surrogates and C1 controls
 * (which terminals obey) are refused. */
static size_t utf8_length(const unsigned char *text)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t least;
	} forms[] = {
		{0xe0, 0xc0, 0xa0},
		{0xf0, 0xe0, 0x800},
		{0xf8, 0xf0, 0x10000},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		uint32_t code = text[0] & (unsigned char)~forms[i].mask;

		if ((text[0] & forms[i].mask) != forms[i].lead)
			continue;
		for (size_t k = 1; k <= i + 1; k++) {
			if ((text[k] & 0xc0) != 0x80)
				return 0;
			code = code << 6 | (text[k] & 0x3f);
		}
		if (code < forms[i].least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
			return 0;
		return i + 2;
	}
	return 0;
}

static void make_printable(char *text, bool one_line)
{
	unsigned char *c = (unsigned char *)text;

	while (*c) {
		if (*c >= 0x80) {
			size_t length = utf8_length(c);

			if (length) {
				c += length;
				continue;
			}
			*c = '?';
		} else if (*c == '\t' || *c == '\n' || *c == '\r') {
			if (one_line)
				*c = ' ';
			else if (*c != '\t')
				*c = '?';
		} else if (*c < 0x20 || *c == 0x7f) {
			*c = '?';
		}
		c++;
	}
}

void printable_line(char *text)
{
	make_printable(text, false);
}

void printable_message(char *text)
{
	make_printable(text, true);
}
