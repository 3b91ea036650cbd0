/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <frontend/suggest.h>
#include <synfw/cleanup.h>

#include "base/ui.h"

const struct command *command_find(const char *name)
{
	size_t i;

	for (i = 0; i < nr_commands; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

void command_report_unknown(const char *what, const char *word, const char *const *candidates)
{
	struct suggestion suggestion = suggest_start(word);

	for (; *candidates; candidates++)
		suggest_offer(&suggestion, *candidates);
	if (suggestion.best)
		ui_error("unknown %s \"%s\"; did you mean \"%s\"?", what, word, suggestion.best);
	else
		ui_error("unknown %s \"%s\"; see `synfw help`", what, word);
}

static int option_index(const struct command *command, const char *name, size_t length)
{
	int i;

	for (i = 0; command->options[i].name; i++)
		if (strlen(command->options[i].name) == length &&
		    !strncmp(command->options[i].name, name, length))
			return i;
	return -1;
}

static int letter_index(const struct command *command, char letter)
{
	int i;

	for (i = 0; command->options[i].name; i++)
		if (command->options[i].letter == letter)
			return i;
	return -1;
}

bool option_given(const struct invocation *invocation, const char *name)
{
	return option_values(invocation, name)->count > 0;
}

const char *option_value(const struct invocation *invocation, const char *name)
{
	const struct option_values *values = option_values(invocation, name);

	return values->count ? values->value[values->count - 1] : NULL;
}

const struct option_values *option_values(const struct invocation *invocation, const char *name)
{
	static const struct option_values none;
	int index = option_index(invocation->command, name, strlen(name));

	return index < 0 ? &none : &invocation->values[index];
}

/* ---- parsing ---- */

/* The arguments that have not been looked at. */
struct arguments {
	char **next;
	char **end;
};

static int unknown_option(const struct command *command, const char *given)
{
	char names[COMMAND_MAX_OPTIONS][32];
	const char *candidates[COMMAND_MAX_OPTIONS + 1] = {NULL};
	char what[64];
	int i;

	for (i = 0; command->options[i].name; i++) {
		snprintf(names[i], sizeof(names[i]), "--%s", command->options[i].name);
		candidates[i] = names[i];
	}
	snprintf(what, sizeof(what), "option of `synfw %s`", command->name);
	command_report_unknown(what, given, candidates);
	return EXIT_USAGE;
}

static int add_value(struct option_values *values, char *value)
{
	char **grown = reallocarray(values->value, values->count + 1, sizeof(*grown));

	if (!grown) {
		ui_error("out of memory");
		return EXIT_KERNEL;
	}
	values->value = grown;
	grown[values->count++] = value;
	return EXIT_DONE;
}

/* Stores one option; `value` is what follows '=' or the letter, NULL when nothing does. */
static int store_option(struct invocation *invocation, int index, char *value,
			struct arguments *arguments)
{
	const struct command_option *option = &invocation->command->options[index];

	if (!option->argument && value) {
		ui_error("--%s takes no value, got \"%s\"", option->name, value);
		return EXIT_USAGE;
	}
	if (option->argument && !value) {
		if (arguments->next == arguments->end) {
			ui_error("--%s needs a value: %s", option->name, option->argument);
			return EXIT_USAGE;
		}
		value = *arguments->next++;
	}
	return add_value(&invocation->values[index], value);
}

static int parse_long(struct invocation *invocation, char *argument, struct arguments *arguments)
{
	size_t length = strcspn(argument + 2, "=");
	char *value = argument[2 + length] ? argument + 2 + length + 1 : NULL;
	int index = option_index(invocation->command, argument + 2, length);

	if (index < 0) {
		argument[2 + length] = '\0';
		return unknown_option(invocation->command, argument);
	}
	return store_option(invocation, index, value, arguments);
}

/* "-i eth0", "-ieth0" or several switches: "-jh". */
static int parse_letters(struct invocation *invocation, char *argument, struct arguments *arguments)
{
	char given[3] = "-";
	int index, status = EXIT_DONE;
	char *letter, *rest;

	for (letter = argument + 1; !status && *letter; letter++) {
		index = letter_index(invocation->command, *letter);
		if (index < 0) {
			given[1] = *letter;
			return unknown_option(invocation->command, given);
		}
		if (!invocation->command->options[index].argument) {
			status = store_option(invocation, index, NULL, arguments);
			continue;
		}
		rest = letter[1] ? letter + 1 : NULL;
		return store_option(invocation, index, rest, arguments);
	}
	return status;
}

static int parse_arguments(struct invocation *invocation, struct arguments *arguments)
{
	bool only_operands = false;
	int status = EXIT_DONE;
	char *argument;

	while (!status && arguments->next < arguments->end) {
		argument = *arguments->next++;
		if (only_operands || argument[0] != '-' || !argument[1])
			invocation->operand[invocation->nr_operands++] = argument;
		else if (!strcmp(argument, "--"))
			only_operands = true;
		else if (argument[1] == '-')
			status = parse_long(invocation, argument, arguments);
		else
			status = parse_letters(invocation, argument, arguments);
	}
	return status;
}

static int check_operands(const struct invocation *invocation)
{
	const struct command *command = invocation->command;

	if (invocation->nr_operands >= command->min_operands &&
	    invocation->nr_operands <= command->max_operands)
		return EXIT_DONE;
	if (invocation->nr_operands > command->max_operands)
		ui_error("`synfw %s` does not take \"%s\"; usage: synfw %s %s", command->name,
			 invocation->operand[command->max_operands], command->name,
			 command->operands);
	else
		ui_error("`synfw %s` needs %s; see `synfw help %s`", command->name,
			 command->operands, command->name);
	return EXIT_USAGE;
}

static void invocation_done(struct invocation *invocation)
{
	size_t i;

	for (i = 0; i < COMMAND_MAX_OPTIONS; i++)
		free(invocation->values[i].value);
	free(invocation->operand);
	paths_done(&invocation->paths);
}

int command_run(const struct command *command, int argc, char **argv)
{
	CLEANUP(invocation_done) struct invocation invocation = {.command = command};
	CLEANUP(fault_done) struct fault fault = {0};
	struct arguments arguments = {.next = argv, .end = argv + argc};
	int status;

	invocation.operand = calloc(argc + 1, sizeof(*invocation.operand));
	if (!invocation.operand) {
		ui_error("out of memory");
		return EXIT_KERNEL;
	}
	status = parse_arguments(&invocation, &arguments);
	if (status)
		return status;
	if (option_given(&invocation, "help")) {
		char *name = (char *)command->name;

		return command_run(command_find("help"), 1, &name);
	}
	status = check_operands(&invocation);
	if (status)
		return status;
	if (paths_init(&fault, &invocation.paths))
		return ui_fault(&fault);
	return command->run(&invocation);
}
