/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* synfw schema */
#include <stdio.h>
#include <string.h>

#include <frontend/schema.h>
#include <synfw/cleanup.h>

#include "base/ui.h"
#include "command.h"

int cmd_schema(const struct invocation *invocation)
{
	CLEANUP(cleanup_free) char *text = schema_to_json();

	if (!text) {
		ui_error("out of memory");
		return EXIT_KERNEL;
	}
	fputs(text, stdout);
	if (!*text || text[strlen(text) - 1] != '\n')
		putchar('\n');
	return EXIT_DONE;
}
