/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_OUTLINED_H
#define POLICYC_OUTLINED_H

/* Which /32s of IPv6 have not the class of the rest only: runs of them, in order and as long as
 * they can be. */
#include <stddef.h>
#include <stdint.h>

struct outlined_run {
	uint32_t first, last; /* the upper 32 bits of an address */
};

struct outlined {
	struct outlined_run *runs;
	size_t count, room;
};

/* Appends those from `first` to `last`, which lie behind all before; a run that goes on is one. 0
 * or -ENOMEM. */
int outlined_append(struct outlined *outlined, uint32_t first, uint32_t last);

/* How many /32s. */
uint64_t outlined_total(const struct outlined *outlined);

void outlined_done(struct outlined *outlined);

#endif
