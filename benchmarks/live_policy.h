/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BENCHMARKS_LIVE_POLICY_H
#define BENCHMARKS_LIVE_POLICY_H

/*
 * One policy that drops everything, in the words of several tools, and packets for it: a list of
 * 100,000 prefixes, 10,000 rules (source prefix and destination port, TCP), drop by default. Half
 * of the packets are from the list, a quarter match some rule, a quarter only the default.
 */
#include <stdio.h>

#include "address_set.h"
#include "bpf/flow.h"

#define LIVE_LISTED 100000
#define LIVE_RULES  10000

struct live_policy {
	struct address_set listed, rules;
};

/* 0 or -ENOMEM. */
int live_policy_draw(struct live_policy *ret_policy);
void live_policy_done(struct live_policy *policy);

void live_policy_flows(const struct live_policy *policy, struct flow *ret_flows);

/* synfw's language; the list is in the file `list`, as address_set_write() writes it. */
void live_policy_write_synfw(const struct live_policy *policy, const char *device, const char *list,
			     FILE *out);

/* nftables at the ingress hook, table bench-DEVICE, chain in: the list as an interval set and the
 * rules as a concatenated one, or one rule each. The chain `passed` counts what `in` lets through.
 */
void live_policy_write_nft(const struct live_policy *policy, const char *device, bool plain,
			   FILE *out);

#endif
