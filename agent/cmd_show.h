/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_CMD_SHOW_H
#define SYNFW_AGENT_CMD_SHOW_H

/* The views of `synfw show` that have a file of their own. Each prints; 0 or a fault. */
#include "command.h"
#include "live.h"

int show_blocks(const struct invocation *invocation, const struct live *live, struct fault *fault);
int show_scores(const struct invocation *invocation, const struct live *live, struct fault *fault);

#endif
