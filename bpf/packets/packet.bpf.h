/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PACKET_BPF_H
#define SYNFW_PACKET_BPF_H

/*
 * Frame to struct packet. One bounds check a header; every header that cannot be judged ends in a
 * shape of its own, never in silence.
 *
 * Only the linear part of a frame is read. Drivers put at least the headers there; a header beyond
 * it counts as truncated, which fails to the side of `defaults.malformed`.
 */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <synfw/abi.h>
#include <synfw/reasons.h>

#define IPV4_FRAGMENT_OFFSET 0x1fff
#define IPV4_MORE_FRAGMENTS  0x2000
#define IPV6_FRAGMENT_OFFSET 0xfff8
#define IPV6_MORE_FRAGMENTS  0x0001
#define PROTOCOL_UNKNOWN     255
#define VLAN_ID_MASK	     0xfff

#define SCTP_HEADER_BYTES    12
#define ICMP_HEADER_BYTES    8
#define ICMPV6_HEADER_BYTES  4
#define ICMPV6_ND_FIRST	     133
#define ICMPV6_ND_LAST	     137
#define ND_HOP_LIMIT	     255

struct vlan_header {
	__be16 tci_be;
	__be16 ethertype_be;
};

struct ipv6_ext_header {
	__u8 next;
	__u8 length;	    /* in 8 bytes, the first 8 not counted (RFC 8200) */
	__be16 fragment_be; /* fragment header only */
	__u8 rest[4];
};

struct l4_ports {
	__be16 source_be;
	__be16 dest_be;
};

union address {
	__be32 v4_be;
	__be64 v6_be[2];
};

struct packet {
	union address src, dst;
	__u32 bytes;	 /* frame; of frames in several buffers what the IP length says at least */
	__u32 l4_offset; /* of the transport header, when has_l4 */
	__u32 l4_left;	 /* bytes that the IP length leaves for the next header */
	__u32 l4_dst;	 /* index into the region: destination port, ICMP type or protocol */
	__u32 l4_src;	 /* index into the region: source port or protocol */
	__u32 vlan;	 /* id of the outermost tag that has one, else SYNFW_VLAN_NONE */
	__u8 family;	 /* 4, 6; 0: no addresses, `reason` says why */
	__u8 reason;	 /* for family 0 */
	__u8 shape;	 /* enum synfw_shape */
	__u8 region;	 /* enum synfw_l4_region */
	__u8 protocol;
	__u8 hop_limit;
	__u8 tcp_flags;
	__u8 first_fragment;
	__u8 jumbo;
	__u8 has_l4;
	__u8 established; /* part of a connection that this host opened */
	__u8 reserved[1];
};

static __always_inline bool has_ports(const struct packet *pkt)
{
	return pkt->region == SYNFW_L4_TCP || pkt->region == SYNFW_L4_UDP ||
	       pkt->region == SYNFW_L4_SCTP;
}

struct cursor {
	void *pos;
	void *end;
};

static __always_inline void packet_unaddressed(struct packet *pkt, __u8 reason)
{
	pkt->family = 0;
	pkt->reason = reason;
}

/* No ports, no type: region PROTO answers, by protocol number. */
static __always_inline void packet_without_l4(struct packet *pkt, __u8 shape)
{
	pkt->shape = shape;
	pkt->region = SYNFW_L4_PROTO;
	pkt->l4_dst = pkt->protocol;
	pkt->l4_src = pkt->protocol;
}

static __always_inline void packet_malformed(struct packet *pkt, __u8 shape)
{
	pkt->protocol = PROTOCOL_UNKNOWN;
	packet_without_l4(pkt, shape);
}

/* Bytes from `pos` to the end of the frame, page fragments included. The helper is only asked when
 * the linear part does not already hold what the IP header claims. */
static __always_inline __u32 frame_left(struct xdp_md *ctx, struct packet *pkt, struct cursor *cur,
					__u32 claimed)
{
	__u32 linear = cur->end - cur->pos;
	__u32 before;

	if (claimed <= linear)
		return linear;
	before = pkt->bytes - linear;
	pkt->bytes = bpf_xdp_get_buff_len(ctx);
	return pkt->bytes - before;
}

static __always_inline void parse_ports(struct packet *pkt, const struct l4_ports *ports,
					__u8 region)
{
	pkt->region = region;
	pkt->l4_src = bpf_ntohs(ports->source_be);
	pkt->l4_dst = bpf_ntohs(ports->dest_be);
}

static __always_inline void parse_tcp(struct packet *pkt, struct cursor *cur)
{
	struct tcphdr *tcp = cur->pos;
	__u32 header_bytes;

	if (pkt->l4_left < sizeof(*tcp) || (void *)(tcp + 1) > cur->end) {
		packet_without_l4(pkt, SYNFW_SHAPE_TRUNCATED);
		return;
	}
	parse_ports(pkt, cur->pos, SYNFW_L4_TCP);
	pkt->tcp_flags = ((__u8 *)tcp)[13];
	header_bytes = tcp->doff * 4;
	if (header_bytes < sizeof(*tcp) || header_bytes > pkt->l4_left)
		pkt->shape = SYNFW_SHAPE_BAD_HEADER;
	else if ((pkt->tcp_flags & SYNFW_TCP_SYN) &&
		 (pkt->tcp_flags & (SYNFW_TCP_FIN | SYNFW_TCP_RST)))
		pkt->shape = SYNFW_SHAPE_BAD_FLAGS;
}

static __always_inline void parse_udp(struct packet *pkt, struct cursor *cur)
{
	struct udphdr *udp = cur->pos;
	__u32 length;

	if (pkt->l4_left < sizeof(*udp) || (void *)(udp + 1) > cur->end) {
		packet_without_l4(pkt, SYNFW_SHAPE_TRUNCATED);
		return;
	}
	length = bpf_ntohs(udp->len);
	if (length < sizeof(*udp) ? !(pkt->jumbo && length == 0) /* RFC 2675, 4 */
				  : length > pkt->l4_left && !pkt->first_fragment) {
		packet_without_l4(pkt, SYNFW_SHAPE_BAD_HEADER);
		return;
	}
	parse_ports(pkt, cur->pos, SYNFW_L4_UDP);
}

static __always_inline void parse_sctp(struct packet *pkt, struct cursor *cur)
{
	if (pkt->l4_left < SCTP_HEADER_BYTES || cur->pos + SCTP_HEADER_BYTES > cur->end)
		packet_without_l4(pkt, SYNFW_SHAPE_TRUNCATED);
	else
		parse_ports(pkt, cur->pos, SYNFW_L4_SCTP);
}

/* The type is the index on both sides; `bytes` is the smallest header of this ICMP. Over the other
 * family's IP it is a protocol like any other: no stack takes it for ICMP. */
static __always_inline void parse_icmp(struct packet *pkt, struct cursor *cur, __u8 family,
				       __u8 region, __u32 bytes)
{
	__u8 *type = cur->pos;

	if (pkt->family != family) {
		packet_without_l4(pkt, SYNFW_SHAPE_NORMAL);
		return;
	}
	if (pkt->l4_left < bytes || cur->pos + bytes > cur->end) {
		packet_without_l4(pkt, SYNFW_SHAPE_TRUNCATED);
		return;
	}
	pkt->region = region;
	pkt->l4_dst = *type;
	pkt->l4_src = pkt->protocol;
	/* RFC 4861, 6.1, 7.1 and 8.1: a hop limit below 255 means it crossed a router, so it was
	 * forged. */
	if (region == SYNFW_L4_ICMPV6 && *type >= ICMPV6_ND_FIRST && *type <= ICMPV6_ND_LAST &&
	    pkt->hop_limit != ND_HOP_LIMIT)
		pkt->shape = SYNFW_SHAPE_BAD_HEADER;
}

/* Two tags, a fixed header and eight extension headers of 2,048 bytes stay below it. */
#define L4_OFFSET_MAX 0x7fff

static __always_inline __u32 offset_of(struct xdp_md *ctx, void *pos)
{
	return pos - (void *)(long)ctx->data;
}

/* Leaves the transport header, at that offset, to packet_parse(). */
static __always_inline void packet_expects_l4(struct packet *pkt, __u32 offset)
{
	pkt->has_l4 = 1;
	pkt->l4_offset = offset;
}

static __always_inline void parse_ipv4(struct xdp_md *ctx, struct packet *pkt, struct cursor *cur)
{
	struct iphdr *ip = cur->pos;
	__u32 header_bytes, total_bytes, fragment;

	if ((void *)(ip + 1) > cur->end) {
		packet_unaddressed(pkt, SYNFW_REASON_TRUNCATED);
		return;
	}
	header_bytes = ip->ihl * 4;
	pkt->family = 4;
	pkt->src.v4_be = ip->saddr;
	pkt->dst.v4_be = ip->daddr;
	if (ip->version == 4 && header_bytes >= sizeof(*ip) && cur->pos + header_bytes > cur->end) {
		packet_malformed(pkt, SYNFW_SHAPE_TRUNCATED);
		return;
	}
	total_bytes = bpf_ntohs(ip->tot_len);
	if (ip->version != 4 || header_bytes < sizeof(*ip) || total_bytes < header_bytes ||
	    total_bytes > frame_left(ctx, pkt, cur, total_bytes)) {
		packet_malformed(pkt, SYNFW_SHAPE_BAD_HEADER);
		return;
	}
	pkt->protocol = ip->protocol;
	pkt->hop_limit = ip->ttl;
	fragment = bpf_ntohs(ip->frag_off);
	if (fragment & IPV4_FRAGMENT_OFFSET) {
		packet_without_l4(pkt, SYNFW_SHAPE_FRAGMENT);
		return;
	}
	pkt->first_fragment = !!(fragment & IPV4_MORE_FRAGMENTS);
	pkt->l4_left = total_bytes - header_bytes;
	packet_expects_l4(pkt, offset_of(ctx, cur->pos + header_bytes));
}

/* The headers that Linux walks over as well; behind any other it delivers nothing. */
static __always_inline bool ipv6_is_ext_header(__u8 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_FRAGMENT ||
	       next == IPPROTO_DSTOPTS;
}

struct ext_walk {
	struct xdp_md *ctx;
	struct packet *pkt;
	__u32 offset; /* of the next header */
	bool judged;  /* the packet is, without a transport header */
};

static __always_inline long ext_header_bad(struct ext_walk *walk, __u8 shape)
{
	packet_malformed(walk->pkt, shape);
	walk->judged = true;
	return 1;
}

/* One extension header. 1: it was the last. */
static long ext_header_step(__u32 index, struct ext_walk *walk)
{
	void *end = (void *)(long)walk->ctx->data_end;
	struct ipv6_ext_header *ext =
		(void *)(long)walk->ctx->data + (walk->offset & L4_OFFSET_MAX);
	struct packet *pkt = walk->pkt;
	__u32 bytes = sizeof(*ext);
	bool fragment;

	if (pkt->l4_left < sizeof(*ext) || (void *)(ext + 1) > end)
		return ext_header_bad(walk, SYNFW_SHAPE_TRUNCATED);
	fragment = pkt->protocol == IPPROTO_FRAGMENT;
	pkt->protocol = ext->next;
	if (fragment && ext->fragment_be & bpf_htons(IPV6_FRAGMENT_OFFSET)) {
		packet_without_l4(pkt, SYNFW_SHAPE_FRAGMENT);
		walk->judged = true;
		return 1;
	}
	if (fragment)
		pkt->first_fragment |= !!(ext->fragment_be & bpf_htons(IPV6_MORE_FRAGMENTS));
	else
		bytes += ext->length * 8;
	if (bytes > pkt->l4_left)
		return ext_header_bad(walk, SYNFW_SHAPE_TRUNCATED);
	pkt->l4_left -= bytes;
	walk->offset += bytes;
	return !ipv6_is_ext_header(pkt->protocol);
}

/* Walks over extension headers, of which one is at `offset`, to the transport header. Few packets
 * have any, so it is a function and a loop of the kernel's, which the verifier goes through once
 * and not for each number of headers. */
__noinline int packet_walk_ext_headers(struct xdp_md *ctx, struct packet *pkt, __u32 offset)
{
	struct ext_walk walk = {.ctx = ctx, .pkt = pkt, .offset = offset};

	if (!pkt)
		return 0;
	bpf_loop(SYNFW_MAX_EXT_HEADERS, ext_header_step, &walk, 0);
	if (walk.judged)
		return 0;
	if (ipv6_is_ext_header(pkt->protocol)) {
		packet_malformed(pkt, SYNFW_SHAPE_TOO_MANY_HEADERS);
		return 0;
	}
	packet_expects_l4(pkt, walk.offset);
	return 0;
}

static __always_inline void parse_ipv6(struct xdp_md *ctx, struct packet *pkt, struct cursor *cur)
{
	struct ipv6hdr *ip = cur->pos;
	__u32 payload_bytes, left;

	if ((void *)(ip + 1) > cur->end) {
		packet_unaddressed(pkt, SYNFW_REASON_TRUNCATED);
		return;
	}
	pkt->family = 6;
	__builtin_memcpy(&pkt->src, &ip->saddr, sizeof(pkt->src));
	__builtin_memcpy(&pkt->dst, &ip->daddr, sizeof(pkt->dst));
	payload_bytes = bpf_ntohs(ip->payload_len);
	pkt->protocol = ip->nexthdr;
	pkt->hop_limit = ip->hop_limit;
	/* RFC 2675: the length is in a hop-by-hop option; what the frame holds bounds it as
	 * well. */
	pkt->jumbo = payload_bytes == 0 && pkt->protocol == IPPROTO_HOPOPTS;
	cur->pos = ip + 1;
	left = frame_left(ctx, pkt, cur, pkt->jumbo ? ~0U : payload_bytes);
	if (ip->version != 6 || payload_bytes > left) {
		packet_malformed(pkt, SYNFW_SHAPE_BAD_HEADER);
		return;
	}
	pkt->l4_left = pkt->jumbo ? left : payload_bytes;
	if (ipv6_is_ext_header(pkt->protocol))
		packet_walk_ext_headers(ctx, pkt, offset_of(ctx, cur->pos));
	else
		packet_expects_l4(pkt, offset_of(ctx, cur->pos));
}

static __always_inline bool ethertype_is_tag(__be16 ethertype_be)
{
	return ethertype_be == bpf_htons(ETH_P_8021Q) || ethertype_be == bpf_htons(ETH_P_8021AD);
}

static __always_inline void parse_network(struct xdp_md *ctx, struct packet *pkt)
{
	struct cursor cur = {
		.pos = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
	struct ethhdr *eth = cur.pos;
	__be16 ethertype_be;
	__u32 id;
	int i;

	pkt->bytes = cur.end - cur.pos;
	pkt->vlan = SYNFW_VLAN_NONE;
	if ((void *)(eth + 1) > cur.end) {
		packet_unaddressed(pkt, SYNFW_REASON_TRUNCATED);
		return;
	}
	ethertype_be = eth->h_proto;
	cur.pos = eth + 1;
	for (i = 0; i < SYNFW_MAX_VLAN_TAGS; i++) {
		struct vlan_header *tag = cur.pos;

		if (!ethertype_is_tag(ethertype_be))
			break;
		if ((void *)(tag + 1) > cur.end) {
			packet_unaddressed(pkt, SYNFW_REASON_TRUNCATED);
			return;
		}
		/* a priority tag (id 0) is no VLAN: Linux strips it and delivers by the next one */
		id = bpf_ntohs(tag->tci_be) & VLAN_ID_MASK;
		if (id && pkt->vlan == SYNFW_VLAN_NONE)
			pkt->vlan = id;
		ethertype_be = tag->ethertype_be;
		cur.pos = tag + 1;
	}
	if (ethertype_be == bpf_htons(ETH_P_IP))
		parse_ipv4(ctx, pkt, &cur);
	else if (ethertype_be == bpf_htons(ETH_P_IPV6))
		parse_ipv6(ctx, pkt, &cur);
	else if (ethertype_be == bpf_htons(ETH_P_ARP))
		packet_unaddressed(pkt, SYNFW_REASON_ARP);
	else if (ethertype_is_tag(ethertype_be))
		packet_unaddressed(pkt, SYNFW_REASON_TOO_MANY_TAGS);
	else
		packet_unaddressed(pkt, SYNFW_REASON_ETHERTYPE);
	/* without an IP length only the kernel knows what lies beyond the linear part */
	if (!pkt->family)
		pkt->bytes = bpf_xdp_get_buff_len(ctx);
}

/* Fills *pkt, which the caller has zeroed. The transport header is found again by its offset,
 * which the verifier does not know, so that all ways down to it are one. */
static __always_inline void packet_parse(struct xdp_md *ctx, struct packet *pkt)
{
	struct cursor cur = {
		.end = (void *)(long)ctx->data_end,
	};

	parse_network(ctx, pkt);
	if (!pkt->has_l4)
		return;
	cur.pos = (void *)(long)ctx->data + (pkt->l4_offset & L4_OFFSET_MAX);
	switch (pkt->protocol) {
	case IPPROTO_TCP:
		parse_tcp(pkt, &cur);
		break;
	case IPPROTO_UDP:
		parse_udp(pkt, &cur);
		break;
	case IPPROTO_SCTP:
		parse_sctp(pkt, &cur);
		break;
	case IPPROTO_ICMP:
		parse_icmp(pkt, &cur, 4, SYNFW_L4_ICMP, ICMP_HEADER_BYTES);
		break;
	case IPPROTO_ICMPV6:
		parse_icmp(pkt, &cur, 6, SYNFW_L4_ICMPV6, ICMPV6_HEADER_BYTES);
		break;
	default:
		packet_without_l4(pkt, SYNFW_SHAPE_NORMAL);
	}
}

#endif
