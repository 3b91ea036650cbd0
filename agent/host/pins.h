/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PINS_H
#define SYNFW_AGENT_PINS_H

/*
 * What lies below SYNFW_BPFFS: looking through it and removing it. Whoever sets that variable to
 * another directory by mistake must not lose it: nothing is removed that is not on a bpffs, and
 * no symbolic link is followed.
 */
#include "base/paths.h"

/* Opens SYNFW_BPFFS. -ENOENT when it is missing, or an empty directory elsewhere, which a bpffs
 * may be mounted on. Anything else that is not on a bpffs is refused. */
int pins_open(const struct paths *paths, struct fault *fault, int *ret_fd);

/* Whether `name` is that of a datapath in force, abi<N> to the letter. */
bool pins_abi_of(const char *name, unsigned int *ret_version);

/* Whether `name` in SYNFW_BPFFS is a directory as synfw makes them: abi<N>, new or old. */
bool pins_is_datapath(int root_fd, const char *name);

/* Removes one of them. A missing one is fine. 0 or -errno; goes on after errors. */
int pins_remove_tree(const struct paths *paths, const char *path);

/* Removes a datapath as a whole: nobody finds it half there, and what a kill leaves of it is in
 * the way of nobody. 0 or -errno. */
int pins_remove_datapath(const struct paths *paths, const char *path);

/* Calls fn for every name in a directory; a missing directory has none. 0, -errno, or the first
 * non-zero that fn returned. */
int pins_for_each(const char *path, int (*fn)(const char *name, void *context), void *context);

/* Sets *ret_dir, which the caller frees, to the directory of a datapath with another ABI, or to
 * NULL. */
int pins_find_other_abi(const struct paths *paths, struct fault *fault, char **ret_dir);

#endif
