/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_ISOLATE_BPF_H
#define SYNFW_PROCESS_ISOLATE_BPF_H

/* What an isolated process may not do: the calls are refused with EPERM. */
#include "process_score.bpf.h"
#include "process_table.bpf.h"

#define CALL_REFUSED 0
#define CALL_ALLOWED 1

/* Once a child of an isolated process found no room, whoever has no entry may be it. */
static __always_inline bool unknown_is_refused(void)
{
	__u32 zero = 0;
	const struct synfw_process_state *state = bpf_map_lookup_elem(&synfw_process_state, &zero);

	return state && *(const volatile __u32 *)&state->isolated_lost;
}

static __always_inline int call_judge(void)
{
	const struct synfw_process *entry = process_entry(bpf_get_current_pid_tgid() >> 32);
	bool refused = entry ? entry->flags & SYNFW_PROCESS_ISOLATED : unknown_is_refused();

	if (!refused)
		return CALL_ALLOWED;
	tally(SYNFW_PROCESS_TALLY_REFUSED);
	return CALL_REFUSED;
}

#endif
