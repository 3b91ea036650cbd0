/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_TOTALS_H
#define POLICYC_TOTALS_H

/* What is true of all ranges of a family together. */
#include <stdbool.h>

#include "compile/ranges.h"

struct totals {
	size_t nr_ranges;
	address_t
		*addresses; /* of each class, as an address_t counts; of the only one there is 0 */
	uint32_t nr_classes;
	/* of IPv6, in 2000::/3: ranges that begin there, and lists of a root that has such in which
	 * one begins */
	size_t nr_unicast, nr_lists;
};

/* All but `nr_lists`. 0 or -ENOMEM. */
int totals_count(const struct ranges *ranges, struct totals *ret_totals);

/* Does a range of IPv6 begin in 2000::/3? */
bool totals_is_unicast(const struct ranges *ranges, size_t range);

/* In how many lists of the root, of so many bits, do ranges from a place on begin? */
size_t totals_lists(const struct ranges *ranges, size_t begin, uint32_t bits);

/* The class that most addresses have. Of more than one class. */
uint32_t totals_rest(const struct totals *totals);

void totals_done(struct totals *totals);

#endif
