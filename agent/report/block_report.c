/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "block_report.h"

#include <stdio.h>
#include <time.h>

#include "base/json.h"
#include "datapath/source.h"

#define NS_PER_S 1000000000ULL

const char *block_time_text(uint64_t boot_ns, char out[BLOCK_TIME_MAX])
{
	time_t seconds = source_real_time(boot_ns) / NS_PER_S;
	struct tm local;

	if (!localtime_r(&seconds, &local) ||
	    !strftime(out, BLOCK_TIME_MAX, "%Y-%m-%d %H:%M:%S %z", &local))
		snprintf(out, BLOCK_TIME_MAX, "?");
	return out;
}

/* Rounded up: what is still in force ends in a second at the least. */
static uint64_t seconds_left(const struct synfw_block *block, uint64_t now_ns)
{
	uint64_t left_ns = block->expires_boot_ns > now_ns ? block->expires_boot_ns - now_ns : 0;

	return (left_ns + NS_PER_S - 1) / NS_PER_S;
}

const char *block_until_text(const struct synfw_block *block, uint64_t now_boot_ns,
			     char out[BLOCK_TIME_MAX])
{
	if (!block->expires_boot_ns)
		snprintf(out, BLOCK_TIME_MAX, "when unblocked");
	else if (!block_is_live(block, now_boot_ns))
		snprintf(out, BLOCK_TIME_MAX, "ended");
	else
		snprintf(out, BLOCK_TIME_MAX, "in %llu s",
			 (unsigned long long)seconds_left(block, now_boot_ns));
	return out;
}

json_t *block_json(const struct blocked *blocked, uint8_t ipv6_prefixlen,
		   const struct rule_names *names, uint64_t now_boot_ns)
{
	const struct synfw_block *block = &blocked->block;
	bool ends = block->expires_boot_ns;
	char source[SOURCE_TEXT_MAX];
	json_t *object;

	/* clang-format off */
	object = json_pack(
		"{s:s, s:s, s:o, s:o, s:o, s:o, s:b, s:s, s:I, s:I, s:o}",
		"source", source_text(&blocked->source, ipv6_prefixlen, source),
		"cause", block_cause_word(block->cause),
		"pid", block->cause == SYNFW_BLOCK_PEER ? json_integer(block->pid) : json_null(),
		"since", json_time(source_real_time(block->since_boot_ns)),
		"until", ends ? json_time(source_real_time(block->expires_boot_ns)) : json_null(),
		"expires_in_s", ends ? json_integer(seconds_left(block, now_boot_ns)) : json_null(),
		"live", block_is_live(block, now_boot_ns),
		"mode", block->flags & SYNFW_BLOCK_MONITOR ? "monitor" : "block",
		"offences", (json_int_t)block->offences,
		"score_then", (json_int_t)block->score,
		"parts", rule_names_parts_json(names, block->part));
	/* clang-format on */
	rule_names_json(names, block->counter, object);
	return object;
}
