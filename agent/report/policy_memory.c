/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "policy_memory.h"

#include <synfw/cleanup.h>

#include "processes/half.h"
#include "processes/inner.h"

static uint64_t processes_bytes(const char *dir, uint32_t active)
{
	CLEANUP(process_half_close) struct process_half half = PROCESS_HALF_NONE;
	CLEANUP(process_inner_close) struct process_inner inner = PROCESS_INNER_NONE;
	CLEANUP(fault_done) struct fault ignored = {0};
	uint64_t bytes = 0;
	int i;

	if (process_half_find(dir, active, &ignored, &half) || !half.present ||
	    process_inner_open(&half.object, active, &ignored, &inner))
		return 0;
	for (i = 0; i < PROCESS_NR_INNER; i++)
		bytes += object_map_bytes(inner.fd[i]);
	return bytes;
}

uint64_t policy_kernel_bytes(const char *dir, const struct live *live)
{
	uint64_t bytes = (uint64_t)live->tables.nr_pages * SYNFW_PAGE_BYTES;
	int i;

	for (i = 0; i < SYNFW_MAX_DYNAMIC_SETS; i++)
		if (live->tables.dynamic.fd[i] >= 0)
			bytes += object_map_bytes(live->tables.dynamic.fd[i]);
	return bytes + processes_bytes(dir, live->control.active);
}
