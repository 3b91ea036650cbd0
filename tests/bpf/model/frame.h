/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_FRAME_H
#define TESTS_BPF_FRAME_H

/* Builds Ethernet frames, well formed unless the specification asks for something else. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX_BYTES 9216 /* more than a page: its tail is in fragments */
#define FRAME_MAX_TAGS	4
#define FRAME_MAX_EXT	10

/* What may be wrong is 0 for the value that is right, FRAME_SET(value) for another. */
#define FRAME_SET(value) ((value) + 1U)

struct frame {
	uint8_t byte[FRAME_MAX_BYTES];
	size_t length;
};

struct frame_tag {
	uint16_t tpid, tci;
};

/* An IPv6 extension header. `units`: its length in 8 octets, less the first 8. */
struct frame_ext {
	uint8_t type, units;
};

struct frame_spec {
	struct frame_tag tags[FRAME_MAX_TAGS];
	unsigned int nr_tags;
	unsigned int ethertype;	      /* behind the tags; FRAME_SET */
	uint8_t family;		      /* 4 or 6 */
	uint8_t saddr[16], daddr[16]; /* network order, IPv4 in the first four */
	uint8_t proto, hop_limit;
	uint8_t option_words; /* IPv4 options, 0 to 10 */
	struct frame_ext ext[FRAME_MAX_EXT];
	unsigned int nr_ext;
	uint16_t fragment_offset; /* in 8 octets */
	bool more_fragments;
	unsigned int
		fragment_at; /* IPv6: which header of type 44 says so; the others say nothing */
	uint16_t sport, dport;
	uint8_t tcp_flags, icmp_type;
	unsigned int tcp_option_words;
	unsigned int payload; /* bytes behind the transport header */
	unsigned int padding; /* bytes behind the IP packet */
	unsigned int version, ihl, ip_length, doff, udp_length; /* FRAME_SET */
};

/* A plain TCP SYN over IPv4. */
#define FRAME_SPEC_DEFAULT                                                  \
	{                                                                   \
		.family = 4, .proto = 6, .hop_limit = 64, .tcp_flags = 0x02 \
	}

/* Bytes of the transport header that frame_build() writes for a protocol; 0: none. */
size_t frame_transport_bytes(const struct frame_spec *spec);

/* Aborts when the frame does not fit FRAME_MAX_BYTES. */
void frame_build(const struct frame_spec *spec, struct frame *ret_frame);

#endif
