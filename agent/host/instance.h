/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_INSTANCE_H
#define SYNFW_AGENT_INSTANCE_H

/* The one synfwd of a SYNFW_RUN_DIR: it holds a lock on SYNFW_RUN_DIR/synfwd, and the kernel drops
 * it when synfwd ends, however it ends. */
#include "base/paths.h"

/* Takes the lock, which the descriptor holds. Refused when another process has it. */
int instance_acquire(const struct paths *paths, struct fault *fault, int *ret_fd);

/* Whether somebody holds it; asking takes it from nobody. */
bool instance_is_running(const struct paths *paths);

/* Has synfwd look at what is in force; false: none runs. It sees that the file of its lock was open
 * for writing, and comes some 50 ms later, or when the lock of those who write is free. */
bool instance_wake(const struct paths *paths);

/* Adds the file of the lock, which the caller holds, to an inotify(7) descriptor. 0 or -errno. */
int instance_watch(const struct paths *paths, int inotify_fd);

#endif
