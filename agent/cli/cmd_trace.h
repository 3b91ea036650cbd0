/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_CMD_TRACE_H
#define SYNFW_AGENT_CMD_TRACE_H

/* `synfw trace` of an exec. Returns the exit code. */
#include "command.h"

/* Whether the options ask about an exec. */
bool trace_is_of_exec(const struct invocation *invocation);

int trace_exec(const struct invocation *invocation);

#endif
