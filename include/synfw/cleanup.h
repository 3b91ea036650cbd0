/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_CLEANUP_H
#define SYNFW_CLEANUP_H

/*
 * Owning locals. CLEANUP(fn) runs fn(&variable) when the variable leaves its scope; TAKE_PTR and
 * TAKE_FD hand the value on and leave NULL or -1 behind, as the last act of a function.
 */
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))

#define TAKE_PTR(ptr)                                                                              \
	({                                                                                         \
		__typeof__(&(ptr)) take_from_ = &(ptr);                                            \
		__typeof__(ptr) taken_ = *take_from_;                                              \
		*take_from_ = NULL;                                                                \
		taken_;                                                                            \
	})

#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int *take_from_ = &(fd);                                                           \
		int taken_ = *take_from_;                                                          \
		*take_from_ = -1;                                                                  \
		taken_;                                                                            \
	})

/* For `CLEANUP(cleanup_free) char *x`: frees what x points to. */
static inline void cleanup_free(void *ptr_to_ptr)
{
	free(*(void **)ptr_to_ptr);
}

/* For `CLEANUP(cleanup_fd) int fd = -1`: closes it unless negative. */
static inline void cleanup_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#endif
