/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sorted.h"

bool is_sorted(const void *base, size_t count, size_t size,
	       int (*compare)(const void *, const void *))
{
	for (size_t i = 1; i < count; i++) {
		const char *here = (const char *)base + i * size;

		if (compare(here - size, here) > 0)
			return false;
	}
	return true;
}
