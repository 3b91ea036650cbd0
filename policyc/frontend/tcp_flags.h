/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_TCP_FLAGS_H
#define POLICYC_TCP_FLAGS_H

#include <stdbool.h>
#include <stddef.h>

#include "../model.h"

/* Words of one list of flags, one by one. Zeroed is empty. */
struct flags_words {
	uint8_t set, clear; /* named as they are, named after "not" */
	bool none;
	size_t count;
};

/* Takes one word: "syn", "not ack", "none". Returns NULL, or what is wrong with it. */
const char *flags_take_word(struct flags_words *words, const char *text, size_t length);

/* What the list means: without "not" exactly the named flags of all eight, otherwise only the named
 * ones matter. Returns NULL, or what is wrong with the list. */
const char *flags_finish(const struct flags_words *words, struct flags_match *ret);

/* "syn", for a single bit. */
const char *flag_name(uint8_t bit);

/* Whether the flags are SYN with FIN or RST, which no rule ever sees. */
static inline bool flags_are_impossible(uint8_t flags)
{
	return (flags & SYNFW_TCP_SYN) && (flags & (SYNFW_TCP_FIN | SYNFW_TCP_RST));
}

#endif
