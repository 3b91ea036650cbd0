/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PATHS_H
#define SYNFW_AGENT_PATHS_H

/* Where things are. All names below `bpffs` are free of dots: bpffs reserves them. */
#include "fault.h"

struct paths {
	char *bpffs; /* SYNFW_BPFFS, /sys/fs/bpf/synfw */
	bool bpffs_is_default;
	char *run;	 /* SYNFW_RUN_DIR, /run/synfw */
	char *state;	 /* SYNFW_STATE_DIR, /var/lib/synfw */
	char *live;	 /* bpffs/abi<N>: what is in force */
	char *staging;	 /* bpffs/new: a first apply builds here, then renames */
	char *discarded; /* bpffs/old: on its way out */
};

/* Reads the environment. Relative directories are refused: what they mean would depend on where
 * the command was started. */
int paths_init(struct fault *fault, struct paths *ret);
void paths_done(struct paths *paths);

/* asprintf that returns the text or NULL without memory. */
char *path_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* mkdir -p with the given mode for what is missing. 0 or -errno. */
int path_make_directories(const char *path, unsigned int mode);

#endif
