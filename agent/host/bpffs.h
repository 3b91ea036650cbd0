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
#include "base/paths.h"

/* What bpffs_ensure had to create, for bpffs_undo. */
struct bpffs_created {
	bool mounted;
	bool directory;
};

/* Whether SYNFW_BPFFS is a directory on a bpffs. */
bool bpffs_is_there(const struct paths *paths);

/* The root of the bpffs that SYNFW_BPFFS lies on, or will; -1 when none is mounted there. */
int bpffs_open_root(const struct paths *paths);

/* Makes it one. The default path gets the bpffs where every tool expects it, on /sys/fs/bpf; any
 * other path that lies on another file system gets one of its own, which bpffs_release removes. */
int bpffs_ensure(const struct paths *paths, struct fault *fault, struct bpffs_created *ret_created);
void bpffs_undo(const struct paths *paths, const struct bpffs_created *created);

/* After the last pin is gone: removes SYNFW_BPFFS on a bpffs, or the mount and the directory below
 * it if bpffs_ensure made them. */
void bpffs_release(const struct paths *paths);

#endif
