/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PRIVILEGES_H
#define SYNFW_AGENT_PRIVILEGES_H

#include "fault.h"

/* Checks, before anything is touched, that this process may do what `what` ("apply a policy")
 * takes. The fault names the capabilities that are missing, or the user namespace that they are
 * worth nothing in. */
int privileges_check(const char *what, struct fault *fault);

#endif
