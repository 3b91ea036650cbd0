/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_FLOW_H
#define SYNFW_FLOW_H

/* What the datapath remembers of connections, see state.h for the clock. */
#include <synfw/abi.h>

#define SYNFW_MAX_FLOWS 65536 /* connections; as many again of UDP without connect(2) */

/*
 * What this host opened. tc egress writes it, XDP looks up what comes back; no packet that comes
 * in creates or prolongs a connection. Addresses as in the dynamic sets. Of ICMP echo both ports
 * are the identifier.
 *
 * Two LRU hash maps of SYNFW_MAX_FLOWS: synfw_udp_flows has UDP of sockets that are not
 * connected, synfw_flows everything else. A server on this host answers whoever asks it by UDP,
 * forged sources too, and each answer looks like a connection that this host opens: those push
 * out each other, and no TCP connection, ping, or UDP of a connected socket, as resolvers use
 * it. When a map is full the one that was least recently used is forgotten, and what comes back
 * for it is judged by the rules until this host opens it again (TCP) or sends its next packet
 * (UDP).
 */
struct synfw_flow_tuple {
	struct synfw_addr6 remote;
	struct synfw_addr6 local;
	__be16 remote_port_be;
	__be16 local_port_be;
	__u8 protocol;
	__u8 reserved[3];
};
_Static_assert(sizeof(struct synfw_flow_tuple) == 40, "what names a connection");

/*
 * The key is short, as the kernel's hash of 40 bytes costs as much as all else of a look-up: of
 * the addresses it has 32 bits each, and of the local one the protocol is a part. Whoever finds
 * an entry compares its tuple, so that no other connection is taken for it. Of two IPv4
 * connections with the same key (of which one has another protocol) or two of IPv6 (one pair of
 * 2^32 that have the same ports) the later one replaces the earlier.
 */
struct synfw_flow_key {
	__u32 remote;
	__u32 local;
	__be16 remote_port_be;
	__be16 local_port_be;
};
_Static_assert(sizeof(struct synfw_flow_key) == 12, "key of a connection");

/* 32 bits of an address, given as its two halves as they lie in memory; no two IPv4 addresses
 * have the same. The multipliers are those of synfw_source_hash(). */
static inline __u32 synfw_flow_fold(__u64 high, __u64 low)
{
	return ((high * 0xff51afd7ed558ccdULL ^ low) * 0x9e3779b97f4a7c15ULL) >> 32;
}

enum synfw_flow_kind {
	SYNFW_FLOW_TCP = 0,
	SYNFW_FLOW_UDP = 1,
	SYNFW_FLOW_ICMP = 2,	/* echo, of both families */
	SYNFW_FLOW_SCTP = 3,
	SYNFW_NR_FLOW_KINDS,
};

enum synfw_flow_state {
	SYNFW_FLOW_OPENING = 0,		/* nothing came back yet */
	SYNFW_FLOW_ESTABLISHED = 1,
	SYNFW_FLOW_CLOSING = 2,		/* TCP: a FIN was seen; SCTP: a SHUTDOWN */
	SYNFW_FLOW_CLOSED = 3,		/* FINs of both sides, a RST, an ABORT */
	SYNFW_NR_FLOW_STATES,
};

/*
 * Seconds after the last packet that this host sent until a connection ends. The long ones are
 * for those that say nothing for hours, as SSH; TCP 5 days as Linux's own tracking has it, UDP
 * from RFC 4787 (REQ-5), ICMP from RFC 5508 (REQ-2), TCP's closing from RFC 5382 (REQ-5), SCTP
 * 20 heartbeats.
 *
 * CLOSING counts once this host's own FIN was sent; a FIN that comes in may be forged, so until
 * then a connection lasts as an established one. CLOSED counts from closed_s on, whatever is
 * sent.
 */
#define SYNFW_FLOW_CLOSED_S 10
/* clang-format off */
#define SYNFW_FLOW_TIMEOUTS_S {								\
		/*		    opening  established	closing	 closed */	\
		[SYNFW_FLOW_TCP]  = {120,    5 * 24 * 3600,	240,	 SYNFW_FLOW_CLOSED_S},	\
		[SYNFW_FLOW_UDP]  = {120,    300,		300,	 SYNFW_FLOW_CLOSED_S},	\
		[SYNFW_FLOW_ICMP] = {60,     60,		60,	 SYNFW_FLOW_CLOSED_S},	\
		[SYNFW_FLOW_SCTP] = {120,    600,		60,	 SYNFW_FLOW_CLOSED_S},	\
	}
/* clang-format on */

struct synfw_flow {
	struct synfw_flow_tuple tuple;
	__u64 expires_ns;	/* CLOCK_MONOTONIC_COARSE */
	__u8 state;		/* enum synfw_flow_state */
	__u8 fin_sent;		/* TCP: by this host */
	__u8 fin_received;	/* each a byte: its only writer is egress, or XDP */
	__u8 seeded;		/* from a socket that was open when connections began to be tracked */
	__u32 closed_s;		/* CLOSED: since when, on the same clock */
};
_Static_assert(sizeof(struct synfw_flow) == 56, "a connection");

#define SYNFW_NS_PER_S 1000000000ULL

/* From when on nothing belongs to it any more. */
static inline __u64 synfw_flow_end_ns(const struct synfw_flow *flow)
{
	__u64 closed_ns;

	if (flow->state != SYNFW_FLOW_CLOSED)
		return flow->expires_ns;
	closed_ns = ((__u64)flow->closed_s + SYNFW_FLOW_CLOSED_S) * SYNFW_NS_PER_S;
	return closed_ns < flow->expires_ns ? closed_ns : flow->expires_ns;
}

/*
 * synfw_served_udp: bit p of these words, which the agent writes with each policy, is set for
 * the UDP ports that rules open (`to` of rules that allow). What a socket that is not connected
 * sends from such a port is an answer and opens nothing: whoever got one would be established,
 * and free of the limits and scores of the rules before. What comes in for such a port is let in
 * by the rule as before.
 */
#define SYNFW_SERVED_WORDS (65536 / 64)

/*
 * synfw_unconnected_udp: bit p of these words says that the last UDP packet from port p was sent by
 * a socket that is not connected. The packet path looks into the map of such connections first
 * then, and otherwise into the other one first. A hint: what is not found in the one is looked for
 * in the other.
 */
#define SYNFW_UNCONNECTED_WORDS (65536 / 64)

#endif
