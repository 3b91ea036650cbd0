/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What synfw is measured against: each program does one thing, the least that does it. User space
 * sizes the maps for the set; a lookup of nothing but the source address, a hit is dropped.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct lpm4_key {
	__u32 prefixlen;
	__be32 addr_be;
};

struct lpm6_key {
	__u32 prefixlen;
	struct in6_addr addr;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lpm4_key);
	__type(value, __u32);
} lpm4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lpm6_key);
	__type(value, __u32);
} lpm6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __be32);
	__type(value, __u32);
} hash4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct in6_addr);
	__type(value, __u32);
} hash6 SEC(".maps");

#define LARGE_ARRAY_ENTRIES (64 << 20 >> 2) /* 64 MiB */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LARGE_ARRAY_ENTRIES);
	__type(key, __u32);
	__type(value, __u32);
} large_array SEC(".maps");

static __always_inline struct iphdr *ipv4_of(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return NULL;
	return ip;
}

static __always_inline struct ipv6hdr *ipv6_of(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct ipv6hdr *ip = (void *)(eth + 1);

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end || eth->h_proto != bpf_htons(ETH_P_IPV6))
		return NULL;
	return ip;
}

SEC("xdp.frags")
int bare(struct xdp_md *ctx)
{
	return XDP_DROP;
}

/* Down to the TCP ports; never XDP_PASS for the packets of the measurements. */
SEC("xdp.frags")
int parse(struct xdp_md *ctx)
{
	struct ipv6hdr *ip6 = ipv6_of(ctx);
	struct iphdr *ip4 = ipv4_of(ctx);
	struct tcphdr *tcp = ip6 ? (void *)(ip6 + 1) : (void *)(ip4 + 1);
	__u8 proto;

	if (!ip4 && !ip6)
		return XDP_PASS;
	proto = ip6 ? ip6->nexthdr : ip4->protocol;
	if (ip4 && ip4->ihl != 5)
		return XDP_PASS;
	if (proto != IPPROTO_TCP || (void *)(tcp + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	return tcp->dest ? XDP_DROP : XDP_PASS;
}

/* The place depends on the mark that each packet bears (flow.bpf.h), not on the set. */
SEC("xdp.frags")
int load(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	__u32 key, *value;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	key = *(__u32 *)eth->h_dest % LARGE_ARRAY_ENTRIES;
	value = bpf_map_lookup_elem(&large_array, &key);
	return value && !*value ? XDP_DROP : XDP_PASS;
}

SEC("xdp.frags")
int lpm_v4(struct xdp_md *ctx)
{
	struct iphdr *ip = ipv4_of(ctx);
	struct lpm4_key key = {.prefixlen = 32};

	if (!ip)
		return XDP_PASS;
	key.addr_be = ip->saddr;
	return bpf_map_lookup_elem(&lpm4, &key) ? XDP_DROP : XDP_PASS;
}

SEC("xdp.frags")
int lpm_v6(struct xdp_md *ctx)
{
	struct ipv6hdr *ip = ipv6_of(ctx);
	struct lpm6_key key = {.prefixlen = 128};

	if (!ip)
		return XDP_PASS;
	key.addr = ip->saddr;
	return bpf_map_lookup_elem(&lpm6, &key) ? XDP_DROP : XDP_PASS;
}

SEC("xdp.frags")
int hash_v4(struct xdp_md *ctx)
{
	struct iphdr *ip = ipv4_of(ctx);
	__be32 key;

	if (!ip)
		return XDP_PASS;
	key = ip->saddr;
	return bpf_map_lookup_elem(&hash4, &key) ? XDP_DROP : XDP_PASS;
}

SEC("xdp.frags")
int hash_v6(struct xdp_md *ctx)
{
	struct ipv6hdr *ip = ipv6_of(ctx);
	struct in6_addr key;

	if (!ip)
		return XDP_PASS;
	key = ip->saddr;
	return bpf_map_lookup_elem(&hash6, &key) ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
