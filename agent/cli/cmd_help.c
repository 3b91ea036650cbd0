/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* synfw help: everything comes from the command table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "base/ui.h"
#include "command.h"

static const char environment_help[] =
	"\nEnvironment: SYNFW_BPFFS (/sys/fs/bpf/synfw), SYNFW_RUN_DIR (/run/synfw), "
	"SYNFW_STATE_DIR\n(/var/lib/synfw), NO_COLOR.\n"
	"Exit codes: 0 done, 1 a truthful no (dropped, different), 2 usage, 3 policy invalid,\n"
	"4 refused for safety, 6 not permitted, 7 kernel refused.\n";

static void print_overview(void)
{
	size_t i;

	printf("%ssynfw%s: a host firewall, enforced by XDP\n\nusage: synfw COMMAND "
	       "[ARGUMENTS]\n\n",
	       ui_style(stdout, UI_BOLD), ui_style(stdout, UI_PLAIN));
	for (i = 0; i < nr_commands; i++)
		printf("  %-8s %-11s %s\n", commands[i].name, commands[i].operands,
		       commands[i].summary);
	fputs("\nStart with: synfw check FILE, then synfw apply FILE --dry-run.\n", stdout);
	fputs(environment_help, stdout);
}

static void print_option(const struct command_option *option)
{
	char left[64], letter[8] = "    ";

	if (option->letter)
		snprintf(letter, sizeof(letter), "-%c, ", option->letter);
	snprintf(left, sizeof(left), "%s--%s%s%s", letter, option->name,
		 option->argument ? " " : "", option->argument ? option->argument : "");
	printf("  %-28s %s\n", left, option->help);
}

static void print_command(const struct command *command)
{
	const struct command_option *option;

	printf("usage: synfw %s %s%s[OPTIONS]\n\n%s%s%s.\n", command->name, command->operands,
	       *command->operands ? " " : "", ui_style(stdout, UI_BOLD), command->summary,
	       ui_style(stdout, UI_PLAIN));
	if (command->details)
		printf("%s\n", command->details);
	putchar('\n');
	for (option = command->options; option->name; option++)
		print_option(option);
}

/* ---- bash completion ---- */

static void print_completion_case(const struct command *command)
{
	const struct command_option *option;

	printf("\t%s)\n\t\toptions=\"", command->name);
	for (option = command->options; option->name; option++)
		printf("%s--%s", option == command->options ? "" : " ", option->name);
	printf("\"\n");
	if (!strcmp(command->completion, "@file"))
		printf("\t\tfiles=1\n");
	else if (!strcmp(command->completion, "@command"))
		printf("\t\twords=\"$commands\"\n");
	else if (*command->completion)
		printf("\t\twords=\"%s\"\n", command->completion);
	printf("\t\t;;\n");
}

static void print_bash_completion(void)
{
	size_t i;

	printf("# bash completion for synfw; made by `synfw help --completion bash`\n"
	       "_synfw()\n{\n"
	       "\tlocal current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
	       "\tlocal commands=\"");
	for (i = 0; i < nr_commands; i++)
		printf("%s%s", i ? " " : "", commands[i].name);
	printf("\"\n\tlocal options=\"\" words=\"\" files=\"\"\n\n"
	       "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	       "\t\tCOMPREPLY=($(compgen -W \"$commands\" -- \"$current\"))\n"
	       "\t\treturn\n\tfi\n"
	       "\tcase $previous in\n"
	       "\t--interface|-i)\n"
	       "\t\tCOMPREPLY=($(compgen -W \"$(ls /sys/class/net)\" -- \"$current\"))\n"
	       "\t\treturn\n\t\t;;\n"
	       "\t--policy|-p|--pcap|-r)\n"
	       "\t\tCOMPREPLY=($(compgen -f -- \"$current\"))\n"
	       "\t\treturn\n\t\t;;\n\tesac\n"
	       "\tcase ${COMP_WORDS[1]} in\n");
	for (i = 0; i < nr_commands; i++)
		print_completion_case(&commands[i]);
	printf("\tesac\n"
	       "\tif [[ $current == -* ]]; then\n"
	       "\t\tCOMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
	       "\telif [ -n \"$files\" ]; then\n"
	       "\t\tCOMPREPLY=($(compgen -f -- \"$current\"))\n"
	       "\telse\n"
	       "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
	       "\tfi\n}\n"
	       "complete -o filenames -F _synfw synfw\n");
}

int cmd_help(const struct invocation *invocation)
{
	const char *shell = option_value(invocation, "completion");
	const struct command *command;
	CLEANUP(cleanup_free) const char **names = NULL;
	size_t i;

	if (shell && strcmp(shell, "bash")) {
		ui_error("no completion for \"%s\"; there is one for bash", shell);
		return EXIT_USAGE;
	}
	if (shell) {
		print_bash_completion();
		return EXIT_DONE;
	}
	if (!invocation->nr_operands) {
		print_overview();
		return EXIT_DONE;
	}
	command = command_find(invocation->operand[0]);
	if (command) {
		print_command(command);
		return EXIT_DONE;
	}
	names = calloc(nr_commands + 1, sizeof(*names));
	for (i = 0; names && i < nr_commands; i++)
		names[i] = commands[i].name;
	if (names)
		command_report_unknown("command", invocation->operand[0], names);
	return EXIT_USAGE;
}
