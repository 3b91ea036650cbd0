/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "bpf_log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include <synfw/cleanup.h>

/* How much of a verifier log a person reads: its end says what was refused. */
#define LOG_TAIL_BYTES 4096

/* libbpf's print callback has no context argument. What it says is kept only while loading. */
static char *log_text;
static size_t log_length;

static int keep_log(enum libbpf_print_level level, const char *format, va_list args)
{
	CLEANUP(cleanup_free) char *text = NULL;
	size_t length;
	char *grown;
	int printed;

	if (level != LIBBPF_WARN)
		return 0;
	printed = vasprintf(&text, format, args);
	if (printed < 0) {
		text = NULL;
		return 0;
	}
	length = printed;
	grown = realloc(log_text, log_length + length + 1);
	if (!grown)
		return 0;
	log_text = grown;
	memcpy(log_text + log_length, text, length + 1);
	log_length += length;
	return 0;
}

void bpf_log_begin(void)
{
	libbpf_set_print(keep_log);
}

void bpf_log_end(struct fault *fault)
{
	const char *tail = log_text;

	libbpf_set_print(NULL);
	if (tail && fault->message) {
		if (log_length > LOG_TAIL_BYTES) {
			tail = strchr(log_text + log_length - LOG_TAIL_BYTES, '\n');
			tail = tail ? tail + 1 : log_text + log_length - LOG_TAIL_BYTES;
		}
		fault_detail(fault, tail);
	}
	free(log_text);
	log_text = NULL;
	log_length = 0;
}
