/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/outlined.h"

#include <errno.h>
#include <stdlib.h>

#include "large_memory.h"

void outlined_done(struct outlined *outlined)
{
	free(outlined->runs);
	*outlined = (struct outlined){};
}

int outlined_append(struct outlined *outlined, uint32_t first, uint32_t last)
{
	struct outlined_run *before = outlined->count ? &outlined->runs[outlined->count - 1] : NULL;

	if (before && before->last + 1 == first) {
		before->last = last;
		return 0;
	}
	if (outlined->count == outlined->room) {
		size_t room = outlined->room ? 2 * outlined->room : 64;
		struct outlined_run *runs = reallocarray(outlined->runs, room, sizeof(*runs));

		if (!large_memory(runs, room * sizeof(*runs)))
			return -ENOMEM;
		outlined->runs = runs;
		outlined->room = room;
	}
	outlined->runs[outlined->count++] = (struct outlined_run){first, last};
	return 0;
}

uint64_t outlined_total(const struct outlined *outlined)
{
	uint64_t total = 0;

	for (size_t i = 0; i < outlined->count; i++)
		total += outlined->runs[i].last - (uint64_t)outlined->runs[i].first + 1;
	return total;
}
