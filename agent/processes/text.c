/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "text.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What fits 32 bits whatever they are; the kernel's numbers have seven at most. */
#define PID_DIGITS 9

char *process_text(const void *bytes, size_t count, char *out)
{
	const uint8_t *byte = bytes;
	char *to = out;

	for (; count; count--, byte++) {
		if (*byte >= ' ' && *byte < 0x7f && *byte != '\\')
			*to++ = *byte;
		else
			to += sprintf(to, "\\x%02x", *byte);
	}
	*to = '\0';
	return out;
}

char *process_comm_text(const uint8_t comm[16], char out[PROCESS_COMM_MAX])
{
	return process_text(comm, strnlen((const char *)comm, 16), out);
}

bool process_pid_parse(const char *text, uint32_t *ret_pid)
{
	size_t length = strspn(text, "0123456789");

	if (!length || length > PID_DIGITS || text[length])
		return false;
	*ret_pid = strtoul(text, NULL, 10);
	return true;
}

char *process_exe_text(uint32_t pid)
{
	char link[32], path[PATH_MAX];
	ssize_t length;
	char *text;

	snprintf(link, sizeof(link), "/proc/%u/exe", pid);
	length = readlink(link, path, sizeof(path));
	if (length < 0)
		return NULL;
	text = malloc(PROCESS_TEXT_MAX(length));
	return text ? process_text(path, length, text) : NULL;
}

static void write_escaped(FILE *stream, const char *before, const char *text, const char *after)
{
	char *escaped = malloc(PROCESS_TEXT_MAX(strlen(text)));

	fprintf(stream, "%s%s%s", before, escaped ? process_text(text, strlen(text), escaped) : "?",
		after);
	free(escaped);
}

char *process_spec_text(const struct process_spec *spec)
{
	char *text = NULL;
	size_t size, i;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	write_escaped(stream, "exec ", spec->exec ? spec->exec : "memfd", "");
	fprintf(stream, " user %u", spec->uid);
	if (spec->gid)
		fprintf(stream, " group %u", spec->gid);
	if (spec->parent)
		write_escaped(stream, " parent ", spec->parent, "");
	if (spec->ancestor)
		write_escaped(stream, " ancestor ", spec->ancestor, "");
	for (i = 0; i < spec->nr_args; i++)
		write_escaped(stream, " arg \"", spec->args[i], "\"");
	if (fclose(stream)) {
		free(text);
		return NULL;
	}
	return text;
}
