/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_SORTED_H
#define POLICYC_SORTED_H

#include <stdbool.h>
#include <stddef.h>

/* Whether `count` elements of `size` bytes are in the order that qsort() with `compare` would leave. */
bool is_sorted(const void *base, size_t count, size_t size,
	       int (*compare)(const void *, const void *));

#endif
