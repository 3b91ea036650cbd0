/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_PATH_PATTERN_H
#define POLICYC_PATH_PATTERN_H

/* Patterns of `exec`, `parent` and `ancestor`. */
#include "parser.h"

/* What a text means: `length` bytes from `start` on are the path, see struct path_pattern; UNDER
 * includes the slash before the stars, NAME the one behind them. Borrowed from the text. */
struct path_words {
	enum path_kind kind;
	const char *start;
	size_t length;
};

/* Returns NULL, or what is wrong, as a sentence's end ("is not an absolute path"). */
const char *path_words_parse(const char *text, struct path_words *ret);

/* Appends what a pattern of the policy means, and what that resolves to. -ENOMEM or 0; a mistake is
 * reported. */
int path_list_parse(struct parser *parser, const struct schema_key *key, const struct node *value,
		    void *target); /* struct path_list * */

/* The file that a test asks about: an absolute path, resolved, or NULL for memfd, which is an error
 * unless `may_be_memfd`. 0 or -ENOMEM; a mistake is reported. */
int path_parse_file(struct parser *parser, const struct node *value, bool may_be_memfd,
		    char **ret_path);

/* Whether every file that `inner` matches is matched by one of `outer`, as far as that shows
 * without comparing long lists pairwise. Adds to *work what was compared. */
bool path_list_covers(const struct path_list *outer, const struct path_list *inner, uint64_t *work);

#endif
