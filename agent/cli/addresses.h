/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_ADDRESSES_H
#define SYNFW_AGENT_ADDRESSES_H

/* The addresses of a command line or of a stream of lines: in their order, each once, and found by
 * their keys. */
#include <stdio.h>

#include "datapath/members.h"

/* An item's line when it is of the command line. */
#define ADDRESSES_NO_LINE 0

struct address {
	struct synfw_addr6 key;
	uint64_t lifetime_ns; /* that it came with; 0: none of its own */
	uint32_t line;
	bool present, live; /* free for the caller: whether a set has it, and it has not expired */
};

struct addresses {
	struct address *items;
	size_t count;
	uint32_t *slots; /* place of an item + 1; 0: free */
	size_t nr_slots; /* a power of two; there is room for half as many items */
	uint64_t seed;
};

/* Adds one address; what is there already gets the lifetime and stays in its place. What is wrong
 * with the text goes to the user. 0, -EINVAL when it is no address, or -errno. */
int addresses_add(struct addresses *addresses, const char *text);

/* Adds those of a stream: one a line, a duration may follow; '#' and ';' begin comments, as in set
 * files. What is wrong goes to the user, line by line: the first 20, and how many more there are.
 * 0, -EINVAL when something is, -E2BIG for more addresses than all dynamic sets have room for, or
 * -errno. */
int addresses_read(struct addresses *addresses, FILE *stream);

/* NULL: it is not there. */
struct address *addresses_find(const struct addresses *addresses, const struct synfw_addr6 *key);

void addresses_done(struct addresses *addresses);

#endif
