/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "pieces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A sanitizer sees who reads on behind the piece that is given out. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, bytes)   ((void)(address), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes) ((void)(address), (void)(bytes))
#endif

#define FIRST_ROOM (256 * 1024)

static int make_room(struct pieces *pieces)
{
	size_t room = pieces->room ? 2 * pieces->room : FIRST_ROOM;
	char *buffer;

	if (pieces->length < pieces->room)
		return 0;
	buffer = realloc(pieces->buffer, room);
	if (!buffer)
		return -ENOMEM;
	pieces->buffer = buffer;
	pieces->room = room;
	return 0;
}

static int read_more(struct pieces *pieces)
{
	ssize_t got;
	int err = make_room(pieces);

	if (err)
		return err;
	got = pieces->stream->read(pieces->stream, pieces->buffer + pieces->length,
				   pieces->room - pieces->length);
	if (got < 0)
		return (int)got;
	pieces->ended = got == 0;
	pieces->length += (size_t)got;
	return 0;
}

int pieces_next(struct pieces *pieces, const char **ret_text, size_t *ret_length)
{
	const char *newline = NULL;
	size_t searched = 0;

	ASAN_UNPOISON_MEMORY_REGION(pieces->buffer, pieces->room);
	pieces->length -= pieces->taken;
	if (pieces->length)
		memmove(pieces->buffer, pieces->buffer + pieces->taken, pieces->length);
	/* what is left of the piece before has no end of a line in it */
	searched = pieces->length;
	pieces->taken = 0;
	while (!newline && !pieces->ended) {
		int err = read_more(pieces);

		if (err)
			return err;
		newline = memrchr(pieces->buffer + searched, '\n', pieces->length - searched);
		searched = pieces->length;
	}
	pieces->taken = newline ? (size_t)(newline + 1 - pieces->buffer) : pieces->length;
	ASAN_POISON_MEMORY_REGION(pieces->buffer + pieces->taken, pieces->room - pieces->taken);
	*ret_text = pieces->buffer;
	*ret_length = pieces->taken;
	return 0;
}

void pieces_done(struct pieces *pieces)
{
	ASAN_UNPOISON_MEMORY_REGION(pieces->buffer, pieces->room);
	free(pieces->buffer);
	*pieces = (struct pieces){0};
}
