/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_INNER_CHANGES_H
#define SYNFW_AGENT_INNER_CHANGES_H

/* Entries of maps of maps that become others. */
#include <stddef.h>
#include <stdint.h>

struct inner_change {
	int outer_fd;
	uint32_t key;
	int inner_fd; /* borrowed; -1: the entry becomes empty */
};

/* Makes all of them, in no order and whether or not others fail: 0, or -errno of one that failed.
 * Who changes such an entry waits in the kernel until nobody can still read what was there, 8 ms
 * and more each time; who waits at the same time waits for the same. */
int inner_changes_make(const struct inner_change *changes, size_t count);

#endif
