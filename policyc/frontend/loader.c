/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "../policyc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <synfw/cleanup.h>

#define MAX_FILE_BYTES (1LL << 30)

static ssize_t read_file(struct policyc_stream *stream, char *buffer, size_t room)
{
	ssize_t got;

	if (room > stream->bytes)
		room = stream->bytes;
	do {
		got = room ? read(stream->fd, buffer, room) : 0;
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	stream->bytes -= (uint64_t)got;
	return got;
}

static void close_file(struct policyc_stream *stream)
{
	close(stream->fd);
}

int policyc_open_file(void *context, const char *path, struct policyc_stream *ret_stream)
{
	/* Not blocking: a FIFO in the place of a set file must not hang `apply`. */
	CLEANUP(cleanup_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (!S_ISREG(status.st_mode))
		return -ENOTSUP;
	if (status.st_size > MAX_FILE_BYTES)
		return -EFBIG;
	*ret_stream = (struct policyc_stream){
		.read = read_file,
		.close = close_file,
		.bytes = (uint64_t)status.st_size,
		.mtime_ns = (uint64_t)status.st_mtim.tv_sec * 1000000000ULL +
			    (uint64_t)status.st_mtim.tv_nsec,
		.fd = TAKE_FD(fd),
	};
	return 0;
}

static int load_whole(struct policyc_stream *stream, char **ret_text, size_t *ret_length)
{
	size_t size = stream->bytes, length = 0;
	CLEANUP(cleanup_free) char *text = malloc(size + 1);

	if (!text)
		return -ENOMEM;
	while (length < size) {
		ssize_t got = stream->read(stream, text + length, size - length);

		if (got < 0)
			return (int)got;
		if (got == 0)
			break;
		length += (size_t)got;
	}
	text[length] = '\0';
	*ret_length = length;
	*ret_text = TAKE_PTR(text);
	return 0;
}

int policyc_load_file(void *context, const char *path, char **ret_text, size_t *ret_length,
		      uint64_t *ret_mtime_ns)
{
	struct policyc_stream stream;
	int err = policyc_open_file(context, path, &stream);

	if (err)
		return err;
	err = load_whole(&stream, ret_text, ret_length);
	stream.close(&stream);
	if (!err)
		*ret_mtime_ns = stream.mtime_ns;
	return err;
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
