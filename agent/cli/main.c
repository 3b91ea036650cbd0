/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* synfw: the command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include <synfw/cleanup.h>

#include "base/ui.h"
#include "command.h"

/* What people try before they know that these are subcommands. */
static const struct {
	const char *given;
	const char *command;
} aliases[] = {
	{"-h", "help"},
	{"--help", "help"},
	{"-V", "version"},
	{"--version", "version"},
};

static const char *resolve_alias(const char *given)
{
	size_t i;

	for (i = 0; i < sizeof(aliases) / sizeof(*aliases); i++)
		if (!strcmp(aliases[i].given, given))
			return aliases[i].command;
	return given;
}

static int unknown_command(const char *name)
{
	CLEANUP(cleanup_free) const char **names = calloc(nr_commands + 1, sizeof(*names));
	size_t i;

	for (i = 0; names && i < nr_commands; i++)
		names[i] = commands[i].name;
	if (names)
		command_report_unknown("command", name, names);
	return EXIT_USAGE;
}

/* Results that did not reach their reader are no success. */
static int flush_results(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	ui_error("cannot write to the standard output");
	return status ? status : EXIT_KERNEL;
}

int main(int argc, char **argv)
{
	const struct command *command;

	/* what it says is kept where a program is loaded, and told with the error */
	libbpf_set_print(NULL);
	if (argc < 2) {
		ui_error("no command; see `synfw help`");
		return EXIT_USAGE;
	}
	command = command_find(resolve_alias(argv[1]));
	if (!command)
		return unknown_command(argv[1]);
	return flush_results(command_run(command, argc - 2, argv + 2));
}
