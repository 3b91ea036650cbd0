/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BENCHMARKS_BENCH_POLICY_H
#define BENCHMARKS_BENCH_POLICY_H

/* Policies of any size for measurements. The same arguments give the same text. */
#include <stdint.h>

enum bench_shape {
	BENCH_EDGE,	  /* an edge host: ports, prefixes with ports, scanning rules, one service last */
	BENCH_RANDOM,	  /* every rule has a random source, destination, port range and protocol */
	BENCH_CLASSBENCH, /* 5,000 distinct prefixes that rules share, exact ports, as ClassBench draws */
};

/* The text of a policy of `rules` rules, malloc'd; NULL without memory. The last rule allows
 * 443/tcp, and no rule before it matches the packets of bench_packet.c. */
char *bench_policy(enum bench_shape shape, uint32_t rules);

#endif
