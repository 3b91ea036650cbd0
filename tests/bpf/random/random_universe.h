/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_RANDOM_UNIVERSE_H
#define TESTS_BPF_RANDOM_UNIVERSE_H

/*
 * The addresses that one random policy is about: a few bases, around which prefixes of all lengths
 * are drawn, so that they nest and overlap instead of lying apart in a vast address space.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <policyc.h>

#include "base/random.h"

#define UNIVERSE_MAX_BASES 256

struct universe {
	struct rng *rng;
	bool hosts_only; /* draw no prefixes: the tables then have no LPM tries */
	size_t nr_bases;
	uint32_t base4[UNIVERSE_MAX_BASES];
	uint8_t base6[UNIVERSE_MAX_BASES][16];
};

/* Bits of the families that something has. */
#define FAMILY_4 1
#define FAMILY_6 2

void universe_init(struct universe *universe, struct rng *rng, size_t nr_bases);

/* A prefix around one of the bases: /4 to /32, /16 to /128. */
struct prefix4 universe_prefix4(const struct universe *universe);
struct prefix6 universe_prefix6(const struct universe *universe);

/* The same as text ("192.0.2.0/24", or without the slash), of one of the families in `families`. */
void universe_prefix_text(const struct universe *universe, unsigned int families, char out[64]);

/* A prefix that none of universe_prefix*() covers or overlaps: number `n` of 256 single hosts. */
const char *universe_guard_text(unsigned int family, unsigned int n, char out[64]);

#endif
