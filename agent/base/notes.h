/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_NOTES_H
#define SYNFW_AGENT_NOTES_H

/* Warnings collected on the way: things that a person should know and that stop nothing. */
#include <stddef.h>

struct notes {
	char **text;
	size_t count;
};

/* Without memory the note is dropped. */
void notes_add(struct notes *notes, const char *format, ...) __attribute__((format(printf, 2, 3)));
void notes_done(struct notes *notes);

#endif
