/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/origins.h"

#include <errno.h>
#include <stdlib.h>

void origins_done(struct origins *origins)
{
	free(origins->list);
	*origins = (struct origins){};
}

static bool comes_before(const struct set_prefix *prefix, const struct origin *origin)
{
	if (prefix->first != origin->first)
		return prefix->first < origin->first;
	return prefix->prefixlen < origin->prefixlen;
}

static int origins_append(struct origins *origins, const struct set_prefix *prefix)
{
	if (origins->count == origins->room) {
		uint32_t room = origins->room ? 2 * origins->room : 16;
		struct origin *list = reallocarray(origins->list, room, sizeof(*list));

		if (!list)
			return -ENOMEM;
		origins->list = list;
		origins->room = room;
	}
	origins->list[origins->count++] =
		(struct origin){.first = prefix->first, .prefixlen = prefix->prefixlen};
	return 0;
}

int origins_meet(struct origins *origins, uint32_t class_id, const struct set_prefix *prefix)
{
	if (class_id < origins->count) {
		bool moved = origins->known && comes_before(prefix, &origins->list[class_id]);

		return moved ? -ESTALE : 0;
	}
	return origins->known ? -ESTALE : origins_append(origins, prefix);
}
