/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_SOURCE_H
#define SYNFW_AGENT_SOURCE_H

/* A source as <synfw/state.h> has it: what scores, blocks and rates go by. */
#include <stdint.h>

#include <prefix.h>
#include <synfw/abi.h>

#include "object.h"

#define SOURCE_TEXT_MAX 64

/* The source that an address belongs to. `ipv6_prefixlen`: synfw_scoring's. */
struct synfw_addr6 source_of(const struct any_prefix *address, uint8_t ipv6_prefixlen);

bool source_is_ipv6(const struct synfw_addr6 *source);

/* "198.51.100.7", "2001:db8:0:1::/64". Returns `out`. */
const char *source_text(const struct synfw_addr6 *source, uint8_t ipv6_prefixlen,
			char out[SOURCE_TEXT_MAX]);

/* IPv4 before IPv6, each by address: for qsort of what begins with a source. */
int source_compare(const void *left, const void *right);

/* Gives a new datapath the secret that places in its tables are chosen by. */
int source_seed(const struct object *object, struct fault *fault);

/* Reads that secret. */
int source_read_seed(const struct object *object, struct fault *fault, uint64_t *ret_seed);

uint64_t source_hash(const struct synfw_addr6 *source, uint64_t seed);

/* Now, on the clock that blocks and scores go by. */
uint64_t source_now(void);

/* A time of that clock as CLOCK_REALTIME. */
uint64_t source_real_time(uint64_t boot_ns);

#endif
