/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BENCHMARKS_ADDRESS_SET_H
#define BENCHMARKS_ADDRESS_SET_H

/* Sets of prefixes for measurements: half networks (/24, /48), half hosts (/32, /128), none inside
 * another, so that every tool takes them. The same arguments give the same set. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/random.h"

struct address_prefix {
	uint8_t example[16]; /* an address in it, network order, IPv4 in the first four */
	uint8_t prefixlen;
};

struct address_set {
	uint8_t family; /* 4 or 6 */
	size_t count;
	struct address_prefix *prefix; /* sorted */
};

/* At most 4,000,000. 0, -EINVAL or -ENOMEM. */
int address_set_draw(uint8_t family, size_t count, struct address_set *ret_set);
void address_set_done(struct address_set *set);

bool address_set_contains(const struct address_set *set, const uint8_t addr[16]);

/* The first address of prefix i: with its length, what a longest prefix match takes. */
void address_set_network(const struct address_set *set, size_t i, uint8_t ret_addr[16]);

/* The example of some prefix, so that a table of the examples alone has the same hits; or an
 * address that is not in the set. */
void address_set_pick(const struct address_set *set, struct rng *rng, bool listed,
		      uint8_t ret_addr[16]);

/* One prefix a line, hosts without a length: what `file:` of a set reads. */
void address_set_write(const struct address_set *set, FILE *out);

#endif
