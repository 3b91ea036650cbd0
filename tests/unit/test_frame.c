/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The frames that the shadow program is asked about are ones that a host would send. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#include "unit.h"

#include <datapath/frame.h>
#include <packet_spec.h>

#define ETHERNET 14
#define IPV4	 20
#define IPV6	 40

/* CRC-32C of the SCTP packet that tests build, from an implementation that is not the agent's. */
#define SCTP_CRC "\x3d\xbc\x55\xc9"

static struct frame build(const char *from, const char *to)
{
	struct packet_spec spec;
	struct frame frame;

	packet_spec_init(&spec);
	assert_null(packet_spec_parse_from(from, &spec));
	assert_null(packet_spec_parse_to(to, &spec));
	frame_build(&spec, &frame);
	return frame;
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* The one's complement sum of what a checksum covers, itself included, is all ones. */
static uint32_t sum(uint32_t start, const uint8_t *bytes, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		start += i & 1 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (start >> 16)
		start = (start & 0xffff) + (start >> 16);
	return start;
}

static uint32_t l4_sum(const struct frame *frame, size_t addresses, size_t address_bytes, size_t l4,
		       uint8_t proto)
{
	size_t length = frame->length - l4;
	uint32_t start = sum(proto + (uint32_t)length, frame->bytes + addresses, address_bytes);

	return sum(start, frame->bytes + l4, length);
}

static void ipv4_header_is_complete(void **state)
{
	struct frame frame = build("192.0.2.1:1024", "198.51.100.7:23/tcp");
	const uint8_t *ip = frame.bytes + ETHERNET;

	assert_int_equal(get16(frame.bytes + 12), ETH_P_IP);
	assert_int_equal(ip[0], 0x45);
	assert_int_equal(get16(ip + 2), frame.length - ETHERNET);
	assert_int_equal(ip[9], IPPROTO_TCP);
	assert_memory_equal(ip + 12, "\xc0\x00\x02\x01\xc6\x33\x64\x07", 8);
	assert_int_equal(sum(0, ip, IPV4), 0xffff);
}

static void tcp_is_a_syn_with_a_valid_checksum(void **state)
{
	struct frame frame = build("192.0.2.1", "198.51.100.7:23/tcp");
	const uint8_t *tcp = frame.bytes + ETHERNET + IPV4;

	assert_int_equal(get16(tcp), FRAME_DEFAULT_SPORT);
	assert_int_equal(get16(tcp + 2), 23);
	assert_int_equal(tcp[12] >> 4, 5);
	assert_int_equal(tcp[13], SYNFW_TCP_SYN);
	assert_int_equal(l4_sum(&frame, ETHERNET + 12, 8, ETHERNET + IPV4, IPPROTO_TCP), 0xffff);
}

static void given_flags_and_ports_are_used(void **state)
{
	struct packet_spec spec;
	struct frame frame;

	packet_spec_init(&spec);
	assert_null(packet_spec_parse_from("192.0.2.1:1024", &spec));
	assert_null(packet_spec_parse_to("23/tcp", &spec));
	assert_null(packet_spec_parse_flags("none", &spec));
	frame_build(&spec, &frame);
	assert_int_equal(get16(frame.bytes + ETHERNET + IPV4), 1024);
	assert_int_equal(frame.bytes[ETHERNET + IPV4 + 13], 0);
}

static void ipv6_length_leaves_the_header_out(void **state)
{
	struct frame frame = build("2001:db8::1", "[2001:db8::2]:53/udp");
	const uint8_t *ip = frame.bytes + ETHERNET;

	assert_int_equal(get16(frame.bytes + 12), ETH_P_IPV6);
	assert_int_equal(ip[0] >> 4, 6);
	assert_int_equal(get16(ip + 4), frame.length - ETHERNET - IPV6);
	assert_int_equal(ip[6], IPPROTO_UDP);
	assert_int_equal(get16(ip + IPV6 + 4), frame.length - ETHERNET - IPV6);
	assert_int_equal(l4_sum(&frame, ETHERNET + 8, 32, ETHERNET + IPV6, IPPROTO_UDP), 0xffff);
}

static void icmp_has_its_own_checksum_rules(void **state)
{
	struct frame v4 = build("192.0.2.1", "echo-request/icmp");
	struct frame v6 = build("2001:db8::1", "echo-request/icmpv6");

	assert_int_equal(v4.bytes[ETHERNET + IPV4], 8);
	assert_int_equal(sum(0, v4.bytes + ETHERNET + IPV4, v4.length - ETHERNET - IPV4), 0xffff);
	assert_int_equal(v6.bytes[ETHERNET + IPV6], 128);
	assert_int_equal(l4_sum(&v6, ETHERNET + 8, 32, ETHERNET + IPV6, IPPROTO_ICMPV6), 0xffff);
}

static void neighbour_discovery_has_hop_limit_255(void **state)
{
	struct frame nd = build("fe80::1", "neighbor-solicitation/icmpv6");
	struct frame echo = build("fe80::1", "echo-request/icmpv6");

	assert_int_equal(nd.bytes[ETHERNET + IPV6], 135);
	assert_int_equal(nd.bytes[ETHERNET + 7], 255);
	assert_int_equal(echo.bytes[ETHERNET + 7], 64);
}

static void sctp_carries_the_crc_of_rfc_9260(void **state)
{
	struct frame frame = build("192.0.2.1", "80/sctp");
	const uint8_t *sctp = frame.bytes + ETHERNET + IPV4;

	assert_int_equal(frame.bytes[ETHERNET + 9], IPPROTO_SCTP);
	assert_memory_equal(sctp + 8, SCTP_CRC, 4);
}

static void a_tag_stands_before_the_ethertype(void **state)
{
	struct packet_spec spec;
	struct frame frame;

	packet_spec_init(&spec);
	assert_null(packet_spec_parse_from("192.0.2.1", &spec));
	assert_null(packet_spec_parse_to("gre", &spec));
	spec.vlan = 100;
	frame_build(&spec, &frame);
	assert_int_equal(get16(frame.bytes + 12), ETH_P_8021Q);
	assert_int_equal(get16(frame.bytes + 14), 100);
	assert_int_equal(get16(frame.bytes + 16), ETH_P_IP);
	assert_int_equal(frame.bytes[ETHERNET + 4 + 9], IPPROTO_GRE);
	assert_int_equal(get16(frame.bytes + ETHERNET + 4 + 2), frame.length - ETHERNET - 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_header_is_complete),
		cmocka_unit_test(tcp_is_a_syn_with_a_valid_checksum),
		cmocka_unit_test(given_flags_and_ports_are_used),
		cmocka_unit_test(ipv6_length_leaves_the_header_out),
		cmocka_unit_test(icmp_has_its_own_checksum_rules),
		cmocka_unit_test(neighbour_discovery_has_hop_limit_255),
		cmocka_unit_test(sctp_carries_the_crc_of_rfc_9260),
		cmocka_unit_test(a_tag_stands_before_the_ethertype),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
