/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_RATES_H
#define POLICYC_RATES_H

/*
 * "200/s", "10/min", "5/h": numbers in a time. The limits keep what the image says of them exact:
 * the shortest interval is 100 ns, which rounding changes by less than 1 %, and the slowest rate is
 * 1/h.
 */
#include "parser.h"

#define MAX_RATE  10000000 /* the number before the slash */
#define MAX_DECAY 1000000  /* the same, of points */
#define MAX_BURST 10000000

/* Both take a struct rate *. */
int parse_rate(struct parser *parser, const struct schema_key *key, const struct node *value,
	       void *target);
int parse_decay(struct parser *parser, const struct schema_key *key, const struct node *value,
		void *target);

/* A whole number from 1 to `max` into a uint32_t *. `what`: "a number of packets". */
int parse_count(struct parser *parser, const struct node *value, const char *what, uint32_t max,
		uint32_t *ret_count);

#endif
