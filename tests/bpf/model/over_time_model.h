/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_OVER_TIME_MODEL_H
#define TESTS_BPF_OVER_TIME_MODEL_H

/*
 * The exact model of what decides over time: rules by protocol and port only, in their order, over
 * a handful of sources, every sum and every list written out. It knows nothing of hashes, sets,
 * rings and words, and exists to disagree with the program.
 */
#include <stdbool.h>
#include <stdint.h>

#include <synfw/reasons.h>
#include <synfw/state.h>

#define MODEL_MAX_RULES	  12
#define MODEL_MAX_SOURCES 6
#define MODEL_MAX_PORTS	  256
#define MODEL_MAX_EVENTS  4

struct model_rule {
	uint8_t proto; /* TCP or UDP */
	uint16_t first_port, last_port;
	uint32_t score; /* 0: `action` */
	uint8_t action; /* SYNFW_ACTION_ALLOW or _DROP */
	bool monitor;
	uint8_t limit;		    /* enum synfw_limit_kind */
	uint32_t per_second, burst; /* rates; 1e9 is a multiple of per_second */
	uint32_t over;		    /* ports */
	uint64_t within_ns;
	uint64_t block_ns;
	bool adds; /* to set 0 */
	bool log;
};

struct model_policy {
	bool monitor, drops_by_default;
	uint64_t decay; /* points an hour */
	uint32_t flag_at, drop_at;
	uint64_t block_for_ns[3];
	uint64_t member_timeout_ns;
	struct model_rule rules[MODEL_MAX_RULES];
	uint32_t nr_rules;
};

struct model_part {
	uint16_t rule; /* number + 1; 0: unused */
	uint64_t hits, points;
};

struct model_try {
	uint16_t port;
	uint64_t at_ms;
};

/* Of one source for one rule. */
struct model_limit {
	uint64_t tat_ns;
	struct model_try tries[MODEL_MAX_PORTS];
	uint32_t nr_tries;
};

struct model_source {
	bool spared;		 /* protected or exempt */
	unsigned __int128 level; /* SYNFW_SCORE_UNIT a point */
	uint64_t updated_ns;
	struct model_part parts[SYNFW_SCORE_PARTS];
	bool has_block;
	struct synfw_block block;
	uint64_t member_ns; /* expiry in set 0; 0: not there */
	struct model_limit limits[MODEL_MAX_RULES];
};

struct model {
	const struct model_policy *policy;
	struct model_source sources[MODEL_MAX_SOURCES];
	uint64_t rule_tat_ns[MODEL_MAX_RULES];
};

struct model_event {
	uint8_t kind, reason, verdict;
	uint16_t counter;
	uint32_t before, after;
	uint64_t block_expires_ns;
};

/* What one packet comes to. */
struct model_result {
	uint8_t verdict, reason;
	uint32_t score;		/* points that it gives */
	uint32_t before, after; /* of its source */
	uint32_t matched;	/* bit n: rule n counts it */
	struct model_event events[MODEL_MAX_EVENTS];
	uint32_t nr_events;
};

void model_begin(struct model *model, const struct model_policy *policy);
struct model_result model_packet(struct model *model, uint32_t source, uint8_t proto, uint16_t port,
				 uint64_t now_ns);

#endif
