/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_EVENT_REPORT_H
#define SYNFW_AGENT_EVENT_REPORT_H

/* An event as a line of text and as a JSON object. */
#include <stdio.h>

#include "policy/rule_names.h"

#define EVENT_TIME_MAX 40

/* A time of CLOCK_BOOTTIME as RFC 3339 in UTC, to the microsecond. */
const char *event_time_text(uint64_t boot_ns, char out[EVENT_TIME_MAX]);

void event_write_text(const struct synfw_event *event, const struct rule_names *names,
		      FILE *stream);

/* synfw.event/1 */
json_t *event_json(const struct synfw_event *event, const struct rule_names *names);

#endif
