/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_LOCK_H
#define SYNFW_AGENT_LOCK_H

/*
 * One exclusive lock serialises everything that writes. It is a flock on the bpffs, which is what
 * it guards, and one on SYNFW_RUN_DIR/lock, which says who holds it and is there before the first
 * apply has mounted a bpffs. The kernel drops both when their holder dies, however it dies.
 */
#include "base/paths.h"

struct lock {
	int run_fd;
	int bpffs_fd; /* -1: no bpffs was mounted */
};

#define LOCK_NONE                            \
	{                                    \
		.run_fd = -1, .bpffs_fd = -1 \
	}

/* Waits at most `timeout_ms` for each. */
int lock_acquire(const struct paths *paths, unsigned int timeout_ms, struct fault *fault,
		 struct lock *ret_lock);

/* Before a bpffs is unmounted, which a descriptor on it would prevent. */
void lock_leave_bpffs(struct lock *lock);

void lock_release(struct lock *lock);

#endif
