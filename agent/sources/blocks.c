/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "blocks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#include "datapath/source.h"

bool block_is_live(const struct synfw_block *block, uint64_t now_boot_ns)
{
	return !block->expires_boot_ns || block->expires_boot_ns > now_boot_ns;
}

const char *block_cause_word(enum synfw_block_cause cause)
{
	static const char *const words[] = {
		[SYNFW_BLOCK_OPERATOR] = "operator",
		[SYNFW_BLOCK_SCORE] = "score",
		[SYNFW_BLOCK_RULE] = "rule",
		[SYNFW_BLOCK_PEER] = "peer",
	};

	return cause < sizeof(words) / sizeof(*words) ? words[cause] : "unknown";
}

/* ---- reading ---- */

int blocks_look_up(const struct object *object, const struct synfw_addr6 *source,
		   struct fault *fault, struct synfw_block *ret_block)
{
	struct synfw_block block;

	if (bpf_map_lookup_elem(object->map_fd[OBJECT_BLOCKS], source, &block))
		return errno == ENOENT ? -ENOENT
				       : fault_system(fault, -errno, "cannot look for a block");
	*ret_block = block;
	return 0;
}

struct batch {
	struct synfw_addr6 *sources;
	struct synfw_block *blocks;
};

static void batch_done(struct batch *batch)
{
	free(batch->sources);
	free(batch->blocks);
}

/* All at once: there is room for every entry that the map can hold. */
static int read_batch(const struct object *object, struct batch *batch, uint32_t *ret_count)
{
	uint32_t count = SYNFW_MAX_BLOCKS, token;

	batch->sources = calloc(SYNFW_MAX_BLOCKS, sizeof(*batch->sources));
	batch->blocks = calloc(SYNFW_MAX_BLOCKS, sizeof(*batch->blocks));
	if (!batch->sources || !batch->blocks)
		return -ENOMEM;
	if (bpf_map_lookup_batch(object->map_fd[OBJECT_BLOCKS], NULL, &token, batch->sources,
				 batch->blocks, &count, NULL) &&
	    errno != ENOENT)
		return -errno;
	*ret_count = count;
	return 0;
}

int blocks_read(const struct object *object, struct fault *fault, struct blocked **ret_blocks,
		size_t *ret_count)
{
	CLEANUP(batch_done) struct batch batch = {NULL};
	CLEANUP(cleanup_free) struct blocked *blocks = NULL;
	uint32_t count = 0, i;
	int err = read_batch(object, &batch, &count);

	if (!err)
		blocks = calloc(count + 1, sizeof(*blocks));
	if (!err && !blocks)
		err = -ENOMEM;
	if (err)
		return fault_system(fault, err, "cannot read the blocks");
	for (i = 0; i < count; i++)
		blocks[i] = (struct blocked){batch.sources[i], batch.blocks[i]};
	qsort(blocks, count, sizeof(*blocks), source_compare);
	*ret_blocks = TAKE_PTR(blocks);
	*ret_count = count;
	return 0;
}

int blocks_count(const struct object *object, struct fault *fault, uint32_t *ret_count)
{
	CLEANUP(batch_done) struct batch batch = {NULL};
	uint64_t now_ns = source_now();
	uint32_t count = 0, live = 0, i;
	int err = read_batch(object, &batch, &count);

	if (err)
		return fault_system(fault, err, "cannot count the blocks");
	for (i = 0; i < count; i++)
		live += block_is_live(&batch.blocks[i], now_ns);
	*ret_count = live;
	return 0;
}

/* ---- changing ---- */

int blocks_writer_open(const struct object *object, struct fault *fault,
		       struct blocks_writer *ret_writer)
{
	struct blocks_writer writer = {.object = object};
	int err = filter_open(object, OBJECT_BLOCK_FILTER, fault, &writer.filter);

	if (!err)
		*ret_writer = writer;
	return err;
}

void blocks_writer_close(struct blocks_writer *writer)
{
	filter_close(&writer->filter);
	*writer = (struct blocks_writer)BLOCKS_WRITER_NONE;
}

/* Forgets those that have ended. The packet path may renew one meanwhile: the entry is looked at
 * once more, and what is lost in between comes back with the next packet that scores. */
static int sweep(const struct object *object, struct fault *fault, bool *ret_swept)
{
	CLEANUP(batch_done) struct batch batch = {NULL};
	uint64_t now_ns = source_now();
	struct synfw_block block;
	uint32_t count = 0, i;
	bool swept = false;
	int err = read_batch(object, &batch, &count);

	if (err)
		return fault_system(fault, err, "cannot make room for a block");
	for (i = 0; !err && i < count; i++) {
		if (block_is_live(&batch.blocks[i], now_ns) ||
		    blocks_look_up(object, &batch.sources[i], fault, &block) ||
		    block_is_live(&block, now_ns))
			continue;
		err = blocks_remove(object, &batch.sources[i], fault);
		swept |= !err;
		if (err == -ENOENT)
			err = 0;
	}
	*ret_swept = swept;
	return err;
}

static int put(const struct object *object, const struct synfw_addr6 *source,
	       const struct synfw_block *block, struct fault *fault)
{
	if (!bpf_map_update_elem(object->map_fd[OBJECT_BLOCKS], source, block, BPF_ANY))
		return 0;
	return errno == E2BIG ? -E2BIG : fault_system(fault, -errno, "cannot block");
}

int blocks_put(const struct blocks_writer *writer, const struct synfw_addr6 *source,
	       const struct synfw_block *block, struct fault *fault)
{
	bool swept = false;
	int err;

	filter_add(&writer->filter, source);
	err = put(writer->object, source, block, fault);
	if (err != -E2BIG)
		return err;
	err = sweep(writer->object, fault, &swept);
	if (err)
		return err;
	return swept ? put(writer->object, source, block, fault) : -E2BIG;
}

int blocks_remove(const struct object *object, const struct synfw_addr6 *source,
		  struct fault *fault)
{
	if (!bpf_map_delete_elem(object->map_fd[OBJECT_BLOCKS], source))
		return 0;
	return errno == ENOENT ? -ENOENT : fault_system(fault, -errno, "cannot forget a block");
}
