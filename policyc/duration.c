/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "duration.h"

#include <stddef.h>
#include <string.h>

#define MAX_SECONDS (36500ULL * 86400)
#define NS_PER_S    1000000000ULL

bool duration_parse(const char *text, uint64_t *ret_ns)
{
	static const struct {
		const char *unit;
		uint64_t seconds;
	} units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
	uint64_t number = 0;
	const char *at;

	/* 64 bits hold ten times the limit */
	for (at = text; *at >= '0' && *at <= '9' && number <= MAX_SECONDS; at++)
		number = number * 10 + (uint64_t)(*at - '0');
	for (size_t i = 0; number && i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(at, units[i].unit) || number > MAX_SECONDS / units[i].seconds)
			continue;
		*ret_ns = number * units[i].seconds * NS_PER_S;
		return true;
	}
	return false;
}
