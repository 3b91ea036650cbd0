/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_SOURCE_ARGS_H
#define SYNFW_AGENT_SOURCE_ARGS_H

/* Addresses that commands on sources are given. */
#include <stddef.h>

#include "datapath/source.h"

struct source_arg {
	char *text;
	struct any_prefix address;
	struct synfw_addr6 source; /* source_args_resolve() */
};

struct source_args {
	struct source_arg *items;
	size_t count;
};

/* Reads addresses; "-" stands for those of the standard input, apart by white space, where "#"
 * begins a comment. -ECANCELED and a fault that says what is wrong with the first bad one. */
int source_args_take(struct source_args *args, char *const *words, size_t count,
		     struct fault *fault);

/* Which source each address belongs to. A prefix of IPv6 is taken when it is just that of a source,
 * as other commands print it. */
int source_args_resolve(struct source_args *args, uint8_t ipv6_prefixlen, struct fault *fault);

void source_args_done(struct source_args *args);

#endif
