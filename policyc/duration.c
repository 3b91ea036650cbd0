/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "duration.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAX_SECONDS (36500ULL * 86400)
#define NS_PER_S    1000000000ULL

static const struct {
	const char *unit;
	uint64_t seconds;
} units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};

#define NR_UNITS (sizeof(units) / sizeof(units[0]))

bool duration_parse(const char *text, uint64_t *ret_ns)
{
	uint64_t number = 0;
	const char *at;

	/* 64 bits hold ten times the limit */
	for (at = text; *at >= '0' && *at <= '9' && number <= MAX_SECONDS; at++)
		number = number * 10 + (uint64_t)(*at - '0');
	for (size_t i = 0; number && i < NR_UNITS; i++) {
		if (strcmp(at, units[i].unit) || number > MAX_SECONDS / units[i].seconds)
			continue;
		*ret_ns = number * units[i].seconds * NS_PER_S;
		return true;
	}
	return false;
}

void duration_format(uint64_t ns, char out[DURATION_SIZE])
{
	uint64_t seconds = ns / NS_PER_S;
	size_t i = NR_UNITS - 1;

	while (i && (!seconds || seconds % units[i].seconds))
		i--;
	snprintf(out, DURATION_SIZE, "%" PRIu64 "%s", seconds / units[i].seconds, units[i].unit);
}
