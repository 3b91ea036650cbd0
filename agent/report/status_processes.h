/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_STATUS_PROCESSES_H
#define SYNFW_AGENT_STATUS_PROCESSES_H

/* What of the rules on processes is in force. */
#include <jansson.h>

#include "base/notes.h"
#include "datapath/live.h"
#include "processes/half.h"

struct status_processes {
	bool wanted;			/* the policy has such rules */
	uint32_t hooks, uncalled;	/* that are attached, one bit each; of them: not called */
	bool isolates_fully;		/* process_half_isolates_fully() */
	uint32_t wanted_hooks;		/* that apply found the policy to need, and could have */
	enum process_security security; /* how those that are called refuse */
	uint64_t missed;		/* struct process_half */
	uint32_t nr_known;		/* processes */
	bool isolated_lost;		/* struct synfw_process_runtime */
	uint64_t tallies[SYNFW_NR_PROCESS_TALLIES];
};

/* `dir`: where `live`, which is present, is pinned. What is missing becomes a warning. */
int status_processes_read(const char *dir, const struct live *live, struct notes *warnings,
			  struct fault *fault, struct status_processes *ret_status);

/* null without rules on processes. */
json_t *status_processes_json(const struct status_processes *status,
			      const struct manifest *manifest);
void status_processes_print(const struct status_processes *status, const struct manifest *manifest);

#endif
