/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define IDS_PER_LINE (SYNFW_LINE_BYTES / sizeof(uint32_t))

int id_tables_reserve(struct id_tables *tables, uint32_t count, uint32_t *ret_first)
{
	uint32_t needed = (count + IDS_PER_LINE - 1) / IDS_PER_LINE * IDS_PER_LINE;

	if (tables->room - tables->nr_ids < needed) {
		uint32_t room = tables->nr_ids + needed + tables->room / 2;
		uint32_t *ids = reallocarray(tables->ids, room, sizeof(*ids));

		if (!ids)
			return -ENOMEM;
		tables->ids = ids;
		tables->room = room;
	}
	memset(tables->ids + tables->nr_ids, 0, needed * sizeof(uint32_t));
	*ret_first = tables->nr_ids;
	tables->nr_ids += needed;
	return 0;
}

void id_tables_done(struct id_tables *tables)
{
	free(tables->ids);
	*tables = (struct id_tables){};
}
