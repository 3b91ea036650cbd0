/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include <synfw/cleanup.h>

/* "not supported" as kernel code spells it in a few BPF paths; the C library has no name for it. */
#define KERNEL_ENOTSUPP 524

const char *fault_strerror(int error)
{
	static __thread char text[128];

	error = abs(error);
	if (error == KERNEL_ENOTSUPP)
		return "not supported by this kernel";
	libbpf_strerror(error, text, sizeof(text));
	return text;
}

int fault_system(struct fault *fault, int error, const char *format, ...)
{
	CLEANUP(cleanup_free) char *what = NULL;
	va_list args;

	if (fault->message)
		return error;
	fault->exit_code = error == -EPERM || error == -EACCES ? EXIT_PERMISSION : EXIT_KERNEL;
	va_start(args, format);
	if (vasprintf(&what, format, args) < 0)
		what = NULL;
	va_end(args);
	if (asprintf(&fault->message, "%s: %s", what ? what : "out of memory",
		     fault_strerror(error)) < 0)
		fault->message = NULL;
	return error;
}

int fault_refuse(struct fault *fault, enum exit_code exit_code, const char *format, ...)
{
	va_list args;

	if (fault->message)
		return -ECANCELED;
	fault->exit_code = exit_code;
	va_start(args, format);
	if (vasprintf(&fault->message, format, args) < 0)
		fault->message = NULL;
	va_end(args);
	return -ECANCELED;
}

void fault_detail(struct fault *fault, const char *detail)
{
	const char *before = fault->detail ? fault->detail : "";
	size_t length = strlen(before);
	char *joined;

	if (!detail || !*detail ||
	    asprintf(&joined, "%s%s%s", before, length && before[length - 1] != '\n' ? "\n" : "",
		     detail) < 0)
		return;
	free(fault->detail);
	fault->detail = joined;
}

void fault_done(struct fault *fault)
{
	free(fault->message);
	free(fault->detail);
	*fault = (struct fault){0};
}
