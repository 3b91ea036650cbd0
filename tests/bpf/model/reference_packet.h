/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_REFERENCE_PACKET_H
#define TESTS_BPF_REFERENCE_PACKET_H

/*
 * The reference model's own packet parser, written from the RFCs and docs/decisions/0002. It shares
 * nothing with bpf/ but the numbers in abi.h, so that the two can disagree.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <synfw/abi.h>

enum reference_kind {
	REFERENCE_IP, /* addresses could be read; see `shape` */
	REFERENCE_ARP,
	REFERENCE_ETHERTYPE, /* neither IPv4 nor IPv6 nor ARP, 802.3 lengths included */
	REFERENCE_TRUNCATED, /* ends before the addresses, or inside the IPv4 options */
	REFERENCE_TOO_MANY_TAGS,
};

#define REFERENCE_PROTO_UNKNOWN 255

struct reference_packet {
	enum reference_kind kind;
	enum synfw_shape shape; /* REFERENCE_IP only, as everything below */
	uint8_t family;		/* 4 or 6 */
	uint8_t saddr[16];	/* network order, IPv4 in the first four bytes */
	uint8_t daddr[16];
	uint16_t vlan; /* id of the outermost tag, SYNFW_VLAN_NONE: untagged */
	uint8_t proto; /* REFERENCE_PROTO_UNKNOWN when the walk did not reach it */
	bool has_ports;
	uint16_t sport, dport; /* host order */
	bool has_icmp_type;
	uint8_t icmp_type;
	bool has_flags; /* a TCP header of normal shape */
	uint8_t flags;
};

/* Never fails: what cannot be read is said in kind and shape. */
struct reference_packet reference_parse(const uint8_t *frame, size_t length);

#endif
