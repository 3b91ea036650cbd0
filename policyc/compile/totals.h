/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_TOTALS_H
#define POLICYC_TOTALS_H

/* What is true of all ranges of a family together. */
#include "compile/ranges.h"

struct totals {
	size_t nr_ranges;
	address_t
		*addresses; /* of each class, as an address_t counts; of the only one there is 0 */
	uint32_t nr_classes;
};

/* 0 or -ENOMEM. */
int totals_count(const struct ranges *ranges, struct totals *ret_totals);

/* The class that most addresses have. Of more than one class. */
uint32_t totals_rest(const struct totals *totals);

void totals_done(struct totals *totals);

#endif
