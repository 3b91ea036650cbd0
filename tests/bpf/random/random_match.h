/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_RANDOM_MATCH_H
#define TESTS_BPF_RANDOM_MATCH_H

/* The keys of a random rule: what it matches, and what it excepts. */
#include <stdio.h>

#include "base/random.h"
#include "random/random_universe.h"

#define RANDOM_MAX_SETS 24

struct random_set {
	char name[16];
	unsigned int families;
	bool dynamic;
};

/* What has been written of a policy so far. */
struct random_context {
	struct rng *rng;
	struct universe universe;
	struct random_set sets[RANDOM_MAX_SETS];
	size_t nr_sets;
	const char *icmp;    /* the default */
	unsigned int narrow; /* percent of rules that name both addresses and ports */
	/* What this policy's rules mention at all: without it, a field has no table. */
	bool flags, vlans, interfaces;
	/* Rules may ask for the state (of established packets), and have limits and effects. */
	bool states, established_states, over_time;
};

/* Writes the keys of one rule, `except` included, each on a line indented by four. */
void random_match(struct random_context *context, FILE *out);

/* Writes a list of set names and prefixes in brackets, of the given families. */
void random_addresses(struct random_context *context, FILE *out, unsigned int families);

/* Writes "N/tcp" or "N-M/udp" and the like. */
void random_port(struct random_context *context, FILE *out);

#endif
