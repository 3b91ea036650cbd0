/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "source_args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

static int check_address(const char *text, const struct any_prefix *address,
			 enum prefix_error error, struct fault *fault)
{
	bool has_length = strchr(text, '/');

	if (has_length && (error == PREFIX_OK || error == PREFIX_HOST_BITS) && address->family == 4)
		return fault_refuse(fault, EXIT_USAGE,
				    "\"%s\" is a prefix, and blocks and scores go by single "
				    "addresses; a set in the policy holds prefixes",
				    text);
	if (error == PREFIX_HOST_BITS)
		return fault_refuse(fault, EXIT_USAGE,
				    "\"%s\" is neither an address nor a prefix: it has bits beyond "
				    "its length; leave the length out",
				    text);
	if (error != PREFIX_OK)
		return fault_refuse(fault, EXIT_USAGE, "\"%s\" is not an address", text);
	return 0;
}

static int add(struct source_args *args, const char *text, struct fault *fault)
{
	struct any_prefix address = {0};
	enum prefix_error error = prefix_parse(text, strlen(text), &address);
	struct source_arg *items;
	int err = check_address(text, &address, error, fault);

	if (err)
		return err;
	items = reallocarray(args->items, args->count + 1, sizeof(*items));
	if (!items)
		return fault_system(fault, -ENOMEM, "cannot read addresses");
	args->items = items;
	items[args->count] = (struct source_arg){.text = strdup(text), .address = address};
	if (!items[args->count].text)
		return fault_system(fault, -ENOMEM, "cannot read addresses");
	args->count++;
	return 0;
}

static int add_words(struct source_args *args, char *line, struct fault *fault)
{
	char *word, *rest = line;
	int err = 0;

	line[strcspn(line, "#")] = '\0';
	while (!err && (word = strtok_r(rest, " \t\r\n", &rest)))
		err = add(args, word, fault);
	return err;
}

static int add_standard_input(struct source_args *args, struct fault *fault)
{
	CLEANUP(cleanup_free) char *line = NULL;
	size_t room = 0;
	int err = 0;

	while (!err && getline(&line, &room, stdin) >= 0)
		err = add_words(args, line, fault);
	if (!err && ferror(stdin))
		return fault_system(fault, -EIO, "cannot read the standard input");
	return err;
}

int source_args_take(struct source_args *args, char *const *words, size_t count,
		     struct fault *fault)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < count; i++)
		err = strcmp(words[i], "-") ? add(args, words[i], fault)
					    : add_standard_input(args, fault);
	return err;
}

int source_args_resolve(struct source_args *args, uint8_t ipv6_prefixlen, struct fault *fault)
{
	struct source_arg *arg;

	for (arg = args->items; arg < args->items + args->count; arg++) {
		if (arg->address.family == 6 && arg->address.v6.prefixlen != 128 &&
		    arg->address.v6.prefixlen != ipv6_prefixlen)
			return fault_refuse(
				fault, EXIT_USAGE,
				"\"%s\" is no source: the policy in force takes each /%u "
				"of IPv6 as one (scoring.ipv6-prefix)",
				arg->text, ipv6_prefixlen);
		arg->source = source_of(&arg->address, ipv6_prefixlen);
	}
	return 0;
}

void source_args_done(struct source_args *args)
{
	size_t i;

	for (i = 0; i < args->count; i++)
		free(args->items[i].text);
	free(args->items);
	*args = (struct source_args){NULL};
}
