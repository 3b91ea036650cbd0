/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_GLOBS_H
#define POLICYC_GLOBS_H

#include <stdbool.h>

#define GLOB_MAX_LENGTH 64

/* Whether the text has a character that fnmatch(3) does not take as itself. */
bool is_glob(const char *text);

/* Whether some name may match both patterns, which are shorter than GLOB_MAX_LENGTH. A bracket
 * expression is taken to match any character. */
bool globs_intersect(const char *a, const char *b);

#endif
