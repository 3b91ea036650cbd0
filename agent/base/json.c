/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "json.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <synfw/cleanup.h>

json_t *json_text(const char *text)
{
	json_t *value = json_string(text);
	char *copy, *byte;

	if (value)
		return value;
	copy = strdup(text);
	for (byte = copy; byte && *byte; byte++)
		if (*byte & 0x80)
			*byte = '?';
	value = copy ? json_string(copy) : NULL;
	free(copy);
	return value;
}

json_t *json_text_or_null(const char *text)
{
	return text ? json_text(text) : json_null();
}

json_t *json_time(unsigned long long time_ns)
{
	time_t seconds = time_ns / 1000000000ULL;
	struct tm utc;
	char text[32];

	if (!gmtime_r(&seconds, &utc))
		return json_null();
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	return json_string(text);
}
