/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "../policyc.h"
#include "large_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <synfw/cleanup.h>

#define MAX_FILE_BYTES (1LL << 30)

int policyc_load_file(void *context, const char *path, char **ret_text, size_t *ret_length,
		      uint64_t *ret_mtime_ns)
{
	/* Not blocking: a FIFO in the place of a set file must not hang `apply`. */
	CLEANUP(cleanup_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	CLEANUP(cleanup_free) char *text = NULL;
	size_t length = 0, size;
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (!S_ISREG(status.st_mode))
		return -ENOTSUP;
	if (status.st_size > MAX_FILE_BYTES)
		return -EFBIG;
	size = (size_t)status.st_size;
	text = large_memory(malloc(size + 1), size);
	if (!text)
		return -ENOMEM;
	/* A file that shrinks meanwhile is read as far as it goes; what is appended is not read. */
	while (length < size) {
		ssize_t got = read(fd, text + length, size - length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		length += (size_t)got;
	}
	text[length] = '\0';
	*ret_length = length;
	*ret_mtime_ns =
		(uint64_t)status.st_mtim.tv_sec * 1000000000ULL + (uint64_t)status.st_mtim.tv_nsec;
	*ret_text = TAKE_PTR(text);
	return 0;
}

int policyc_resolve_path(void *context, const char *path, char **ret_path)
{
	CLEANUP(cleanup_free) char *known = strdup(path);
	char *rest;

	if (!known)
		return -ENOMEM;
	/* The longest part that there is, then what is not there. */
	for (rest = known + strlen(known); rest > known;) {
		CLEANUP(cleanup_free) char *real = realpath(known, NULL);
		const char *tail = path + (rest - known);

		if (!real && errno == ENOMEM)
			return -ENOMEM;
		if (real)
			return asprintf(ret_path, "%s%s", strcmp(real, "/") || !*tail ? real : "",
					tail) < 0
				       ? -ENOMEM
				       : 0;
		while (rest > known && *--rest != '/')
			;
		*rest = '\0';
	}
	*ret_path = strdup(path);
	return *ret_path ? 0 : -ENOMEM;
}
