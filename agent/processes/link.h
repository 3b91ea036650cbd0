/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PROCESS_LINK_H
#define SYNFW_AGENT_PROCESS_LINK_H

/* The way of the packet programs to maps of the process half, see <synfw/talk.h>. */
#include "object.h"

/* Nobody goes that way before a generation is in force that says so. Costs nothing where it is
 * there already, else a grace period. */
int process_link(const struct object *packets, const struct process_object *processes,
		 struct fault *fault);

/* The packet half would hold the maps for as long as it is there itself. None is success; 0 or
 * -errno. */
int process_unlink(const struct object *packets);

#endif
