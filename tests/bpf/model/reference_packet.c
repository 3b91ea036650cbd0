/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/reference_packet.h"

#include <string.h>

#define ETHERTYPE_IPV4	 0x0800
#define ETHERTYPE_ARP	 0x0806
#define ETHERTYPE_CTAG	 0x8100
#define ETHERTYPE_IPV6	 0x86dd
#define ETHERTYPE_STAG	 0x88a8

#define PROTO_HOP_BY_HOP 0
#define PROTO_ICMP	 1
#define PROTO_TCP	 6
#define PROTO_UDP	 17
#define PROTO_ROUTING	 43
#define PROTO_FRAGMENT	 44
#define PROTO_ICMPV6	 58
#define PROTO_OPTIONS	 60
#define PROTO_SCTP	 132

/* What lies between the IP header (and its extensions) and the end of the IP packet. */
struct payload {
	const uint8_t *data;
	size_t left;
	uint8_t hop_limit;
	bool first_fragment;
	bool jumbo;
};

static uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void parse_tcp(struct reference_packet *packet, const struct payload *payload)
{
	const uint8_t *tcp = payload->data;
	size_t header_bytes;

	if (payload->left < 20) {
		packet->shape = SYNFW_SHAPE_TRUNCATED;
		return;
	}
	packet->has_ports = true;
	packet->sport = be16(tcp);
	packet->dport = be16(tcp + 2);

	header_bytes = (tcp[12] >> 4) * 4U;
	if (header_bytes < 20 || header_bytes > payload->left) {
		packet->shape = SYNFW_SHAPE_BAD_HEADER;
		return;
	}
	if ((tcp[13] & SYNFW_TCP_SYN) && (tcp[13] & (SYNFW_TCP_FIN | SYNFW_TCP_RST))) {
		packet->shape = SYNFW_SHAPE_BAD_FLAGS;
		return;
	}
	packet->has_flags = true;
	packet->flags = tcp[13];
}

/* RFC 768: the length counts the header. RFC 2675: 0 in a jumbogram. The length of a first fragment
 * is that of the datagram, of which only a part is here. */
static bool udp_length_ok(size_t udp_length, const struct payload *payload)
{
	if (udp_length == 0)
		return payload->jumbo;
	if (udp_length < 8)
		return false;
	return payload->first_fragment || udp_length <= payload->left;
}

static void parse_udp(struct reference_packet *packet, const struct payload *payload)
{
	if (payload->left < 8) {
		packet->shape = SYNFW_SHAPE_TRUNCATED;
		return;
	}
	if (!udp_length_ok(be16(payload->data + 4), payload)) {
		packet->shape = SYNFW_SHAPE_BAD_HEADER;
		return;
	}
	packet->has_ports = true;
	packet->sport = be16(payload->data);
	packet->dport = be16(payload->data + 2);
}

static void parse_sctp(struct reference_packet *packet, const struct payload *payload)
{
	if (payload->left < 12) {
		packet->shape = SYNFW_SHAPE_TRUNCATED;
		return;
	}
	packet->has_ports = true;
	packet->sport = be16(payload->data);
	packet->dport = be16(payload->data + 2);
}

static void parse_icmp(struct reference_packet *packet, const struct payload *payload)
{
	if (payload->left < 8) {
		packet->shape = SYNFW_SHAPE_TRUNCATED;
		return;
	}
	packet->has_icmp_type = true;
	packet->icmp_type = payload->data[0];
}

/* RFC 4861, 6.1 and 7.1: a hop limit below 255 means that a router forwarded it, so it was not sent
 * by a neighbour. Its type is then not believed: `protect: infrastructure` must not match it. */
static void parse_icmpv6(struct reference_packet *packet, const struct payload *payload)
{
	uint8_t type;

	if (payload->left < 4) {
		packet->shape = SYNFW_SHAPE_TRUNCATED;
		return;
	}
	type = payload->data[0];
	if (type >= 133 && type <= 137 && payload->hop_limit != 255) {
		packet->shape = SYNFW_SHAPE_BAD_HEADER;
		return;
	}
	packet->has_icmp_type = true;
	packet->icmp_type = type;
}

static void parse_transport(struct reference_packet *packet, uint8_t proto,
			    const struct payload *payload)
{
	packet->proto = proto;
	switch (proto) {
	case PROTO_TCP:
		parse_tcp(packet, payload);
		break;
	case PROTO_UDP:
		parse_udp(packet, payload);
		break;
	case PROTO_SCTP:
		parse_sctp(packet, payload);
		break;
	case PROTO_ICMP:
		if (packet->family == 4)
			parse_icmp(packet, payload);
		break;
	case PROTO_ICMPV6:
		if (packet->family == 6)
			parse_icmpv6(packet, payload);
		break;
	}
}

static void parse_ipv4(struct reference_packet *packet, const uint8_t *ip, size_t left)
{
	struct payload payload = {};
	size_t header_bytes, total_bytes;
	uint16_t fragment;

	if (left < 20) {
		packet->kind = REFERENCE_TRUNCATED;
		return;
	}
	packet->family = 4;
	memcpy(packet->saddr, ip + 12, 4);
	memcpy(packet->daddr, ip + 16, 4);

	header_bytes = (ip[0] & 0xf) * 4U;
	if (ip[0] >> 4 != 4 || header_bytes < 20) {
		packet->shape = SYNFW_SHAPE_BAD_HEADER;
		return;
	}
	if (header_bytes > left) {
		packet->shape = SYNFW_SHAPE_TRUNCATED;
		return;
	}
	total_bytes = be16(ip + 2);
	if (total_bytes < header_bytes || total_bytes > left) {
		packet->shape = SYNFW_SHAPE_BAD_HEADER;
		return;
	}

	fragment = be16(ip + 6);
	if (fragment & 0x1fff) {
		packet->shape = SYNFW_SHAPE_FRAGMENT;
		packet->proto = ip[9];
		return;
	}
	payload.data = ip + header_bytes;
	payload.left = total_bytes - header_bytes;
	payload.hop_limit = ip[8];
	payload.first_fragment = fragment & 0x2000;
	parse_transport(packet, ip[9], &payload);
}

static bool is_extension_header(uint8_t proto)
{
	switch (proto) {
	case PROTO_HOP_BY_HOP:
	case PROTO_ROUTING:
	case PROTO_FRAGMENT:
	case PROTO_OPTIONS:
		return true;
	}
	return false;
}

/* Walks from `next`, the type of the header at payload->data, to the transport header. */
static void parse_ipv6_chain(struct reference_packet *packet, uint8_t next, struct payload *payload)
{
	unsigned int walked = 0;

	while (is_extension_header(next)) {
		const uint8_t *header = payload->data;
		size_t bytes;

		if (walked++ == SYNFW_MAX_EXT_HEADERS) {
			packet->shape = SYNFW_SHAPE_TOO_MANY_HEADERS;
			return;
		}
		if (payload->left < 8) {
			packet->shape = SYNFW_SHAPE_TRUNCATED;
			return;
		}
		bytes = 8;
		if (next == PROTO_FRAGMENT) {
			uint16_t fragment = be16(header + 2);

			if (fragment & 0xfff8) {
				packet->shape = SYNFW_SHAPE_FRAGMENT;
				packet->proto = header[0];
				return;
			}
			if (fragment & 1)
				payload->first_fragment = true;
		} else {
			bytes += header[1] * 8U;
		}
		if (bytes > payload->left) {
			packet->shape = SYNFW_SHAPE_TRUNCATED;
			return;
		}
		next = header[0];
		payload->data += bytes;
		payload->left -= bytes;
	}
	parse_transport(packet, next, payload);
}

static void parse_ipv6(struct reference_packet *packet, const uint8_t *ip, size_t left)
{
	struct payload payload = {};

	if (left < 40) {
		packet->kind = REFERENCE_TRUNCATED;
		return;
	}
	packet->family = 6;
	memcpy(packet->saddr, ip + 8, 16);
	memcpy(packet->daddr, ip + 24, 16);

	payload.data = ip + 40;
	payload.left = be16(ip + 4);
	payload.hop_limit = ip[7];
	if (payload.left == 0 && ip[6] == PROTO_HOP_BY_HOP) {
		payload.jumbo = true;
		payload.left = left - 40;
	}
	if (ip[0] >> 4 != 6 || payload.left > left - 40) {
		packet->shape = SYNFW_SHAPE_BAD_HEADER;
		return;
	}
	parse_ipv6_chain(packet, ip[6], &payload);
}

static bool is_vlan_tag(uint16_t ethertype)
{
	return ethertype == ETHERTYPE_CTAG || ethertype == ETHERTYPE_STAG;
}

struct reference_packet reference_parse(const uint8_t *frame, size_t length)
{
	struct reference_packet packet = {
		.vlan = SYNFW_VLAN_NONE,
		.proto = REFERENCE_PROTO_UNKNOWN,
	};
	size_t header_bytes = 14;
	unsigned int tags = 0;
	uint16_t ethertype, id;

	if (length < header_bytes) {
		packet.kind = REFERENCE_TRUNCATED;
		return packet;
	}
	ethertype = be16(frame + 12);
	while (is_vlan_tag(ethertype)) {
		if (tags == SYNFW_MAX_VLAN_TAGS) {
			packet.kind = REFERENCE_TOO_MANY_TAGS;
			return packet;
		}
		if (length < header_bytes + 4) {
			packet.kind = REFERENCE_TRUNCATED;
			return packet;
		}
		/* Id 0 is a priority tag, which Linux strips; the next tag says the VLAN. */
		id = be16(frame + header_bytes) & 0xfff;
		if (id != 0 && packet.vlan == SYNFW_VLAN_NONE)
			packet.vlan = id;
		ethertype = be16(frame + header_bytes + 2);
		header_bytes += 4;
		tags++;
	}

	switch (ethertype) {
	case ETHERTYPE_IPV4:
		parse_ipv4(&packet, frame + header_bytes, length - header_bytes);
		break;
	case ETHERTYPE_IPV6:
		parse_ipv6(&packet, frame + header_bytes, length - header_bytes);
		break;
	case ETHERTYPE_ARP:
		packet.kind = REFERENCE_ARP;
		break;
	default:
		packet.kind = REFERENCE_ETHERTYPE;
		break;
	}
	return packet;
}
