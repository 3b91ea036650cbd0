/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Attributes: the shape of the packet and, when rules look at them, the TCP flags and whether it
 * belongs to a connection. */
#include "compile/tables.h"

#include <errno.h>
#include <stdlib.h>

#include <synfw/cleanup.h>

struct attributes {
	enum connection_state state;
	enum synfw_shape shape;
	int flags; /* less than 0: a packet without a TCP header of normal shape */
};

static bool match_matches(const struct match *match, const struct attributes *packet)
{
	if (match->keys & MATCH_STATE && match->state != packet->state)
		return false;
	if (!(match->keys & MATCH_FLAGS))
		return true;
	return packet->flags >= 0 && (packet->flags & match->flags.mask) == match->flags.value;
}

static bool attr_matches(const struct bit *bit, const struct attributes *packet)
{
	enum except_mode mode = bit->except_modes[SYNFW_FIELD_ATTR];

	if (bit_is_padding(bit) || !(bit->shapes & 1 << packet->shape))
		return false;
	return except_apply(mode, match_matches(bit->match, packet),
			    mode != EXCEPT_IGNORED && match_matches(bit->except, packet));
}

/* Where the packet stands in the table. */
static uint32_t attr_index(const struct attributes *packet)
{
	return (packet->state == STATE_ESTABLISHED ? SYNFW_ATTR_ESTABLISHED : 0) +
	       (packet->flags < 0 ? SYNFW_ATTR_SHAPE + packet->shape : (uint32_t)packet->flags);
}

static int attr_entry(struct build *build, uint64_t *vector, const struct attributes *packet)
{
	uint32_t class_id;
	int error;

	for (uint32_t i = 0; i < build->bits->count; i++)
		vector_assign(vector, i, attr_matches(&build->bits->bit[i], packet));
	error = vectors_add(&build->vectors, SYNFW_FIELD_ATTR, vector, &class_id);
	if (!error)
		build->tables.ids[build->attr_offset + attr_index(packet)] = class_id;
	return error;
}

/* All that packets of one state may look like. */
static int attr_state(struct build *build, uint64_t *vector, enum connection_state state)
{
	struct attributes packet = {.state = state, .flags = -1};
	int error = 0;

	for (int shape = 0; !error && shape < SYNFW_NR_SHAPES; shape++) {
		packet.shape = shape;
		error = attr_entry(build, vector, &packet);
	}
	packet.shape = SYNFW_SHAPE_NORMAL;
	for (int flags = 0; !error && build->flag_rules && flags < 256; flags++) {
		packet.flags = flags;
		error = attr_entry(build, vector, &packet);
	}
	return error;
}

static uint32_t attr_keys(const struct bit *bit)
{
	uint32_t keys = bit->match ? bit->match->keys : 0;

	return bit->except_modes[SYNFW_FIELD_ATTR] != EXCEPT_IGNORED ? keys | bit->except->keys
								     : keys;
}

int build_attr(struct build *build)
{
	CLEANUP(cleanup_free) uint64_t *vector = vector_new(&build->vectors);
	uint32_t keys = 0;
	int error;

	if (!vector)
		return -ENOMEM;
	for (uint32_t i = 0; i < build->bits->count; i++)
		keys |= attr_keys(&build->bits->bit[i]);
	build->flag_rules = keys & MATCH_FLAGS;
	build->state_rules = keys & MATCH_STATE;
	error = id_tables_reserve(&build->tables, SYNFW_ATTR_ENTRIES, &build->attr_offset);
	/* a new packet of SYNFW_SHAPE_NORMAL is the first, which makes it class 0: the datapath
	 * relies on that */
	if (!error)
		error = attr_state(build, vector, STATE_NEW);
	if (!error && build->state_rules)
		error = attr_state(build, vector, STATE_ESTABLISHED);
	return error;
}
