/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PROCESS_EVENT_REPORT_H
#define SYNFW_AGENT_PROCESS_EVENT_REPORT_H

/* An event of a process as a line of text and as a JSON object. */
#include <stdio.h>

#include "policy/process_names.h"

void process_event_write_text(const struct synfw_process_event *event,
			      const struct process_names *names, FILE *stream);

/* synfw.event/1, as those of packets; `kind` is "process" or "memory". */
json_t *process_event_json(const struct synfw_process_event *event,
			   const struct process_names *names);

#endif
