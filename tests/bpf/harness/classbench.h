/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_CLASSBENCH_H
#define TESTS_BPF_CLASSBENCH_H

/*
 * Rule sets of the ClassBench benchmark (Taylor and Turner, 2007): reading them, turning one into a
 * policy, and judging a header as the benchmark means it, by a linear scan.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/frame.h"
#include "base/policy_text.h"

#define CLASSBENCH_NO_RULE SIZE_MAX

struct classbench_rule {
	unsigned int line;
	uint32_t src, dst; /* host order */
	uint8_t src_length, dst_length;
	uint16_t sport_first, sport_last, dport_first, dport_last;
	uint8_t proto;
	bool any_proto;
	uint8_t extra, extra_mask; /* TCP flags; the type of ICMP */
};

struct classbench_header {
	uint32_t src, dst;
	uint16_t sport, dport;
	uint8_t proto;
	uint8_t extra; /* TCP flags, ICMP type */
};

struct classbench {
	struct classbench_rule *rules;
	size_t nr_rules;
	struct classbench_header *headers;
	size_t nr_headers;
};

/* Read the text of a rule file or a trace; what is not understood is an error. 0, -EINVAL with the
 * line printed to stderr, or -ENOMEM. */
int classbench_read_rules(struct classbench *set, const char *text);
int classbench_read_trace(struct classbench *set, const char *text);
void classbench_done(struct classbench *set);

/* Writes the policy: allow and drop in turn, so that the verdict tells neighbours apart. A rule
 * whose flags the language says in two rules gets both; `ret_origin` (the caller frees) names the
 * place in the set for each rule of the policy. 0 or -ENOMEM. */
int classbench_policy(const struct classbench *set, struct policy_text *ret_text,
		      uint32_t **ret_origin);

/* The first rule that matches, or CLASSBENCH_NO_RULE. */
size_t classbench_scan(const struct classbench *set, const struct classbench_header *header);
bool classbench_rule_drops(size_t rule);

/* A header as a frame. Ports of protocols without them are left out. */
void classbench_frame(const struct classbench_header *header, struct frame *ret_frame);

#endif
