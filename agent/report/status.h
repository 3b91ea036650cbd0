/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_STATUS_H
#define SYNFW_AGENT_STATUS_H

/* What is in force and whether it really is: everything is read from the kernel. */
#include <synfw/reasons.h>
#include <synfw/state.h>

#include "base/notes.h"
#include "base/paths.h"
#include "datapath/flows.h"
#include "datapath/live.h"
#include "status_processes.h"

struct status_interface {
	char name[IF_NAMESIZE]; /* now; the policy's name for it when it is gone */
	bool attached;
	enum xdp_mode mode;
	uint64_t packets, bytes, dropped;
};

struct status_set {
	const char *name; /* of the manifest */
	uint32_t members, size;
};

/* Connections are tracked when the policy asks for them. */
struct status_flows {
	bool tracked;
	struct flows_count count;
};

struct status {
	struct live live;
	bool killed; /* `live` is what a first apply attached that was killed before it was done */
	bool agent_running;
	struct status_interface *interfaces;
	size_t nr_interfaces;
	struct status_set *sets; /* the dynamic ones */
	size_t nr_sets;
	struct status_flows flows;
	uint64_t reasons[SYNFW_NR_REASONS]; /* packets, on all interfaces */
	uint32_t blocks, scores;	    /* how many sources */
	uint64_t tallies[SYNFW_NR_TALLIES];
	uint64_t kernel_bytes; /* policy_kernel_bytes() */
	struct status_processes processes;
	struct notes warnings;
};

int status_read(const struct paths *paths, uint64_t now_ns, struct fault *fault,
		struct status *ret_status);
void status_done(struct status *status);

#endif
