/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "process_tables.h"

#include <stdlib.h>

void process_tables_free(struct process_tables *tables)
{
	if (!tables)
		return;
	free(tables->rules);
	free(tables->vectors);
	free(tables->paths);
	free(tables->patterns);
	free(tables->ids);
	free(tables);
}

void process_tables_freep(struct process_tables **tables)
{
	process_tables_free(*tables);
}
