/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_RANDOM_H
#define TESTS_BPF_RANDOM_H

/* splitmix64 (Steele, Lea, Flood 2014): the same seed gives the same numbers on every machine. */
#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* 0 to n - 1; n must not be 0. The bias of the modulus does not matter to a test. */
static inline uint32_t rng_below(struct rng *rng, uint32_t n)
{
	return (rng_next(rng) >> 32) % n;
}

/* first to last, both included. */
static inline uint32_t rng_between(struct rng *rng, uint32_t first, uint32_t last)
{
	return first + rng_below(rng, last - first + 1);
}

static inline bool rng_percent(struct rng *rng, uint32_t percent)
{
	return rng_below(rng, 100) < percent;
}

#endif
