/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "unit.h"

#include <packet_spec.h>

static struct packet_spec read_spec(const char *from, const char *to)
{
	struct packet_spec spec;

	packet_spec_init(&spec);
	assert_null(packet_spec_parse_from(from, &spec));
	assert_null(packet_spec_parse_to(to, &spec));
	assert_null(packet_spec_check(&spec));
	return spec;
}

static void reads_sources_with_and_without_port(void **state)
{
	static const uint8_t loopback[16] = {[15] = 1};
	struct packet_spec spec = read_spec("192.0.2.1", "22/tcp");

	assert_int_equal(spec.family, 4);
	assert_memory_equal(spec.saddr, "\xc0\x00\x02\x01", 4);
	assert_int_equal(spec.sport, 0);
	assert_int_equal(read_spec("192.0.2.1:1024", "22/tcp").sport, 1024);
	spec = read_spec("::1", "22/tcp");
	assert_int_equal(spec.family, 6);
	assert_memory_equal(spec.saddr, loopback, 16);
	spec = read_spec("[::1]:53", "22/tcp");
	assert_int_equal(spec.sport, 53);
	assert_memory_equal(spec.saddr, loopback, 16);
	assert_int_equal(read_spec("[::1]", "22/tcp").sport, 0);
}

static void reads_destinations(void **state)
{
	struct packet_spec spec = read_spec("192.0.2.1", "198.51.100.7:443/udp");

	assert_true(spec.has_daddr);
	assert_memory_equal(spec.daddr, "\xc6\x33\x64\x07", 4);
	assert_int_equal(spec.proto, 17);
	assert_int_equal(spec.dport, 443);
	spec = read_spec("2001:db8::1", "[2001:db8::2]:80/tcp");
	assert_true(spec.has_daddr);
	assert_int_equal(spec.daddr[15], 2);
	assert_false(read_spec("192.0.2.1", "gre").has_daddr);
	assert_int_equal(read_spec("192.0.2.1", "192.0.2.2:gre").proto, 47);
	assert_int_equal(read_spec("192.0.2.1", "0/sctp").proto, 132);
}

static void reads_icmp_types_by_name_and_number(void **state)
{
	struct packet_spec spec = read_spec("192.0.2.1", "echo-request/icmp");

	assert_true(spec.has_icmp_type);
	assert_int_equal(spec.icmp_type, 8);
	assert_int_equal(read_spec("::1", "echo-request/icmpv6").icmp_type, 128);
	assert_int_equal(read_spec("::1", "[::2]:200/icmpv6").icmp_type, 200);
	assert_int_equal(read_spec("192.0.2.1", "192.0.2.2:0/icmp").icmp_type, 0);
}

static void a_failure_leaves_the_packet_alone(void **state)
{
	static const char *const destinations[] = {
		"",
		"22",
		"tcp",
		"22/",
		"/tcp",
		"x/tcp",
		"65536/tcp",
		"icmp",
		"5/gre",
		"192.0.2.2",
		"192.0.2.2:",
		"192.0.2.2:22",
		"192.0.2.0/24",
		"192.0.2.2:41",
		"[::2]:22/tcp",
		"::2:22/tcp",
		"[::2]22/tcp",
		"[192.0.2.2",
		"[]:22/tcp",
		"packet-too-big/icmp",
		":22/tcp:",
		"22/tcp/tcp",
		"22/tcp ",
		"192.0.2.2:22/tcp:1",
	};
	static const char *const sources[] = {
		"",
		"x",
		"192.0.2.0/24",
		"192.0.2.1:",
		"192.0.2.1:0",
		"192.0.2.1:65536",
		"192.0.2.1:22/tcp",
		"[::1",
		"[::1]x",
		"[::1]:",
		"[]",
		"::1]",
		"::g",
	};
	struct packet_spec spec = read_spec("192.0.2.1", "22/tcp"), before = spec;

	for (size_t i = 0; i < sizeof(destinations) / sizeof(destinations[0]); i++)
		if (!packet_spec_parse_to(destinations[i], &spec))
			fail_msg("\"%s\" is taken for a destination", destinations[i]);
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		if (!packet_spec_parse_from(sources[i], &spec))
			fail_msg("\"%s\" is taken for a source", sources[i]);
	assert_memory_equal(&spec, &before, sizeof(spec));
}

static void reads_flags_in_one_text(void **state)
{
	struct packet_spec spec;

	packet_spec_init(&spec);
	assert_null(packet_spec_parse_flags("syn,ack", &spec));
	assert_true(spec.has_flags);
	assert_int_equal(spec.flags, 0x12);
	assert_null(packet_spec_parse_flags("fin psh, urg", &spec));
	assert_int_equal(spec.flags, 0x29);
	assert_null(packet_spec_parse_flags("none", &spec));
	assert_int_equal(spec.flags, 0);
	assert_non_null(packet_spec_parse_flags(" , ", &spec));
	assert_string_equal(packet_spec_parse_flags("", &spec),
			    "is not a list of flags: syn, or syn,ack, or none");
	assert_non_null(packet_spec_parse_flags("not,ack", &spec));
	assert_non_null(packet_spec_parse_flags("syn,none", &spec));
}

static void reads_vlan_ids(void **state)
{
	static const char *const wrong[] = {
		"",	 "0",	  "00",	 "4095",       "4096",
		"65537", "-1",	  "+5",	 " 5",	       "5 ",
		"0x10",	 "10.20", "ten", "4294967297", "99999999999999999999"};
	struct packet_spec spec;

	packet_spec_init(&spec);
	assert_null(packet_spec_parse_vlan("1", &spec));
	assert_int_equal(spec.vlan, 1);
	assert_null(packet_spec_parse_vlan("4094", &spec));
	assert_int_equal(spec.vlan, 4094);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (!packet_spec_parse_vlan(wrong[i], &spec))
			fail_msg("\"%s\" is taken for a VLAN id", wrong[i]);
	assert_int_equal(spec.vlan, 4094);
	assert_string_equal(packet_spec_parse_vlan("0", &spec), "is not a VLAN id: 1 to 4094");
}

static void finds_what_does_not_fit_together(void **state)
{
	struct packet_spec spec = read_spec("192.0.2.1", "22/udp");

	spec.has_flags = true;
	assert_non_null(packet_spec_check(&spec));
	spec = read_spec("192.0.2.1", "echo-request/icmp");
	spec.family = 6;
	assert_non_null(packet_spec_check(&spec));
	spec = read_spec("::1", "echo-request/icmpv6");
	spec.family = 4;
	assert_non_null(packet_spec_check(&spec));
	spec = read_spec("192.0.2.1", "gre");
	spec.sport = 5;
	assert_non_null(packet_spec_check(&spec));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_sources_with_and_without_port),
		cmocka_unit_test(reads_destinations),
		cmocka_unit_test(reads_icmp_types_by_name_and_number),
		cmocka_unit_test(a_failure_leaves_the_packet_alone),
		cmocka_unit_test(reads_flags_in_one_text),
		cmocka_unit_test(reads_vlan_ids),
		cmocka_unit_test(finds_what_does_not_fit_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
