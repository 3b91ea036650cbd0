/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Attributes: the shape of the packet and, when rules look at them, the TCP flags. */
#include "compile/tables.h"

#include <errno.h>
#include <stdlib.h>

#include <synfw/cleanup.h>

/* `flags` < 0: a packet without a TCP header of normal shape. */
static bool flags_match(const struct match *match, int flags)
{
	if (!(match->keys & MATCH_FLAGS))
		return true;
	return flags >= 0 && (flags & match->flags.mask) == match->flags.value;
}

static bool attr_matches(const struct bit *bit, enum synfw_shape shape, int flags)
{
	enum except_mode mode = bit->except_modes[SYNFW_FIELD_ATTR];

	if (bit_is_padding(bit) || !(bit->shapes & 1 << shape))
		return false;
	return except_apply(mode, flags_match(bit->match, flags),
			    mode != EXCEPT_IGNORED && flags_match(bit->except, flags));
}

static int attr_entry(struct build *build, uint64_t *vector, enum synfw_shape shape, int flags,
		      uint32_t *ret_class)
{
	for (uint32_t i = 0; i < build->bits->count; i++)
		vector_assign(vector, i, attr_matches(&build->bits->bit[i], shape, flags));
	return vectors_add(&build->vectors, SYNFW_FIELD_ATTR, vector, ret_class);
}

int build_attr(struct build *build)
{
	CLEANUP(cleanup_free) uint64_t *vector = vector_new(&build->vectors);
	uint32_t class_id;
	int error;

	if (!vector)
		return -ENOMEM;
	for (uint32_t i = 0; i < build->bits->count; i++)
		build->flag_rules |= bit_constrains(&build->bits->bit[i], SYNFW_FIELD_ATTR);
	error = id_tables_reserve(&build->tables, SYNFW_ATTR_ENTRIES, &build->attr_offset);
	if (error)
		return error;
	/* SYNFW_SHAPE_NORMAL is the first, which makes it class 0: the datapath relies on that */
	for (int shape = 0; shape < SYNFW_NR_SHAPES; shape++) {
		error = attr_entry(build, vector, shape, -1, &class_id);
		if (error)
			return error;
		build->tables.ids[build->attr_offset + SYNFW_ATTR_SHAPE + shape] = class_id;
	}
	for (int flags = 0; build->flag_rules && flags < 256; flags++) {
		error = attr_entry(build, vector, SYNFW_SHAPE_NORMAL, flags, &class_id);
		if (error)
			return error;
		build->tables.ids[build->attr_offset + flags] = class_id;
	}
	return 0;
}
