/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "globs.h"

#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

bool is_glob(const char *text)
{
	return strpbrk(text, "*?[\\");
}

enum token_kind {
	TOKEN_END,
	TOKEN_ONE,  /* this character */
	TOKEN_SOME, /* one character */
	TOKEN_STAR,
};

struct token {
	enum token_kind kind;
	char c;
};

static size_t tokenise(const char *glob, struct token *tokens)
{
	size_t count = 0;

	for (; *glob && count < GLOB_MAX_LENGTH; glob++) {
		struct token token = {TOKEN_ONE, *glob};
		const char *close = *glob == '[' && glob[1] ? strchr(glob + 2, ']') : NULL;

		if (*glob == '*') {
			token.kind = TOKEN_STAR;
		} else if (*glob == '?') {
			token.kind = TOKEN_SOME;
		} else if (close) {
			token.kind = TOKEN_SOME;
			glob = close;
		} else if (*glob == '\\' && glob[1]) {
			token.c = *++glob;
		}
		tokens[count++] = token;
	}
	tokens[count].kind = TOKEN_END;
	return count;
}

static bool can_be_same(const struct token *a, const struct token *b)
{
	return a->kind == TOKEN_SOME || b->kind == TOKEN_SOME || a->c == b->c;
}

bool globs_intersect(const char *a, const char *b)
{
	struct token left[GLOB_MAX_LENGTH + 1], right[GLOB_MAX_LENGTH + 1];
	bool rows[2][GLOB_MAX_LENGTH + 1] = {{false}};
	size_t lefts, rights;

	if (!is_glob(a) || !is_glob(b))
		return is_glob(a) ? !fnmatch(a, b, 0) : !fnmatch(b, a, 0);
	lefts = tokenise(a, left);
	rights = tokenise(b, right);
	/* rows[i & 1][j]: some text matches the first i tokens of one and the first j of the
	 * other. */
	for (size_t i = 0; i <= lefts; i++) {
		bool *above = rows[(i + 1) & 1], *row = rows[i & 1];

		for (size_t j = 0; j <= rights; j++) {
			bool star_left = i && left[i - 1].kind == TOKEN_STAR;
			bool star_right = j && right[j - 1].kind == TOKEN_STAR;

			row[j] = !i && !j;
			if (star_left || star_right)
				row[j] = (i && above[j]) || (j && row[j - 1]);
			else if (i && j)
				row[j] = above[j - 1] && can_be_same(&left[i - 1], &right[j - 1]);
		}
	}
	return rows[lefts & 1][rights];
}
