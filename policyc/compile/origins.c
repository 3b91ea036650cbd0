/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/origins.h"

#include <errno.h>
#include <stdlib.h>

void origins_done(struct origins *origins)
{
	free(origins->list);
	*origins = (struct origins){};
}

static bool comes_before(const struct origin *origin, const struct origin *other)
{
	if (origin->first != other->first)
		return origin->first < other->first;
	return origin->prefixlen < other->prefixlen;
}

static int origins_append(struct origins *origins, const struct origin *origin)
{
	if (origins->count == origins->room) {
		uint32_t room = origins->room ? 2 * origins->room : 16;
		struct origin *list = reallocarray(origins->list, room, sizeof(*list));

		if (!list)
			return -ENOMEM;
		origins->list = list;
		origins->room = room;
	}
	origins->list[origins->count++] = *origin;
	return 0;
}

int origins_meet(struct origins *origins, uint32_t class_id, const struct set_prefix *prefix)
{
	const struct origin origin = {.first = prefix->first, .prefixlen = prefix->prefixlen};
	uint32_t place = class_id - origins->base;

	if (class_id < origins->base)
		return 0;
	if (place >= origins->count)
		return origins->known ? -ESTALE : origins_append(origins, &origin);
	if (origins->known && comes_before(&origin, &origins->list[place]))
		origins->list[place] = origin;
	return 0;
}

void origins_forget(struct origins *origins, uint32_t class_id)
{
	origins->list[class_id - origins->base] =
		(struct origin){.first = ~(address_t)0, .prefixlen = UINT8_MAX};
}

bool origins_have(const struct origins *origins, uint32_t class_id, address_t before)
{
	const struct origin *origin = &origins->list[class_id - origins->base];

	return origin->prefixlen != UINT8_MAX && origin->first < before;
}

bool origins_are_ordered(const struct origins *origins)
{
	/* class 0 comes up before all prefixes */
	for (uint32_t i = origins->base ? 1 : 2; i < origins->count; i++)
		if (!comes_before(&origins->list[i - 1], &origins->list[i]))
			return false;
	return true;
}
