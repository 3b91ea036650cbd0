/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "frame.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <string.h>

#define IPV4_BYTES   20
#define IPV6_BYTES   40
#define TCP_BYTES    20
#define UDP_BYTES    8
#define SCTP_BYTES   32 /* common header and an INIT chunk */
#define ICMP_BYTES   32
#define OTHER_BYTES  20

#define TTL	     64
#define ND_HOP_LIMIT 255 /* RFC 4861: anything else is not neighbour discovery */
#define ND_FIRST     133
#define ND_LAST	     137

static void put16(uint8_t *at, uint16_t value)
{
	value = htons(value);
	memcpy(at, &value, sizeof(value));
}

static uint8_t *append(struct frame *frame, uint32_t length)
{
	uint8_t *at = frame->bytes + frame->length;

	frame->length += length;
	return at;
}

static uint32_t sum16(uint32_t sum, const uint8_t *bytes, uint32_t length)
{
	uint32_t i;

	for (i = 0; i + 1 < length; i += 2)
		sum += bytes[i] << 8 | bytes[i + 1];
	if (length & 1)
		sum += bytes[length - 1] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* RFC 768, 793, 8200: the pseudo header and the segment. */
static uint16_t l4_checksum(const struct packet_spec *spec, uint8_t proto, const uint8_t *segment,
			    uint32_t length)
{
	uint32_t bytes = spec->family == 4 ? 4 : 16;
	uint32_t sum = sum16(0, spec->saddr, bytes);

	sum = sum16(sum, spec->daddr, bytes);
	sum += proto + length;
	return fold(sum16(sum, segment, length));
}

/* RFC 9260, appendix A: reflected CRC-32C over the packet with the checksum as zero. */
static uint32_t crc32c(const uint8_t *bytes, uint32_t length)
{
	uint32_t crc = ~0U, i;
	int bit;

	for (i = 0; i < length; i++) {
		crc ^= bytes[i];
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78U : 0);
	}
	return ~crc;
}

static void put_ports(uint8_t *segment, const struct packet_spec *spec)
{
	put16(segment, spec->sport ? spec->sport : FRAME_DEFAULT_SPORT);
	put16(segment + 2, spec->dport);
}

static void build_tcp(const struct packet_spec *spec, uint8_t *segment)
{
	put_ports(segment, spec);
	segment[12] = TCP_BYTES / 4 << 4;
	segment[13] = spec->has_flags ? spec->flags : SYNFW_TCP_SYN;
	put16(segment + 14, 64240);
	put16(segment + 16, l4_checksum(spec, IPPROTO_TCP, segment, TCP_BYTES));
}

static void build_udp(const struct packet_spec *spec, uint8_t *segment)
{
	uint16_t checksum;

	put_ports(segment, spec);
	put16(segment + 4, UDP_BYTES);
	checksum = l4_checksum(spec, IPPROTO_UDP, segment, UDP_BYTES);
	put16(segment + 6, checksum ? checksum : 0xffff); /* 0 means "none" */
}

static void build_sctp(const struct packet_spec *spec, uint8_t *segment)
{
	uint32_t crc;

	put_ports(segment, spec);
	segment[12] = 1; /* INIT */
	put16(segment + 14, SCTP_BYTES - 12);
	segment[19] = 1;	/* initiate tag */
	put16(segment + 24, 1); /* streams */
	put16(segment + 26, 1);
	crc = crc32c(segment, SCTP_BYTES);
	segment[8] = crc;
	segment[9] = crc >> 8;
	segment[10] = crc >> 16;
	segment[11] = crc >> 24;
}

static uint8_t icmp_type(const struct packet_spec *spec)
{
	if (spec->has_icmp_type)
		return spec->icmp_type;
	return spec->proto == IPPROTO_ICMPV6 ? 128 : 8;
}

static void build_icmp(const struct packet_spec *spec, uint8_t *segment)
{
	segment[0] = icmp_type(spec);
	put16(segment + 2, spec->proto == IPPROTO_ICMPV6
				   ? l4_checksum(spec, IPPROTO_ICMPV6, segment, ICMP_BYTES)
				   : fold(sum16(0, segment, ICMP_BYTES)));
}

static void build_other(const struct packet_spec *spec, uint8_t *segment)
{
	(void)spec;
	(void)segment;
}

struct l4_builder {
	uint8_t proto;
	uint32_t bytes;
	void (*build)(const struct packet_spec *spec, uint8_t *segment);
};

static const struct l4_builder builders[] = {
	{IPPROTO_TCP, TCP_BYTES, build_tcp},	  {IPPROTO_UDP, UDP_BYTES, build_udp},
	{IPPROTO_SCTP, SCTP_BYTES, build_sctp},	  {IPPROTO_ICMP, ICMP_BYTES, build_icmp},
	{IPPROTO_ICMPV6, ICMP_BYTES, build_icmp},
};

static const struct l4_builder other_builder = {0, OTHER_BYTES, build_other};

static const struct l4_builder *find_builder(uint8_t proto)
{
	size_t i;

	for (i = 0; i < sizeof(builders) / sizeof(*builders); i++)
		if (builders[i].proto == proto)
			return &builders[i];
	return &other_builder;
}

static void build_ethernet(const struct packet_spec *spec, struct frame *frame)
{
	static const uint8_t addresses[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};

	memcpy(append(frame, sizeof(addresses)), addresses, sizeof(addresses));
	if (spec->vlan != SYNFW_VLAN_NONE) {
		put16(append(frame, 2), ETH_P_8021Q);
		put16(append(frame, 2), spec->vlan & 0xfff);
	}
	put16(append(frame, 2), spec->family == 4 ? ETH_P_IP : ETH_P_IPV6);
}

static void build_ipv4(const struct packet_spec *spec, uint32_t l4_bytes, struct frame *frame)
{
	uint8_t *header = append(frame, IPV4_BYTES);

	header[0] = 4 << 4 | IPV4_BYTES / 4;
	put16(header + 2, IPV4_BYTES + l4_bytes);
	put16(header + 6, 0x4000); /* do not fragment */
	header[8] = TTL;
	header[9] = spec->proto;
	memcpy(header + 12, spec->saddr, 4);
	memcpy(header + 16, spec->daddr, 4);
	put16(header + 10, fold(sum16(0, header, IPV4_BYTES)));
}

static void build_ipv6(const struct packet_spec *spec, uint32_t l4_bytes, struct frame *frame)
{
	uint8_t *header = append(frame, IPV6_BYTES);
	uint8_t type = icmp_type(spec);

	header[0] = 6 << 4;
	put16(header + 4, l4_bytes);
	header[6] = spec->proto;
	header[7] = spec->proto == IPPROTO_ICMPV6 && type >= ND_FIRST && type <= ND_LAST
			    ? ND_HOP_LIMIT
			    : TTL;
	memcpy(header + 8, spec->saddr, 16);
	memcpy(header + 24, spec->daddr, 16);
}

void frame_build(const struct packet_spec *spec, struct frame *ret_frame)
{
	const struct l4_builder *builder = find_builder(spec->proto);
	struct frame frame = {0};

	build_ethernet(spec, &frame);
	if (spec->family == 4)
		build_ipv4(spec, builder->bytes, &frame);
	else
		build_ipv6(spec, builder->bytes, &frame);
	builder->build(spec, append(&frame, builder->bytes));
	*ret_frame = frame;
}
