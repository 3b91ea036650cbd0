/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_ESTABLISHED_BPF_H
#define SYNFW_ESTABLISHED_BPF_H

/*
 * Whether a packet that comes in belongs to a connection that this host opened. Nothing here
 * creates a connection or prolongs one: what comes in may be forged.
 */
#include "clock.bpf.h"
#include "flow.bpf.h"
#include "maps.bpf.h"
#include "packet.bpf.h"

extern const volatile bool read_only;

#define ICMP_BODY_OFFSET       8 /* of an error: the packet that it is about */

#define ICMP_UNREACHABLE       3
#define ICMP_TIME_EXCEEDED     11
#define ICMP_PARAMETER_PROBLEM 12
#define ICMPV6_ERROR_FIRST     1 /* unreachable, packet too big, time exceeded, parameter problem */
#define ICMPV6_ERROR_LAST      4

/* CLOCK_MONOTONIC_COARSE. */
static volatile struct tick_clock flow_clock;

static __always_inline __u64 flow_now_ns(void)
{
	return tick_clock_read(&flow_clock, bpf_ktime_get_coarse_ns);
}

static __always_inline bool flow_is_live(const struct synfw_flow *flow)
{
	return flow_now_ns() < synfw_flow_end_ns(flow);
}

static __always_inline struct synfw_flow *flow_find_in(void *map, const struct synfw_flow_key *key,
						       struct flow_address remote,
						       struct flow_address local, __u8 protocol)
{
	struct synfw_flow *flow = bpf_map_lookup_elem(map, key);

	return flow && flow_is_of(flow, remote, local, protocol) && flow_is_live(flow) ? flow
										       : NULL;
}

/* See synfw_unconnected_udp. */
static __always_inline bool port_is_unconnected(__u32 port)
{
	__u32 key = port / 64;
	const __u64 *word = bpf_map_lookup_elem(&synfw_unconnected_udp, &key);

	return word && *(const volatile __u64 *)word >> (port & 63) & 1;
}

/* NULL when it has ended. The ports of *key are set. What a UDP socket sent before it was
 * connected may have ended in the one map while the other has it. */
static __always_inline struct synfw_flow *flow_find(struct synfw_flow_key *key,
						    struct flow_address remote,
						    struct flow_address local, __u8 protocol)
{
	struct synfw_flow *flow;

	flow_set_key(key, remote, local, protocol);
	if (protocol != IPPROTO_UDP)
		return flow_find_in(&synfw_flows, key, remote, local, protocol);
	if (port_is_unconnected(bpf_ntohs(key->local_port_be))) {
		flow = flow_find_in(&synfw_udp_flows, key, remote, local, protocol);
		return flow ? flow : flow_find_in(&synfw_flows, key, remote, local, protocol);
	}
	flow = flow_find_in(&synfw_flows, key, remote, local, protocol);
	return flow ? flow : flow_find_in(&synfw_udp_flows, key, remote, local, protocol);
}

/* A packet of it came in. */
static __always_inline void flow_received(struct synfw_flow *flow, enum flow_event event)
{
	if (flow->state == SYNFW_FLOW_CLOSED || read_only)
		return;
	if (event == FLOW_ENDS) {
		flow_close(flow, flow_now_ns());
	} else if (event == FLOW_FINISHES) {
		flow->fin_received = 1;
		if (flow->fin_sent)
			flow_close(flow, flow_now_ns());
		else
			flow->state = SYNFW_FLOW_CLOSING;
	} else if (flow->state == SYNFW_FLOW_OPENING) {
		flow->state = SYNFW_FLOW_ESTABLISHED;
	}
}

static __always_inline struct flow_address packet_address(const struct packet *pkt,
							  const union address *address)
{
	if (pkt->family == 4)
		return flow_halves4(address->v4_be);
	return (struct flow_address){address->v6_be[0], address->v6_be[1]};
}

/* An ICMP error belongs to the connection of the packet that it carries, which its destination must
 * have sent. It changes nothing about it. */
__noinline int packet_error_established(struct xdp_md *ctx, struct packet *pkt)
{
	struct flow_packet inner = {};
	struct flow_address local, destination;
	struct synfw_flow_key key;

	if (!pkt ||
	    !flow_parse(ctx, true, pkt->l4_offset + ICMP_BODY_OFFSET, pkt->family == 6, &inner))
		return 0;
	local = flow_halves(&inner.tuple.local);
	destination = packet_address(pkt, &pkt->dst);
	if (local.high != destination.high || local.low != destination.low)
		return 0;
	key.remote_port_be = inner.tuple.remote_port_be;
	key.local_port_be = inner.tuple.local_port_be;
	return flow_find(&key, flow_halves(&inner.tuple.remote), local, inner.tuple.protocol) !=
	       NULL;
}

/* The ports of a packet, and of TCP and SCTP what it says of its connection. False: it can be
 * part of none. */
static __always_inline bool ports_to_key(struct xdp_md *ctx, const struct packet *pkt,
					 struct synfw_flow_key *key, enum flow_event *ret_event)
{
	__u8 reply = pkt->region == SYNFW_L4_ICMP ? ICMP_ECHO_REPLY : ICMPV6_ECHO_REPLY;
	__u8 chunk;

	key->remote_port_be = bpf_htons(pkt->l4_src);
	key->local_port_be = bpf_htons(pkt->l4_dst);
	switch (pkt->region) {
	case SYNFW_L4_TCP:
		*ret_event = flow_event(SYNFW_FLOW_TCP, pkt->tcp_flags);
		return true;
	case SYNFW_L4_UDP:
		return true;
	case SYNFW_L4_SCTP:
		if (bpf_xdp_load_bytes(ctx, pkt->l4_offset + SCTP_CHUNK_OFFSET, &chunk, 1))
			return false;
		*ret_event = flow_event(SYNFW_FLOW_SCTP, chunk);
		return true;
	case SYNFW_L4_ICMP:
	case SYNFW_L4_ICMPV6:
		if (pkt->l4_dst != reply ||
		    bpf_xdp_load_bytes(ctx,
				       pkt->l4_offset + offsetof(struct flow_l4, identifier_be),
				       &key->local_port_be, sizeof(key->local_port_be)))
			return false;
		key->remote_port_be = key->local_port_be;
		return true;
	default:
		return false;
	}
}

/* A packet that would open a connection, a SYN without ACK, is never part of one: with the ports
 * of an old connection it opens another, and the rules judge that. */
static __always_inline bool packet_flow_established(struct xdp_md *ctx, struct packet *pkt)
{
	enum flow_event event = FLOW_GOES_ON;
	struct synfw_flow_key key;
	struct synfw_flow *flow;

	if (!ports_to_key(ctx, pkt, &key, &event) || event == FLOW_OPENS)
		return 0;
	flow = flow_find(&key, packet_address(pkt, &pkt->src), packet_address(pkt, &pkt->dst),
			 pkt->protocol);
	if (!flow)
		return 0;
	flow_received(flow, event);
	return 1;
}

static __always_inline bool packet_is_error(const struct packet *pkt)
{
	if (pkt->region == SYNFW_L4_ICMPV6)
		return pkt->l4_dst >= ICMPV6_ERROR_FIRST && pkt->l4_dst <= ICMPV6_ERROR_LAST;
	return pkt->region == SYNFW_L4_ICMP &&
	       (pkt->l4_dst == ICMP_UNREACHABLE || pkt->l4_dst == ICMP_TIME_EXCEEDED ||
		pkt->l4_dst == ICMP_PARAMETER_PROBLEM);
}

static __always_inline bool packet_established(struct xdp_md *ctx, struct packet *pkt)
{
	if (pkt->shape != SYNFW_SHAPE_NORMAL)
		return false;
	return packet_is_error(pkt) ? packet_error_established(ctx, pkt)
				    : packet_flow_established(ctx, pkt);
}

#endif
