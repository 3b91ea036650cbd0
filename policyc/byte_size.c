/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "byte_size.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *unit;
	unsigned int shift;
} units[] = {{"B", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}};

#define NR_UNITS (sizeof(units) / sizeof(units[0]))

bool byte_size_parse(const char *text, uint64_t *ret_bytes)
{
	uint64_t number = 0;
	const char *at;

	/* 64 bits hold ten times the limit */
	for (at = text; *at >= '0' && *at <= '9' && number <= BYTE_SIZE_MAX; at++)
		number = number * 10 + (uint64_t)(*at - '0');
	for (size_t i = 0; number && i < NR_UNITS; i++) {
		if (strcmp(at, units[i].unit) || number > BYTE_SIZE_MAX >> units[i].shift)
			continue;
		*ret_bytes = number << units[i].shift;
		return true;
	}
	return false;
}

void byte_size_format(uint64_t bytes, char out[BYTE_SIZE_SIZE])
{
	size_t i = NR_UNITS - 1;

	while (i && (!bytes || bytes % (1ULL << units[i].shift)))
		i--;
	snprintf(out, BYTE_SIZE_SIZE, "%" PRIu64 "%s", bytes >> units[i].shift, units[i].unit);
}
