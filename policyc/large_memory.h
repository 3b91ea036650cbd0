/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_LARGE_MEMORY_H
#define POLICYC_LARGE_MEMORY_H

/* What grows with the size of a list: asks for huge pages for it, so that touching it for the first
 * time takes one page fault for 2 MiB instead of 512, where the system gives them to who asks. */
#include <stddef.h>

/* Takes memory that was just allocated, so many bytes of it, or NULL; returns it. Of little memory
 * it asks nothing. Never fails, keeps errno. */
void *large_memory(void *memory, size_t bytes);

/* As calloc(), but that the zeros are written after the pages were asked for: calloc() writes them
 * page by page into memory that it has again. */
void *large_zeroed(size_t count, size_t size);

#endif
