/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_FRAME_H
#define SYNFW_AGENT_FRAME_H

/* Frames for the shadow program, as a well-behaved host would send them. */
#include <model.h>

#define FRAME_MAX 160

struct frame {
	uint8_t bytes[FRAME_MAX];
	uint32_t length;
};

#define FRAME_DEFAULT_SPORT 49152 /* the first dynamic port, RFC 6335 */

/*
 * Builds the Ethernet frame that a packet_spec describes: an optional VLAN tag, IPv4 or IPv6, and
 * TCP, UDP, SCTP, ICMP, ICMPv6 or twenty bytes of anything else, with correct lengths and
 * checksums. What the spec leaves open: source port FRAME_DEFAULT_SPORT, TCP flags SYN, ICMP echo
 * request. An address that is not given is the unspecified one.
 */
void frame_build(const struct packet_spec *spec, struct frame *ret_frame);

#endif
