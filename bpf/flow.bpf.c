/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tc egress: remembers what this host opens, so that XDP knows what comes back.
 *
 * Always TC_ACT_UNSPEC: the packet goes on to the next filter as if this one were not there.
 * TC_ACT_OK would end the search and switch off filters that others have behind it.
 */
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include "common/shared.bpf.h"
#include "packets/flow.bpf.h"

extern struct flow_map synfw_flows SEC(".maps");
extern struct flow_map synfw_udp_flows SEC(".maps");
extern struct served_map synfw_served_udp SEC(".maps");
extern struct unconnected_map synfw_unconnected_udp SEC(".maps");
extern struct tally_map synfw_tallies SEC(".maps");

/* What is written for every packet makes CPUs fight for its cache line. */
#define REFRESH_NS SYNFW_NS_PER_S

/* Segments that this host sent before it had read a RST do not undo it. */
#define REVIVE_AFTER_S	   1

#define SOCKET_CONNECTED   1 /* TCP_ESTABLISHED, of UDP sockets too */
#define IPV4_MULTICAST_BIT 0xe0

struct vlan_tag {
	__be16 tci_be;
	__be16 ethertype_be;
};

static __always_inline void count_full(void)
{
	__u32 key = SYNFW_TALLY_FLOWS_FULL;
	__u64 *tally = bpf_map_lookup_elem(&synfw_tallies, &key);

	if (tally)
		(*tally)++;
}

static __always_inline void flow_refresh(struct synfw_flow *flow, __u64 expires_ns)
{
	if (expires_ns > flow->expires_ns + REFRESH_NS)
		flow->expires_ns = expires_ns;
}

static __always_inline void flow_begin(struct synfw_flow *flow, __u32 kind, __u64 now_ns)
{
	flow->expires_ns = now_ns + flow_timeout_ns(kind, SYNFW_FLOW_OPENING);
	flow->fin_sent = 0;
	flow->fin_received = 0;
	flow->seeded = 0;
	flow->state = SYNFW_FLOW_OPENING;
}

/* Something other than the beginning or the end was sent. */
static __always_inline void flow_goes_on(struct synfw_flow *flow, __u32 kind, __u64 now_ns)
{
	__u32 state = flow->state;

	if (state == SYNFW_FLOW_CLOSED) {
		__u32 since_s = now_ns / SYNFW_NS_PER_S - flow->closed_s;

		if (flow->fin_sent) {
			/* the last acknowledgements; what has ended stays so */
			if (since_s < SYNFW_FLOW_CLOSED_S && since_s)
				flow_close(flow, now_ns);
			return;
		}
		/* a RST came in, and the socket lives: it was forged */
		if (since_s <= REVIVE_AFTER_S)
			return;
		state = SYNFW_FLOW_ESTABLISHED;
		flow->state = state;
	}
	if (state == SYNFW_FLOW_CLOSING && kind == SYNFW_FLOW_TCP && !flow->fin_sent)
		state = SYNFW_FLOW_ESTABLISHED;
	flow_refresh(flow, now_ns + flow_timeout_ns(kind, state));
}

static __always_inline void flow_finishes(struct synfw_flow *flow, __u32 kind, __u64 now_ns)
{
	bool first = !flow->fin_sent;

	flow->fin_sent = 1;
	if (flow->fin_received) {
		if (first)
			flow_close(flow, now_ns);
		return;
	}
	if (flow->state != SYNFW_FLOW_CLOSED)
		flow->state = SYNFW_FLOW_CLOSING;
	flow->expires_ns = now_ns + flow_timeout_ns(kind, SYNFW_FLOW_CLOSING);
}

/* A packet of a connection that is known was sent. */
static __always_inline void flow_sent(struct synfw_flow *flow, __u32 kind, enum flow_event event,
				      __u64 now_ns)
{
	switch (event) {
	case FLOW_OPENS:
		if (flow->state != SYNFW_FLOW_OPENING)
			flow_begin(flow, kind, now_ns);
		else
			flow_refresh(flow, now_ns + flow_timeout_ns(kind, SYNFW_FLOW_OPENING));
		break;
	case FLOW_ANSWERS:
		/* The other side opens one of its own with these ports, which the rules judge.
		 * While opening: both at once, or seeded half-open. */
		if (flow->state != SYNFW_FLOW_OPENING)
			flow->expires_ns = 0;
		break;
	case FLOW_GOES_ON:
		flow_goes_on(flow, kind, now_ns);
		break;
	case FLOW_FINISHES:
		flow_finishes(flow, kind, now_ns);
		break;
	case FLOW_ENDS:
		flow->fin_sent = 1;
		flow_close(flow, now_ns);
		break;
	}
}

static __always_inline void flow_create(void *map, const struct synfw_flow_key *key,
					const struct flow_packet *pkt, __u64 now_ns)
{
	struct synfw_flow flow = {.tuple = pkt->tuple};

	flow_begin(&flow, pkt->kind, now_ns);
	/* an LRU map makes room; this fails only when every CPU is in the middle of doing so */
	if (bpf_map_update_elem(map, key, &flow, BPF_ANY))
		count_full();
}

/* Nobody answers from a multicast address. */
static __always_inline bool is_multicast(const struct flow_packet *pkt, bool ipv6)
{
	const __u8 *byte = pkt->tuple.remote.byte;

	return ipv6 ? byte[0] == 0xff : byte[12] >= IPV4_MULTICAST_BIT;
}

static __always_inline bool is_connected(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	return sk && sk->state == SOCKET_CONNECTED;
}

/* Do rules open this UDP port of this host? Then it answers, see synfw_served_udp. */
static __always_inline bool is_served(__u32 port)
{
	__u32 key = port / 64;
	const __u64 *word = bpf_map_lookup_elem(&synfw_served_udp, &key);

	return word && *(const volatile __u64 *)word >> (port & 63) & 1;
}

/* Tells the packet path where to look first for what comes back. */
static __always_inline void note_connected(__u32 port, bool connected)
{
	__u32 key = port / 64;
	__u64 *word = bpf_map_lookup_elem(&synfw_unconnected_udp, &key);
	__u64 bit = 1ULL << (port & 63);

	if (!word || !(*(const volatile __u64 *)word & bit) == connected)
		return;
	if (connected)
		__sync_fetch_and_and(word, ~bit);
	else
		__sync_fetch_and_or(word, bit);
}

static __always_inline void flow_record_in(void *map, const struct flow_packet *pkt,
					   enum flow_event event, bool creates)
{
	struct flow_address remote = flow_halves(&pkt->tuple.remote);
	struct flow_address local = flow_halves(&pkt->tuple.local);
	__u64 now_ns = bpf_ktime_get_coarse_ns();
	struct synfw_flow_key key = {.remote_port_be = pkt->tuple.remote_port_be,
				     .local_port_be = pkt->tuple.local_port_be};
	struct synfw_flow *flow;

	flow_set_key(&key, remote, local, pkt->tuple.protocol);
	flow = bpf_map_lookup_elem(map, &key);
	if (flow && flow_is_of(flow, remote, local, pkt->tuple.protocol))
		flow_sent(flow, pkt->kind, event, now_ns);
	else if (creates)
		flow_create(map, &key, pkt, now_ns);
}

static __always_inline void flow_record(struct __sk_buff *skb, __u32 offset, bool ipv6)
{
	struct flow_packet pkt = {};
	enum flow_event event;

	if (!flow_parse(skb, false, offset, ipv6, &pkt) || is_multicast(&pkt, ipv6))
		return;
	if (pkt.kind == SYNFW_FLOW_UDP) {
		__u32 port = bpf_ntohs(pkt.tuple.local_port_be);
		bool connected = is_connected(skb);

		if (!connected && is_served(port))
			return;
		note_connected(port, connected);
		if (!connected) {
			flow_record_in(&synfw_udp_flows, &pkt, FLOW_GOES_ON, true);
			return;
		}
	}
	event = flow_event(pkt.kind, pkt.detail);
	flow_record_in(&synfw_flows, &pkt, event,
		       event == FLOW_OPENS || pkt.kind == SYNFW_FLOW_UDP ||
			       pkt.kind == SYNFW_FLOW_ICMP);
}

SEC("tc")
int synfw_egress(struct __sk_buff *skb)
{
	__u32 offset = sizeof(struct ethhdr), i;
	struct vlan_tag tag;
	__be16 ethertype_be;

	/* a tag in metadata (skb->vlan_present) is not in the frame; one that is there is skipped
	 */
	if (bpf_skb_load_bytes(skb, offsetof(struct ethhdr, h_proto), &ethertype_be,
			       sizeof(ethertype_be)))
		return TC_ACT_UNSPEC;
	for (i = 0; i < SYNFW_MAX_VLAN_TAGS; i++) {
		if (ethertype_be != bpf_htons(ETH_P_8021Q) &&
		    ethertype_be != bpf_htons(ETH_P_8021AD))
			break;
		if (bpf_skb_load_bytes(skb, offset, &tag, sizeof(tag)))
			return TC_ACT_UNSPEC;
		ethertype_be = tag.ethertype_be;
		offset += sizeof(tag);
	}
	if (ethertype_be == bpf_htons(ETH_P_IP))
		flow_record(skb, offset, false);
	else if (ethertype_be == bpf_htons(ETH_P_IPV6))
		flow_record(skb, offset, true);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
