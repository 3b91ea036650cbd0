/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_COMMAND_H
#define SYNFW_AGENT_COMMAND_H

/* Subcommands. One table drives dispatch, option parsing, help and bash completion. */
#include <stdbool.h>
#include <stddef.h>

#include "base/paths.h"

#define COMMAND_MAX_OPTIONS 16

struct command_option {
	const char *name;     /* without the dashes; NULL ends a table */
	char letter;	      /* '\0': none */
	const char *argument; /* what --help calls it; NULL: a switch */
	const char *help;
};

struct invocation;

struct command {
	const char *name;
	const char *operands; /* as --help shows them: "FILE" */
	size_t min_operands, max_operands;
	const char *summary;	/* one line */
	const char *details;	/* more lines for `synfw help COMMAND`, or NULL */
	const char *completion; /* words that bash offers as operands; "@file": file names */
	const struct command_option *options;
	int (*run)(const struct invocation *invocation);
};

struct option_values {
	char **value;
	size_t count;
};

struct invocation {
	const struct command *command;
	struct paths paths;
	char **operand;
	size_t nr_operands;
	struct option_values values[COMMAND_MAX_OPTIONS]; /* as command->options */
};

extern const struct command commands[];
extern const size_t nr_commands;

/* NULL: there is none of that name. */
const struct command *command_find(const char *name);

/* Prints that `word` is none of the commands or options, with what is nearest to it. */
void command_report_unknown(const char *what, const char *word, const char *const *candidates);

/* Parses the arguments after the command's name and runs it. Returns the exit code. */
int command_run(const struct command *command, int argc, char **argv);

/* Of an option in the command's table. `option_value` is the last one given, or NULL. */
bool option_given(const struct invocation *invocation, const char *name);
const char *option_value(const struct invocation *invocation, const char *name);
const struct option_values *option_values(const struct invocation *invocation, const char *name);

#define OPTION_JSON                                        \
	{                                                  \
		"json", 'j', NULL, "print one JSON object" \
	}
#define OPTION_HELP                                       \
	{                                                 \
		"help", 'h', NULL, "explain this command" \
	}
#define OPTION_END                  \
	{                           \
		NULL, 0, NULL, NULL \
	}

int cmd_apply(const struct invocation *invocation);
int cmd_block(const struct invocation *invocation);
int cmd_check(const struct invocation *invocation);
int cmd_detach(const struct invocation *invocation);
int cmd_diff(const struct invocation *invocation);
int cmd_events(const struct invocation *invocation);
int cmd_explain(const struct invocation *invocation);
int cmd_help(const struct invocation *invocation);
int cmd_release(const struct invocation *invocation);
int cmd_schema(const struct invocation *invocation);
int cmd_set(const struct invocation *invocation);
int cmd_show(const struct invocation *invocation);
int cmd_status(const struct invocation *invocation);
int cmd_trace(const struct invocation *invocation);
int cmd_unblock(const struct invocation *invocation);
int cmd_version(const struct invocation *invocation);
int cmd_why(const struct invocation *invocation);

#endif
