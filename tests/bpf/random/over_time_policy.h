/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_OVER_TIME_POLICY_H
#define TESTS_BPF_OVER_TIME_POLICY_H

/* Policies that decide over time: drawn at random for the model, and written as text for policyc.
 */
#include "model/over_time_model.h"
#include "base/random.h"

/* The ports that rules of a drawn policy are about. */
#define POLICY_FIRST_PORT 1000
#define POLICY_NR_PORTS	  100

struct policy_frame {
	uint8_t ipv6_prefixlen;
	uint32_t filler_before, filler_after; /* rules that no packet of the test matches */
	const char *protect;		      /* prefix, NULL: nobody is protected */
	uint32_t sample;		      /* 0: 1 */
	const char *limit;		      /* of events; NULL: as good as none */
};

void policy_draw(struct rng *rng, struct model_policy *ret_policy, struct policy_frame *ret_frame);

/* The text; the caller frees. The counter of model rule n is filler_before + n + 1. */
char *policy_write(const struct model_policy *policy, const struct policy_frame *frame);

#endif
