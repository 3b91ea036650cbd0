/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "large_memory.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include <sys/mman.h>

/* Of less, there may be no huge page inside. */
#define LARGE_BYTES (4UL << 20)

void *large_memory(void *memory, size_t bytes)
{
	size_t page = sysconf(_SC_PAGESIZE), before;
	int kept = errno;

	if (!memory || bytes < LARGE_BYTES)
		return memory;
	before = -(uintptr_t)memory % page;
	/* a kernel without them says so, and all is as it was */
	madvise((char *)memory + before, (bytes - before) / page * page, MADV_HUGEPAGE);
	errno = kept;
	return memory;
}
