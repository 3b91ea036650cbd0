/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BENCHMARKS_BPF_FLOW_BPF_H
#define BENCHMARKS_BPF_FLOW_BPF_H

/* Writes the next flow of the array into a frame whose other bytes are ready. One CPU at a time:
 * the position is not shared. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_helpers.h>

#include "flow.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FLOW_COUNT);
	__type(key, __u32);
	__type(value, struct flow);
} flows SEC(".maps");

__u32 flow_position = 0;

/* The first bytes of each header; TCP flags are byte 13 of TCP, payload of the others. */
struct frame4 {
	struct ethhdr eth;
	struct iphdr ip;
	__be16 sport_be, dport_be;
	__u8 l4[16];
} __attribute__((packed));

struct frame6 {
	struct ethhdr eth;
	struct ipv6hdr ip;
} __attribute__((packed));

#define FRAME4_TCP_FLAGS (13 - 4)

static __always_inline const struct flow *flow_next(void)
{
	__u32 key = flow_position++ % FLOW_COUNT;

	return bpf_map_lookup_elem(&flows, &key);
}

/* A word that looks random, whatever the flows are: in the destination MAC, where nothing that is
 * measured looks for anything else. The mixing is that of MurmurHash3. */
static __always_inline void flow_mark(struct ethhdr *eth)
{
	__u32 mark = flow_position;

	mark = (mark ^ mark >> 16) * 0x85ebca6bU;
	mark = (mark ^ mark >> 13) * 0xc2b2ae35U;
	*(__u32 *)eth->h_dest = mark ^ mark >> 16;
}

static __always_inline void flow_write4(struct xdp_md *ctx)
{
	struct frame4 *frame = (void *)(long)ctx->data;
	const struct flow *flow = flow_next();

	if (!flow || (void *)(frame + 1) > (void *)(long)ctx->data_end)
		return;
	flow_mark(&frame->eth);
	frame->ip.saddr = flow->v4.saddr_be;
	frame->ip.daddr = flow->v4.daddr_be;
	frame->ip.protocol = flow->v4.proto;
	frame->sport_be = flow->v4.sport_be;
	frame->dport_be = flow->v4.dport_be;
	frame->l4[FRAME4_TCP_FLAGS] = flow->v4.tcp_flags;
}

static __always_inline void flow_write6(struct xdp_md *ctx)
{
	struct frame6 *frame = (void *)(long)ctx->data;
	const struct flow *flow = flow_next();

	if (!flow || (void *)(frame + 1) > (void *)(long)ctx->data_end)
		return;
	flow_mark(&frame->eth);
	__builtin_memcpy(&frame->ip.saddr, flow->saddr6, sizeof(flow->saddr6));
}

#endif
