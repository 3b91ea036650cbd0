/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_CMD_SHOW_H
#define SYNFW_AGENT_CMD_SHOW_H

/* The views of `synfw show` that have a file of their own. Each prints; 0 or a fault. */
#include <jansson.h>

#include "command.h"
#include "datapath/live.h"

/* The rules on processes and memory, behind those on packets: as lines, or as an array. */
int show_process_rules(const struct invocation *invocation, const struct live *live,
		       struct fault *fault, json_t **ret_rules);
int show_processes(const struct invocation *invocation, const struct live *live,
		   struct fault *fault);

int show_blocks(const struct invocation *invocation, const struct live *live, struct fault *fault);
int show_scores(const struct invocation *invocation, const struct live *live, struct fault *fault);

#endif
