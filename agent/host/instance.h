/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_INSTANCE_H
#define SYNFW_AGENT_INSTANCE_H

/* The one synfwd of a SYNFW_RUN_DIR: it holds a lock on SYNFW_RUN_DIR/synfwd, and the kernel drops
 * it when synfwd ends, however it ends. */
#include <stdint.h>

#include "base/paths.h"

/* Takes the lock, which the descriptor holds. Refused when another process has it. */
int instance_acquire(const struct paths *paths, struct fault *fault, int *ret_fd);

/* Whether somebody holds it; asking takes it from nobody. */
bool instance_is_running(const struct paths *paths);

/* synfwd says in the file of its lock which datapath it serves, by the kernel's id of its
 * synfw_exempt: it can be asked then to look at it. 0: none, nobody may count on it, as at first.
 * 0 or -errno. */
int instance_serve(int instance_fd, uint32_t datapath);

/* Asks synfwd, if one runs, for a look, by opening that file for writing; true: it serves this
 * datapath, and comes soon. Nothing that must be so may depend on it. */
bool instance_wake(const struct paths *paths, uint32_t datapath);

/* Adds the file of the lock to an inotify(7) descriptor. 0 or -errno. */
int instance_watch(const struct paths *paths, int inotify_fd);

#endif
