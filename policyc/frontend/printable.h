/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_PRINTABLE_H
#define POLICYC_PRINTABLE_H

#include <stddef.h>
#include <string.h>

/* Bytes of the UTF-8 byte order mark at the start of a text: 3 or 0. */
static inline size_t utf8_bom(const char *text, size_t length)
{
	return length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
}

/*
 * Diagnostics quote files that others write, and end on a terminal or in JSON. Both functions
 * replace control characters and bytes that are not UTF-8 by '?', in place.
 */

/* Tabs stay: the caret line repeats them. */
void printable_line(char *text);

/* Tabs and line ends become spaces. */
void printable_message(char *text);

#endif
