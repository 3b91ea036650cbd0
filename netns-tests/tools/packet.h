/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef NETNS_TESTS_PACKET_H
#define NETNS_TESTS_PACKET_H

/* Frames with correct lengths and checksums, from words on a command line. */
#include <stddef.h>
#include <stdint.h>

#define PACKET_MAX  2048
#define PAYLOAD_MAX 64

struct packet_spec {
	uint8_t family; /* 4, 6; 0: a frame of `ethertype` */
	uint8_t src[16], dst[16];
	uint16_t ethertype;
	uint8_t proto;
	uint16_t sport, dport;
	uint8_t type;  /* ICMP, ICMPv6 */
	uint8_t flags; /* TCP */
	uint8_t nr_tags;
	uint16_t vlan[2];	  /* outermost first */
	uint16_t fragment_offset; /* in 8 bytes, IPv4 only */
};

/* "proto=udp,src=192.0.2.1,dst=192.0.2.2,sport=1,dport=53,vlan=10.20,type=8,flags=0x02,
 * ethertype=0x88b5,fragment=100": protocols by number or as tcp, udp, icmp, icmpv6. Ends the
 * program over a word that it does not know. */
void packet_parse(const char *text, struct packet_spec *ret_spec);

/* Builds the frame around a payload of at most PAYLOAD_MAX bytes; returns its length. */
size_t packet_build(const struct packet_spec *spec, const uint8_t src_mac[6],
		    const uint8_t dst_mac[6], const void *payload, size_t length,
		    uint8_t frame[PACKET_MAX]);

#endif
