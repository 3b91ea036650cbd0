/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/frame.h"

#include <string.h>

#include "base/must.h"

#define PROTO_ICMP     1
#define PROTO_TCP      6
#define PROTO_UDP      17
#define PROTO_FRAGMENT 44
#define PROTO_ICMPV6   58
#define PROTO_SCTP     132

static uint8_t *append(struct frame *frame, size_t bytes)
{
	uint8_t *at = frame->byte + frame->length;

	MUST(frame->length + bytes <= FRAME_MAX_BYTES);
	memset(at, 0, bytes);
	frame->length += bytes;
	return at;
}

static void put_be16(uint8_t *at, unsigned int value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static unsigned int natural(unsigned int wanted, unsigned int right)
{
	return wanted ? wanted - FRAME_SET(0) : right;
}

size_t frame_transport_bytes(const struct frame_spec *spec)
{
	switch (spec->proto) {
	case PROTO_TCP:
		return 20 + spec->tcp_option_words * 4;
	case PROTO_UDP:
	case PROTO_ICMP:
	case PROTO_ICMPV6:
		return 8;
	case PROTO_SCTP:
		return 12;
	default:
		return 0;
	}
}

static void append_ethernet(const struct frame_spec *spec, struct frame *frame)
{
	static const uint8_t addresses[12] = {0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2};

	memcpy(append(frame, sizeof(addresses)), addresses, sizeof(addresses));
	for (unsigned int i = 0; i < spec->nr_tags; i++) {
		put_be16(append(frame, 2), spec->tags[i].tpid);
		put_be16(append(frame, 2), spec->tags[i].tci);
	}
	put_be16(append(frame, 2), natural(spec->ethertype, spec->family == 4 ? 0x0800 : 0x86dd));
}

static void append_ipv4(const struct frame_spec *spec, struct frame *frame)
{
	unsigned int header_bytes = 20 + spec->option_words * 4U;
	size_t total = header_bytes + frame_transport_bytes(spec) + spec->payload;
	uint8_t *ip = append(frame, header_bytes);

	ip[0] = natural(spec->version, 4) << 4 | natural(spec->ihl, header_bytes / 4);
	put_be16(ip + 2, natural(spec->ip_length, total));
	put_be16(ip + 6, (spec->more_fragments ? 0x2000 : 0) | spec->fragment_offset);
	ip[8] = spec->hop_limit;
	ip[9] = spec->proto;
	memcpy(ip + 12, spec->saddr, 4);
	memcpy(ip + 16, spec->daddr, 4);
	memset(ip + 20, 1, spec->option_words * 4U);
}

static void append_ipv6(const struct frame_spec *spec, struct frame *frame)
{
	uint8_t *ip = append(frame, 40);
	size_t length = frame_transport_bytes(spec) + spec->payload;
	unsigned int fragment_headers = 0;

	for (unsigned int i = 0; i < spec->nr_ext; i++) {
		const struct frame_ext *ext = &spec->ext[i];
		size_t bytes = ext->type == PROTO_FRAGMENT ? 8 : 8 + ext->units * 8U;
		uint8_t *header = append(frame, bytes);

		length += bytes;
		header[0] = i + 1 < spec->nr_ext ? spec->ext[i + 1].type : spec->proto;
		if (ext->type != PROTO_FRAGMENT)
			header[1] = ext->units;
		else if (fragment_headers++ == spec->fragment_at)
			put_be16(header + 2, spec->fragment_offset << 3 | spec->more_fragments);
	}
	ip[0] = natural(spec->version, 6) << 4;
	put_be16(ip + 4, natural(spec->ip_length, length));
	ip[6] = spec->nr_ext ? spec->ext[0].type : spec->proto;
	ip[7] = spec->hop_limit;
	memcpy(ip + 8, spec->saddr, 16);
	memcpy(ip + 24, spec->daddr, 16);
}

static void append_transport(const struct frame_spec *spec, struct frame *frame)
{
	size_t bytes = frame_transport_bytes(spec);
	uint8_t *header = append(frame, bytes);

	switch (spec->proto) {
	case PROTO_TCP:
		header[12] = natural(spec->doff, bytes / 4) << 4;
		header[13] = spec->tcp_flags;
		break;
	case PROTO_UDP:
		put_be16(header + 4, natural(spec->udp_length, bytes + spec->payload));
		break;
	case PROTO_ICMP:
	case PROTO_ICMPV6:
		header[0] = spec->icmp_type;
		return;
	case PROTO_SCTP:
		break;
	default:
		return;
	}
	put_be16(header, spec->sport);
	put_be16(header + 2, spec->dport);
}

void frame_build(const struct frame_spec *spec, struct frame *ret_frame)
{
	ret_frame->length = 0;
	append_ethernet(spec, ret_frame);
	if (spec->family == 4)
		append_ipv4(spec, ret_frame);
	else
		append_ipv6(spec, ret_frame);
	append_transport(spec, ret_frame);
	/* A pattern, so that a parser that reads too far does not find zeros. */
	memset(append(ret_frame, spec->payload), 0x5a, spec->payload);
	memset(append(ret_frame, spec->padding), 0xa5, spec->padding);
}
