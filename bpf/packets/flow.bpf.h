/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_FLOW_BPF_H
#define SYNFW_FLOW_BPF_H

/*
 * What tc egress and XDP have in common: reading the headers of a packet that this host sent, which
 * is what goes out, and what an ICMP error carries back; and the life of a connection.
 */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <synfw/abi.h>
#include <synfw/state.h>

#define FLOW_FRAGMENT_OFFSET  0x1fff
#define FLOW_FRAGMENT_OFFSET6 0xfff8
#define IPV6_EXT_BYTES	      4 /* of an extension header, down to the fragment offset */

#define ICMP_ECHO_REPLY	      0
#define ICMP_ECHO_REQUEST     8
#define ICMPV6_ECHO_REQUEST   128
#define ICMPV6_ECHO_REPLY     129

#define TCP_FLAGS_OFFSET      13
#define SCTP_CHUNK_OFFSET     12

/* RFC 9260, 3.2 */
#define SCTP_INIT	       1
#define SCTP_INIT_ACK	       2
#define SCTP_ABORT	       6
#define SCTP_SHUTDOWN	       7
#define SCTP_SHUTDOWN_ACK      8
#define SCTP_SHUTDOWN_COMPLETE 14

/* What a packet means to its connection. */
enum flow_event {
	FLOW_OPENS,   /* a SYN: begins it, or one anew in its place */
	FLOW_ANSWERS, /* a SYN with ACK */
	FLOW_GOES_ON,
	FLOW_FINISHES, /* one side has no more to say */
	FLOW_ENDS,     /* at once */
};

/* A packet of this host: its source is local. */
struct flow_packet {
	struct synfw_flow_tuple tuple;
	__u8 kind;   /* enum synfw_flow_kind */
	__u8 detail; /* TCP: flags; SCTP: first chunk; 0 in an ICMP error, which may not have it */
	__u8 reserved[2];
};
_Static_assert(sizeof(struct flow_packet) == 44, "no holes");

/* The first 8 bytes of any transport header, which is all that an ICMP error has to carry. */
struct flow_l4 {
	__be16 source_be; /* ICMP: type and code */
	__be16 dest_be;
	__be16 identifier_be; /* ICMP echo */
	__be16 rest;
};

static const __u32 flow_timeouts_s[SYNFW_NR_FLOW_KINDS][SYNFW_NR_FLOW_STATES] =
	SYNFW_FLOW_TIMEOUTS_S;

static __always_inline __u64 flow_timeout_ns(__u32 kind, __u32 state)
{
	return flow_timeouts_s[kind % SYNFW_NR_FLOW_KINDS][state % SYNFW_NR_FLOW_STATES] *
	       SYNFW_NS_PER_S;
}

static __always_inline void flow_address4(struct synfw_addr6 *address, __be32 v4_be)
{
	__u32 *word = (__u32 *)address;

	word[0] = 0;
	word[1] = 0;
	word[2] = bpf_htonl(0xffff);
	word[3] = v4_be;
}

/* The halves of an address as they lie in memory. */
struct flow_address {
	__u64 high, low;
};

static __always_inline struct flow_address flow_halves(const struct synfw_addr6 *address)
{
	const __u64 *half = (const __u64 *)address;

	return (struct flow_address){half[0], half[1]};
}

static __always_inline struct flow_address flow_halves4(__be32 v4_be)
{
	return (struct flow_address){0, (__u64)v4_be << 32 | bpf_htonl(0xffff)};
}

static __always_inline void flow_set_key(struct synfw_flow_key *key, struct flow_address remote,
					 struct flow_address local, __u8 protocol)
{
	key->remote = synfw_flow_fold(remote.high, remote.low);
	key->local = synfw_flow_fold(local.high, local.low) + protocol;
}

static __always_inline bool flow_is_of(const struct synfw_flow *flow, struct flow_address remote,
				       struct flow_address local, __u8 protocol)
{
	struct flow_address its_remote = flow_halves(&flow->tuple.remote);
	struct flow_address its_local = flow_halves(&flow->tuple.local);

	return its_remote.low == remote.low && its_local.low == local.low &&
	       its_remote.high == remote.high && its_local.high == local.high &&
	       flow->tuple.protocol == protocol;
}

static __always_inline enum flow_event flow_event(__u32 kind, __u8 detail)
{
	if (kind == SYNFW_FLOW_TCP) {
		if (detail & SYNFW_TCP_RST)
			return FLOW_ENDS;
		if (detail & SYNFW_TCP_SYN)
			return detail & SYNFW_TCP_ACK ? FLOW_ANSWERS : FLOW_OPENS;
		return detail & SYNFW_TCP_FIN ? FLOW_FINISHES : FLOW_GOES_ON;
	}
	if (kind != SYNFW_FLOW_SCTP)
		return FLOW_GOES_ON;
	if (detail == SCTP_INIT)
		return FLOW_OPENS;
	if (detail == SCTP_INIT_ACK)
		return FLOW_ANSWERS;
	if (detail == SCTP_SHUTDOWN || detail == SCTP_SHUTDOWN_ACK)
		return FLOW_FINISHES;
	return detail == SCTP_ABORT || detail == SCTP_SHUTDOWN_COMPLETE ? FLOW_ENDS : FLOW_GOES_ON;
}

static __always_inline void flow_close(struct synfw_flow *flow, __u64 now_ns)
{
	flow->closed_s = now_ns / SYNFW_NS_PER_S;
	flow->state = SYNFW_FLOW_CLOSED;
}

/* By the helpers, which check bounds themselves and read what is not in the linear part, too. */
static __always_inline bool flow_load(void *ctx, bool in_xdp, __u32 offset, void *to, __u32 bytes)
{
	return in_xdp ? !bpf_xdp_load_bytes(ctx, offset, to, bytes)
		      : !bpf_skb_load_bytes(ctx, offset, to, bytes);
}

/* Both return the protocol and move *offset behind the header; 0 for what has no transport header:
 * later fragments, and more extension headers than are walked. */
static __always_inline __u32 flow_parse_ipv4(void *ctx, bool in_xdp, __u32 *offset,
					     struct synfw_flow_tuple *tuple)
{
	struct iphdr ip;

	if (!flow_load(ctx, in_xdp, *offset, &ip, sizeof(ip)) || ip.version != 4 || ip.ihl < 5 ||
	    ip.frag_off & bpf_htons(FLOW_FRAGMENT_OFFSET))
		return 0;
	flow_address4(&tuple->local, ip.saddr);
	flow_address4(&tuple->remote, ip.daddr);
	*offset += ip.ihl * 4;
	return ip.protocol;
}

static __always_inline __u32 flow_parse_ipv6(void *ctx, bool in_xdp, __u32 *offset,
					     struct synfw_flow_tuple *tuple)
{
	__u32 saddr = *offset + offsetof(struct ipv6hdr, saddr);
	__u32 daddr = *offset + offsetof(struct ipv6hdr, daddr);
	__u32 next, i;
	__u8 ext[8]; /* first the fixed header down to its addresses: the stack is small */

	if (!flow_load(ctx, in_xdp, *offset, ext, sizeof(ext)) || ext[0] >> 4 != 6 ||
	    !flow_load(ctx, in_xdp, saddr, &tuple->local, sizeof(tuple->local)) ||
	    !flow_load(ctx, in_xdp, daddr, &tuple->remote, sizeof(tuple->remote)))
		return 0;
	*offset += sizeof(struct ipv6hdr);
	next = ext[offsetof(struct ipv6hdr, nexthdr)];
	for (i = 0; i < SYNFW_MAX_EXT_HEADERS; i++) {
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING &&
		    next != IPPROTO_FRAGMENT && next != IPPROTO_DSTOPTS)
			return next;
		if (!flow_load(ctx, in_xdp, *offset, ext, IPV6_EXT_BYTES))
			return 0;
		if (next != IPPROTO_FRAGMENT)
			*offset += ext[1] * 8;
		else if (*(__be16 *)(ext + 2) & bpf_htons(FLOW_FRAGMENT_OFFSET6))
			return 0;
		*offset += 8;
		next = ext[0];
	}
	return 0;
}

static __always_inline bool flow_parse_l4(void *ctx, bool in_xdp, __u32 offset, __u32 protocol,
					  bool ipv6, struct flow_packet *pkt)
{
	__u8 request = ipv6 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO_REQUEST;
	__u32 detail = 0;
	struct flow_l4 l4;

	if (!flow_load(ctx, in_xdp, offset, &l4, sizeof(l4)))
		return false;
	pkt->tuple.protocol = protocol;
	pkt->tuple.local_port_be = l4.source_be;
	pkt->tuple.remote_port_be = l4.dest_be;
	if (protocol == IPPROTO_TCP) {
		pkt->kind = SYNFW_FLOW_TCP;
		detail = TCP_FLAGS_OFFSET;
	} else if (protocol == IPPROTO_UDP) {
		pkt->kind = SYNFW_FLOW_UDP;
	} else if (protocol == IPPROTO_SCTP) {
		pkt->kind = SYNFW_FLOW_SCTP;
		detail = SCTP_CHUNK_OFFSET;
	} else if (protocol == (ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP) && *(__u8 *)&l4 == request) {
		pkt->kind = SYNFW_FLOW_ICMP;
		pkt->tuple.local_port_be = l4.identifier_be;
		pkt->tuple.remote_port_be = l4.identifier_be;
	} else {
		return false;
	}
	return in_xdp || !detail || flow_load(ctx, in_xdp, offset + detail, &pkt->detail, 1);
}

/* Reads a packet of this host from the IP header at `offset` on: false for what opens nothing and
 * belongs to nothing. *pkt is zeroed by the caller. */
static __always_inline bool flow_parse(void *ctx, bool in_xdp, __u32 offset, bool ipv6,
				       struct flow_packet *pkt)
{
	__u32 protocol = ipv6 ? flow_parse_ipv6(ctx, in_xdp, &offset, &pkt->tuple)
			      : flow_parse_ipv4(ctx, in_xdp, &offset, &pkt->tuple);

	return protocol && flow_parse_l4(ctx, in_xdp, offset, protocol, ipv6, pkt);
}

#endif
