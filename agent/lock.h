/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_LOCK_H
#define SYNFW_AGENT_LOCK_H

/*
 * One exclusive lock serialises everything that writes. It is a flock on SYNFW_RUN_DIR/lock: the
 * kernel drops it when its holder dies, however it dies.
 */
#include "paths.h"

/* Waits at most `timeout_ms`. Returns the descriptor that holds the lock; closing it unlocks. */
int lock_acquire(const struct paths *paths, unsigned int timeout_ms, struct fault *fault,
		 int *ret_fd);

#endif
