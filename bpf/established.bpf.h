/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_ESTABLISHED_BPF_H
#define SYNFW_ESTABLISHED_BPF_H

/*
 * Whether a packet that comes in belongs to a connection that this host opened. Nothing here creates
 * a connection or prolongs one: what comes in may be forged.
 */
#include "flow.bpf.h"
#include "maps.bpf.h"
#include "packet.bpf.h"

extern const volatile bool read_only;

#define ICMP_BODY_OFFSET 8 /* of an error: the packet that it is about */

#define ICMP_UNREACHABLE	3
#define ICMP_TIME_EXCEEDED	11
#define ICMP_PARAMETER_PROBLEM	12
#define ICMPV6_ERROR_FIRST	1 /* unreachable, packet too big, time exceeded, parameter problem */
#define ICMPV6_ERROR_LAST	4

static __always_inline struct synfw_flow *flow_find(const struct synfw_flow_key *key, bool udp)
{
	struct synfw_flow *flow = NULL;

	if (udp)
		flow = bpf_map_lookup_elem(&synfw_udp_flows, key);
	if (!flow)
		flow = bpf_map_lookup_elem(&synfw_flows, key);
	return flow;
}

static __always_inline bool flow_is_live(const struct synfw_flow *flow, __u64 now_ns)
{
	return now_ns < synfw_flow_end_ns(flow);
}

/* A packet of it came in. */
static __always_inline void flow_received(struct synfw_flow *flow, enum flow_event event, __u64 now_ns)
{
	if (flow->state == SYNFW_FLOW_CLOSED || read_only)
		return;
	if (event == FLOW_ENDS) {
		flow_close(flow, now_ns);
	} else if (event == FLOW_FINISHES) {
		flow->fin_received = 1;
		if (flow->fin_sent)
			flow_close(flow, now_ns);
		else
			flow->state = SYNFW_FLOW_CLOSING;
	} else if (flow->state == SYNFW_FLOW_OPENING) {
		flow->state = SYNFW_FLOW_ESTABLISHED;
	}
}

static __always_inline void addresses_to_key(const struct packet *pkt, struct synfw_flow_key *key)
{
	if (pkt->family == 4) {
		flow_address4(&key->remote, pkt->src.v4_be);
		flow_address4(&key->local, pkt->dst.v4_be);
	} else {
		__builtin_memcpy(&key->remote, &pkt->src, sizeof(key->remote));
		__builtin_memcpy(&key->local, &pkt->dst, sizeof(key->local));
	}
}

static __always_inline bool is_destination(const struct packet *pkt, const struct synfw_addr6 *address)
{
	const __u32 *word = (const __u32 *)address;
	const __u64 *half = (const __u64 *)address;

	if (pkt->family == 4)
		return word[3] == pkt->dst.v4_be;
	return half[0] == pkt->dst.v6_be[0] && half[1] == pkt->dst.v6_be[1];
}

/* An ICMP error belongs to the connection of the packet that it carries, which its destination must
 * have sent. It changes nothing about it. */
__noinline int packet_error_established(struct xdp_md *ctx, struct packet *pkt)
{
	struct flow_packet inner = {};
	struct synfw_flow *flow;

	if (!pkt ||
	    !flow_parse(ctx, true, pkt->l4_offset + ICMP_BODY_OFFSET, pkt->family == 6, &inner) ||
	    !is_destination(pkt, &inner.key.local))
		return 0;
	flow = flow_find(&inner.key, inner.kind == SYNFW_FLOW_UDP);
	return flow && flow_is_live(flow, bpf_ktime_get_coarse_ns());
}

/* The ports of a packet, and of TCP and SCTP what it says of its connection. False: it can be part of
 * none. */
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
		    bpf_xdp_load_bytes(ctx, pkt->l4_offset + offsetof(struct flow_l4, identifier_be),
				       &key->local_port_be, sizeof(key->local_port_be)))
			return false;
		key->remote_port_be = key->local_port_be;
		return true;
	default:
		return false;
	}
}

/*
 * Neither inlined nor static, as packet_parse_network. A packet that would open a connection, a SYN
 * without ACK, is never part of one: with the ports of an old connection it opens another, and the
 * rules judge that.
 */
__noinline int packet_flow_established(struct xdp_md *ctx, struct packet *pkt)
{
	enum flow_event event = FLOW_GOES_ON;
	struct synfw_flow_key key = {};
	struct synfw_flow *flow;
	__u64 now_ns;

	if (!pkt || !ports_to_key(ctx, pkt, &key, &event) || event == FLOW_OPENS)
		return 0;
	addresses_to_key(pkt, &key);
	key.protocol = pkt->protocol;
	flow = flow_find(&key, pkt->region == SYNFW_L4_UDP);
	if (!flow)
		return 0;
	now_ns = bpf_ktime_get_coarse_ns();
	if (!flow_is_live(flow, now_ns))
		return 0;
	flow_received(flow, event, now_ns);
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
