/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "held.h"

#include <errno.h>

#include <synfw/cleanup.h>

#include "datapath/members.h"

static int read_standing(const struct live *live, const struct any_prefix *address,
			 struct fault *fault, struct held *held)
{
	CLEANUP(standing_close) struct standing_reader reader = STANDING_READER_NONE;
	int err = standing_open(live, fault, &reader);

	if (!err)
		err = standing_read(&reader, address, fault, &held->standing);
	if (!err)
		err = standing_find_entries(live, held->standing.source_class, fault,
					    &held->entries);
	return err;
}

static int read_block(const struct live *live, const struct synfw_addr6 *source,
		      struct fault *fault, struct held *held)
{
	int err;

	held->blocked.source = *source;
	err = blocks_look_up(&live->object, source, fault, &held->blocked.block);
	held->has_block = !err;
	return err == -ENOENT ? 0 : err;
}

static int read_score(const struct live *live, const struct synfw_addr6 *source,
		      struct fault *fault, struct held *held)
{
	int err = scores_look_up(&live->object, source, &live->scoring, fault, &held->scored);

	held->has_score = !err;
	return err == -ENOENT ? 0 : err;
}

static int read_mark(const struct live *live, const struct synfw_addr6 *source, struct fault *fault,
		     struct held *held)
{
	int err = peers_look_up(&live->object, source, fault, &held->mark);

	held->has_mark =
		!err && peer_is_pending(&held->mark, live->header.monitor, held->now_boot_ns);
	return err == -ENOENT ? 0 : err;
}

static int read_sets(const struct live *live, const struct any_prefix *address, struct fault *fault,
		     struct held *held)
{
	const struct dynamic *dynamic = &live->tables.dynamic;
	const struct synfw_addr6 key = member_key(address);
	struct synfw_member member;
	int number, err;

	for (number = 0; number < SYNFW_MAX_DYNAMIC_SETS; number++) {
		if (dynamic->fd[number] < 0)
			continue;
		err = members_look_up(dynamic->fd[number], &key, fault, &member);
		if (err == -ENOENT)
			continue;
		if (err)
			return err;
		held->sets[held->nr_sets++] = (struct held_set){
			.name = dynamic->about.set[number].name, .member = member};
	}
	return 0;
}

int held_read(const struct live *live, const struct source_arg *arg, struct fault *fault,
	      struct held *ret_held)
{
	CLEANUP(held_done) struct held held = {.now_boot_ns = source_now()};
	int err = read_standing(live, &arg->address, fault, &held);

	if (!err)
		err = read_block(live, &arg->source, fault, &held);
	if (!err)
		err = read_score(live, &arg->source, fault, &held);
	if (!err)
		err = read_mark(live, &arg->source, fault, &held);
	if (!err)
		err = read_sets(live, &arg->address, fault, &held);
	if (err)
		return err;
	*ret_held = held;
	held = (struct held){.nr_sets = 0};
	return 0;
}

void held_done(struct held *held)
{
	standing_entries_done(&held->entries);
}

bool held_is_spared(const struct held *held)
{
	return held->standing.exempt || held->standing.is_protected;
}

bool held_is_blocked(const struct held *held, const struct live *live)
{
	const struct synfw_block *block = &held->blocked.block;

	if (!held->has_block || !block_is_live(block, held->now_boot_ns) || held_is_spared(held))
		return false;
	return live->header.monitor || !(block->flags & SYNFW_BLOCK_MONITOR);
}
