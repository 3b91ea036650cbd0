/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_PREFIX_SORT_H
#define POLICYC_PREFIX_SORT_H

/* The order of prefixes: by address, then by length, so that one follows those that cover it. */
#include <stddef.h>

#include "prefix.h"

/* As qsort() wants it. */
int prefix4_compare(const void *a, const void *b);
int prefix6_compare(const void *a, const void *b);

/* In place. Large arrays by radix: in O(n), but that IPv6 addresses whose upper halves are the same
 * are compared. That takes 8 bytes more a prefix of IPv4, 34 of IPv6; without them, as qsort(). */
void prefixes4_sort(struct prefix4 *prefixes, size_t count);
void prefixes6_sort(struct prefix6 *prefixes, size_t count);

#endif
