/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_JSON_H
#define SYNFW_AGENT_JSON_H

#include <jansson.h>

/* A JSON string of any text: bytes that are not UTF-8 (a file name may hold them) become '?'.
 * NULL without memory, which json_pack and json_*_set_new report. */
json_t *json_text(const char *text);
json_t *json_text_or_null(const char *text);

/* A time of CLOCK_REALTIME as RFC 3339 in UTC. */
json_t *json_time(unsigned long long time_ns);

#endif
