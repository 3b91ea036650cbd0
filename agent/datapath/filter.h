/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_FILTER_H
#define SYNFW_AGENT_FILTER_H

/* A filter of addresses in front of a hash map, see <synfw/state.h>: the packet path looks into the
 * map only when the address's bit is set. */
#include <stddef.h>
#include <stdint.h>

#include <synfw/abi.h>

#include "object.h"

struct filter {
	uint64_t *words;   /* the memory that the packet path reads */
	uint64_t nr_words; /* that have a bit for each hash; the summary is behind them */
	uint64_t seed;
};

#define FILTER_NONE           \
	{                     \
		.words = NULL \
	}

/* `map`: one of OBJECT_*_FILTER; of the object it and OBJECT_RUNTIME are used.
 */
int filter_open(const struct object *object, enum object_map map, struct fault *fault,
		struct filter *ret_filter);
void filter_close(struct filter *filter);

/* Before the address goes into the map. Atomic, as the packet path does it: a bit that is lost is
 * an entry that does not hold. */
void filter_add(const struct filter *filter, const struct synfw_addr6 *address);

/* The same of one address, by a filter that is not open: no more of it is mapped than the page of
 * its bit and those of the summary. */
int filter_add_one(const struct object *object, enum object_map map,
		   const struct synfw_addr6 *address, struct fault *fault);

/* Leaves the bits of these addresses and no others; `items`, of `size` bytes each, begin with one.
 * Only where the packet path sets no bits, and by its only writer: bits of addresses that are among
 * them stay set throughout. 0 or -ENOMEM. */
int filter_keep(const struct filter *filter, const void *items, size_t count, size_t size);

#endif
