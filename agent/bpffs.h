/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_BPFFS_H
#define SYNFW_AGENT_BPFFS_H

/*
 * The file system that keeps programs, maps and links alive without a process. Layout below
 * SYNFW_BPFFS, so that everything in force appears and disappears with one rename:
 *
 *   abi<N>/<map>            abi<N>/prog            abi<N>/links/<ifindex>
 *   abi<N>/links/new-<ifindex>   attached by an apply that has not switched yet
 *   new/                    a datapath being built by an apply
 *   old/                    a datapath being removed
 */
#include "paths.h"

/* What bpffs_ensure had to create, for bpffs_undo. */
struct bpffs_created {
	bool mounted;
	bool directory;
};

/* Whether SYNFW_BPFFS is a directory on a bpffs. */
bool bpffs_is_there(const struct paths *paths);

/* Makes it one. The default path gets the bpffs where every tool expects it, on /sys/fs/bpf; any
 * other path that lies on another file system gets one of its own, which bpffs_release removes. */
int bpffs_ensure(const struct paths *paths, struct fault *fault, struct bpffs_created *ret_created);
void bpffs_undo(const struct paths *paths, const struct bpffs_created *created);

/* After the last pin is gone: removes SYNFW_BPFFS, and the mount if bpffs_ensure made it. */
void bpffs_release(const struct paths *paths);

/* Removes a directory of pins. A missing one is fine. 0 or -errno; goes on after errors. */
int bpffs_remove_tree(const char *path);

/* Removes a datapath as a whole: nobody finds it half there, and what a kill leaves of it is in
 * the way of nobody. 0 or -errno. */
int bpffs_remove_datapath(const struct paths *paths, const char *path);

/* Calls fn for every name in a directory; a missing directory has none. 0, -errno, or the first
 * non-zero that fn returned. */
int bpffs_for_each(const char *path, int (*fn)(const char *name, void *context), void *context);

#endif
