/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_BLOCKS_H
#define SYNFW_AGENT_BLOCKS_H

/* Blocked sources: the map of <synfw/state.h>, read and changed beside the packet path. */
#include <stddef.h>

#include <synfw/state.h>

#include "datapath/filter.h"
#include "datapath/object.h"

struct blocked {
	struct synfw_addr6 source; /* first: source_compare() */
	struct synfw_block block;
};

/* Entries of blocks that have ended remember offences only. */
bool block_is_live(const struct synfw_block *block, uint64_t now_boot_ns);

const char *block_cause_word(enum synfw_block_cause cause);

/* -ENOENT, without a fault: nothing is known of it. */
int blocks_look_up(const struct object *object, const struct synfw_addr6 *source,
		   struct fault *fault, struct synfw_block *ret_block);

/* All entries, those that have ended too, in the order of source_compare(). The caller frees them.
 */
int blocks_read(const struct object *object, struct fault *fault, struct blocked **ret_blocks,
		size_t *ret_count);

/* Live ones. */
int blocks_count(const struct object *object, struct fault *fault, uint32_t *ret_count);

/* What blocks. Its holder has the lock; the packet path goes on meanwhile. */
struct blocks_writer {
	const struct object *object; /* borrowed */
	struct filter filter;
};

#define BLOCKS_WRITER_NONE     \
	{                      \
		.object = NULL \
	}

int blocks_writer_open(const struct object *object, struct fault *fault,
		       struct blocks_writer *ret_writer);
void blocks_writer_close(struct blocks_writer *writer);

/* Blocks a source, or changes how it is blocked. It holds from the next packet on. In a full map,
 * entries of blocks that have ended make room; -E2BIG, without a fault, when there are none. */
int blocks_put(const struct blocks_writer *writer, const struct synfw_addr6 *source,
	       const struct synfw_block *block, struct fault *fault);

/* Forgets a source, its offences too. -ENOENT, without a fault: there was nothing to forget. */
int blocks_remove(const struct object *object, const struct synfw_addr6 *source,
		  struct fault *fault);

#endif
