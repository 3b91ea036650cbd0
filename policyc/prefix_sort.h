/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_PREFIX_SORT_H
#define POLICYC_PREFIX_SORT_H

/* The order of prefixes: by address, then by length, so that one follows those that cover it. */
#include <stddef.h>

#include "prefix.h"

/* As qsort() wants it. */
int prefix4_compare(const void *a, const void *b);
int prefix6_compare(const void *a, const void *b);

/* In place. Large arrays in O(n), with room for a copy; without that room, as qsort(). */
void prefixes4_sort(struct prefix4 *prefixes, size_t count);
void prefixes6_sort(struct prefix6 *prefixes, size_t count);

#endif
