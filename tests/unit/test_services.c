/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "unit.h"

#include <frontend/services.h>
#include <synfw/cleanup.h>

static void assert_range(const char *text, uint8_t proto, uint16_t first, uint16_t last)
{
	struct port_range range;

	assert_null(port_range_parse(text, strlen(text), &range));
	assert_int_equal(range.proto, proto);
	assert_int_equal(range.first, first);
	assert_int_equal(range.last, last);
}

static void reads_ports_and_ranges(void **state)
{
	assert_range("80", 0, 80, 80);
	assert_range("0", 0, 0, 0);
	assert_range("65535/tcp", 6, 65535, 65535);
	assert_range("0-65535/udp", 17, 0, 65535);
	assert_range("5-5/sctp", 132, 5, 5);
	assert_range("022", 0, 22, 22);
	assert_range("22/6", 6, 22, 22);
}

static void rejects_what_is_no_port(void **state)
{
	static const char *const texts[] = {
		"",	  "65536",   "-",      "1-",	  "-1",
		"2-1",	  "1-2-3",   "80/",    "80/icmp", "/tcp",
		"80 ",	  " 80",     "0x50",   "+80",	  "80/tcp/",
		"80/gre", "1-65536", "80/TCP", "80/999",  "99999999999999999999",
	};
	struct port_range range;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!port_range_parse(texts[i], strlen(texts[i]), &range))
			fail_msg("\"%s\" is taken for a port", texts[i]);
}

static void tells_ports_from_names(void **state)
{
	assert_true(is_port_text("80"));
	assert_true(is_port_text("80-90/tcp"));
	assert_true(is_port_text("70000"));
	assert_false(is_port_text("3com-tsmux"));
	assert_false(is_port_text("http"));
	assert_false(is_port_text("-80"));
	assert_false(is_port_text(""));
}

static const char system_services[] = "# comment\n"
				      "ssh\t\t22/tcp\t\t# Secure Shell\n"
				      "domain 53/tcp\n"
				      "domain 53/udp nameserver dns\n"
				      "\n"
				      "broken\n"
				      "broken2 x/tcp\n"
				      "broken3 5/ddp\n"
				      "broken4 5\n"
				      "crlf 7/tcp\r\n"
				      "last 9/udp";

static void reads_system_services_with_aliases(void **state)
{
	CLEANUP(service_table_done) struct service_table table = {0};
	const struct service *service;

	assert_int_equal(service_table_add_system(&table, system_services, strlen(system_services)),
			 0);
	service = service_find(&table, "domain");
	assert_non_null(service);
	assert_int_equal(service->nr_ports, 2);
	assert_int_equal(service->ports[0].proto, 6);
	assert_int_equal(service->ports[1].proto, 17);
	service = service_find(&table, "dns");
	assert_non_null(service);
	assert_int_equal(service->nr_ports, 1);
	assert_int_equal(service->ports[0].first, 53);
	assert_non_null(service_find(&table, "ssh"));
	assert_non_null(service_find(&table, "last"));
	service = service_find(&table, "crlf");
	assert_non_null(service);
	assert_int_equal(service->ports[0].last, 7);
}

static void skips_lines_that_make_no_sense(void **state)
{
	CLEANUP(service_table_done) struct service_table table = {0};

	assert_int_equal(service_table_add_system(&table, system_services, strlen(system_services)),
			 0);
	for (const char *const *name = (const char *const[]){"broken", "broken2", "broken3",
							     "broken4", "#", "comment", "", NULL};
	     *name; name++)
		assert_null(service_find(&table, *name));
}

static void names_protocols(void **state)
{
	assert_int_equal(protocol_parse("tcp", 3), 6);
	assert_int_equal(protocol_parse("icmpv6", 6), 58);
	assert_int_equal(protocol_parse("icmpv6", 4), 1);
	assert_int_equal(protocol_parse("255", 3), 255);
	assert_int_equal(protocol_parse("256", 3), -1);
	assert_int_equal(protocol_parse("", 0), -1);
	assert_string_equal(protocol_name(47), "gre");
	assert_null(protocol_name(41));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_ports_and_ranges),
		cmocka_unit_test(rejects_what_is_no_port),
		cmocka_unit_test(tells_ports_from_names),
		cmocka_unit_test(reads_system_services_with_aliases),
		cmocka_unit_test(skips_lines_that_make_no_sense),
		cmocka_unit_test(names_protocols),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
