/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "large_memory.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>

/* Of less, there may be no huge page inside. */
#define LARGE_BYTES (4UL << 20)

/* The pages at both ends are asked for as a whole: of a mapping in two parts realloc() would make a
 * copy. */
void *large_memory(void *memory, size_t bytes)
{
	uintptr_t page = sysconf(_SC_PAGESIZE), begin = (uintptr_t)memory, end = begin + bytes;
	int kept = errno;

	if (!memory || bytes < LARGE_BYTES)
		return memory;
	begin -= begin % page;
	end += -end % page;
	/* a kernel without them says so, and all is as it was */
	madvise((void *)begin, end - begin, MADV_HUGEPAGE);
	errno = kept;
	return memory;
}

void *large_zeroed(size_t count, size_t size)
{
	void *memory = large_memory(reallocarray(NULL, count, size), count * size);

	return memory ? memset(memory, 0, count * size) : NULL;
}
