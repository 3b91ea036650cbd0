/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_ARRAY_H
#define POLICYC_ARRAY_H

#include <stdlib.h>
#include <string.h>

/*
 * Appends a zeroed element to an array of `*count` that only grows through this function; its room
 * is the power of two at or above the count, so that nobody has to store it.
 * `array` is the address of the pointer. Returns the element, or NULL without memory.
 */
static inline void *array_append(void *array, size_t *count, size_t element)
{
	char *base;

	memcpy(&base, array, sizeof(base));
	if ((*count & (*count - 1)) == 0) {
		base = reallocarray(base, *count ? 2 * *count : 1, element);
		if (!base)
			return NULL;
		memcpy(array, &base, sizeof(base));
	}
	base += *count * element;
	(*count)++;
	return memset(base, 0, element);
}

#define ARRAY_APPEND(array, count) \
	((__typeof__(array))array_append(&(array), &(count), sizeof(*(array))))

#endif
