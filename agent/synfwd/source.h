/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_SYNFWD_SOURCE_H
#define SYNFW_AGENT_SYNFWD_SOURCE_H

/*
 * Where events come from, one file each. A source adds itself to the loop and to the keeper; what
 * it returns lives until the loop has ended.
 *
 * Sources do not look at what has changed: they ask for a refresh, which reads everything, and stop
 * listening until it comes. However much happens meanwhile, synfwd wakes up once; and what was lost
 * because a queue overran is found like all else.
 */
#include "base/fault.h"
#include "keeper.h"

struct source {
	const char *name;
	int (*open)(sd_event *event, struct keeper *keeper, struct fault *fault, void **ret_state);
	void (*close)(void *state);
};

extern const struct source source_routes; /* routes, next hops, addresses */
extern const struct source source_files;  /* resolv.conf and DHCP leases */

#endif
