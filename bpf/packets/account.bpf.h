/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_ACCOUNT_BPF_H
#define SYNFW_ACCOUNT_BPF_H

/* Counters: one a packet for its reason and interface, one for each rule that it matched. */
#include "maps.bpf.h"

/* The slot of an interface; 0 for one that apply has not announced. */
static __always_inline __u32 interface_slot(__u32 ifindex)
{
	int i;

	for (i = 0; i < SYNFW_INTERFACE_PROBES; i++) {
		__u32 key = (ifindex + i) % SYNFW_INTERFACE_ENTRIES;
		struct synfw_interface *interface = bpf_map_lookup_elem(&synfw_interfaces, &key);

		if (interface && interface->ifindex == ifindex)
			return interface->slot;
	}
	return 0;
}

static __always_inline void account_packet(__u32 slot, __u32 reason, __u32 bytes, bool dropped)
{
	__u32 key = slot * SYNFW_REASON_STRIDE + reason;
	struct synfw_reason_counter *counter = bpf_map_lookup_elem(&synfw_reason_counters, &key);

	if (!counter)
		return;
	counter->packets++;
	counter->bytes += bytes;
	counter->dropped += dropped;
}

static __always_inline void account_rule(__u32 slot, __u32 bytes, bool would_drop)
{
	struct synfw_rule_counter *counter;

	if (!slot)
		return;
	counter = bpf_map_lookup_elem(&synfw_rule_counters, &slot);
	if (!counter)
		return;
	counter->packets++;
	counter->bytes += bytes;
	counter->would_drop += would_drop;
}

#endif
