/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_CMD_WHY_H
#define SYNFW_AGENT_CMD_WHY_H

/* `synfw why` of a process. Returns the exit code. */
#include <stdint.h>

#include "command.h"

int why_process(const struct invocation *invocation, uint32_t pid);

#endif
