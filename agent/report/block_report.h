/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_BLOCK_REPORT_H
#define SYNFW_AGENT_BLOCK_REPORT_H

/* A block in words and in JSON, as `show blocks` and `why` have it. */
#include "policy/rule_names.h"
#include "sources/blocks.h"

#define BLOCK_TIME_MAX 48

/* A time of CLOCK_BOOTTIME in the local time zone. Returns `out`. */
const char *block_time_text(uint64_t boot_ns, char out[BLOCK_TIME_MAX]);

/* "in 3599 s", "when unblocked" for never, "ended". Returns `out`. */
const char *block_until_text(const struct synfw_block *block, uint64_t now_boot_ns,
			     char out[BLOCK_TIME_MAX]);

/* *source*, *cause*, *rule*, *file*, *line*, *since*, *until*, *expires_in_s*, *live*, *mode*,
 * *offences*, *score_then*, *parts*. */
json_t *block_json(const struct blocked *blocked, uint8_t ipv6_prefixlen,
		   const struct rule_names *names, uint64_t now_boot_ns);

#endif
