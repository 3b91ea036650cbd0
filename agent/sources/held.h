/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_HELD_H
#define SYNFW_AGENT_HELD_H

/* All that is held against an address, or keeps things from being held against it. */
#include "blocks.h"
#include "datapath/live.h"
#include "peers.h"
#include "scores.h"
#include "source_args.h"
#include "standing.h"

struct held_set {
	const char *name; /* of the dynamic set, in `live` */
	struct synfw_member member;
};

struct held {
	struct standing standing;
	struct standing_entries entries;
	bool has_block; /* it may have ended */
	struct blocked blocked;
	bool has_score;
	struct scored scored;
	bool has_mark; /* that its next packet will take */
	struct synfw_peer mark;
	struct held_set sets[SYNFW_MAX_DYNAMIC_SETS];
	size_t nr_sets;
	uint64_t now_boot_ns;
};

/* A policy has to be in force. */
int held_read(const struct live *live, const struct source_arg *arg, struct fault *fault,
	      struct held *ret_held);
void held_done(struct held *held);

bool held_is_spared(const struct held *held);

/* Whether its packets are dropped for a block, or would be if the policy did not only monitor. */
bool held_is_blocked(const struct held *held, const struct live *live);

#endif
