/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_PIECES_H
#define POLICYC_PIECES_H

/* A file of lines, of which a piece is in memory at a time. */
#include <stdbool.h>
#include <stddef.h>

#include "../policyc.h"

struct pieces {
	struct policyc_stream *stream; /* borrowed */
	char *buffer;
	size_t room, length; /* of the buffer, and what is in it */
	size_t taken;	     /* the piece that was given out last */
	bool ended;
};

/* The next piece: whole lines, of which only the last one of the file may lack its end; empty
 * behind that. It is good until the next call. The buffer is 256 KiB, or at most twice what the
 * longest line takes. 0, or -errno of the stream's or -ENOMEM. */
int pieces_next(struct pieces *pieces, const char **ret_text, size_t *ret_length);
void pieces_done(struct pieces *pieces);

#endif
