/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which addresses are exempt, and the files that some of them are read from. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "unit.h"

#include <sources/exempt.h>
#include <host/leases.h>

#define NOW 1800000000LL /* 2027/01/15 08:00:00 UTC */

typedef int (*parser_t)(const struct lease_file *file, struct prefix_list *servers);

static const parser_t parsers[] = {leases_parse_networkd, leases_parse_dhclient,
				   leases_parse_dhcpcd};

/* From memory of exactly that length: who reads on is found by the sanitizers and valgrind. */
static struct prefix_list parse(parser_t parser, const void *bytes, size_t length)
{
	CLEANUP(cleanup_free) uint8_t *copy = malloc(length ? length : 1);
	struct lease_file file = {
		.bytes = copy, .length = length, .modified_s = NOW - 3600, .now_s = NOW};
	struct prefix_list servers = {0};

	assert_non_null(copy);
	memcpy(copy, bytes, length);
	assert_int_equal(parser(&file, &servers), 0);
	return servers;
}

/* The servers of a text, as "192.0.2.1 192.0.2.2". */
static void assert_servers(parser_t parser, const void *bytes, size_t length, const char *expected)
{
	struct prefix_list servers = parse(parser, bytes, length);
	char text[1024] = "", word[64];
	size_t i;

	for (i = 0; i < servers.nr_v4 && i < 16; i++) {
		prefix4_format(&servers.v4[i], word, sizeof(word));
		if (i)
			strcat(text, " ");
		strcat(text, word);
	}
	assert_string_equal(text, expected);
	assert_int_equal(servers.nr_v6, 0);
	prefix_list_done(&servers);
}

static void assert_text(parser_t parser, const char *text, const char *expected)
{
	assert_servers(parser, text, strlen(text), expected);
}

/* ---- systemd-networkd ---- */

static void reads_the_server_of_a_networkd_lease(void **state)
{
	assert_text(leases_parse_networkd,
		    "# This is private data. Do not parse.\nADDRESS=192.0.2.9\n"
		    "SERVER_ADDRESS=192.0.2.1\nNEXT_SERVER=192.0.2.8\nROUTER=192.0.2.7\n",
		    "192.0.2.1");
	assert_text(leases_parse_networkd, "SERVER_ADDRESS=192.0.2.1", "192.0.2.1");
	assert_text(leases_parse_networkd, " SERVER_ADDRESS=192.0.2.1\t\r\n", "192.0.2.1");
}

static void skips_what_is_no_server_address(void **state)
{
	static const char *const texts[] = {
		"",
		"\n\n\n",
		"SERVER_ADDRESS",
		"SERVER_ADDRESS=",
		"SERVER_ADDRESS=0.0.0.0\n",
		"SERVER_ADDRESS=192.0.2.0/24\n",
		"SERVER_ADDRESS=192.0.2.1.5\n",
		"SERVER_ADDRESS=2001:db8::1\n",
		"SERVER_ADDRESS=192.0.2.1 192.0.2.2\n",
		"XSERVER_ADDRESS=192.0.2.1\n",
		"DOMAINNAME=x SERVER_ADDRESS=192.0.2.1\n",
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_text(leases_parse_networkd, texts[i], "");
}

/* ---- dhclient ---- */

#define LEASE(server, expire)                                                            \
	"lease {\n  interface \"eth0\";\n  fixed-address 192.0.2.9;\n"                   \
	"  option dhcp-server-identifier " server ";\n  option domain-name \"a } b\";\n" \
	"  expire " expire ";\n}\n"

static void reads_the_servers_of_dhclient_leases(void **state)
{
	assert_text(leases_parse_dhclient, LEASE("192.0.2.1", "never"), "192.0.2.1");
	assert_text(leases_parse_dhclient,
		    "default-duid \"x\";\n" LEASE("192.0.2.1", "5 2027/01/15 08:00:01")
			    LEASE("192.0.2.2", "epoch 1800000001"),
		    "192.0.2.1 192.0.2.2");
}

static void leases_of_dhclient_that_have_run_out_do_not_count(void **state)
{
	assert_text(leases_parse_dhclient,
		    LEASE("192.0.2.1", "5 2027/01/15 07:59:59") LEASE("192.0.2.2", "never")
			    LEASE("192.0.2.3", "epoch 1799999999"),
		    "192.0.2.2");
}

static void an_expiry_that_says_nothing_has_not_come(void **state)
{
	assert_text(leases_parse_dhclient,
		    LEASE("192.0.2.1", "some day") LEASE("192.0.2.2", "5 2027/01/15")
			    LEASE("192.0.2.3", ""),
		    "192.0.2.1 192.0.2.2 192.0.2.3");
}

static void leases_of_dhclient_that_are_not_whole_do_not_count(void **state)
{
	assert_text(leases_parse_dhclient, "  option dhcp-server-identifier 192.0.2.1;\n}\n", "");
	assert_text(leases_parse_dhclient, "lease {\n  option dhcp-server-identifier 192.0.2.1;\n",
		    "");
	assert_text(leases_parse_dhclient,
		    "lease {\n  option dhcp-server-identifier 192.0.2.1\n}\n", "");
	assert_text(
		leases_parse_dhclient,
		"lease {\n  option dhcp-server-identifier 192.0.2.1;\n" LEASE("192.0.2.2", "never"),
		"192.0.2.2");
	assert_text(leases_parse_dhclient, "lease6 {\n  option dhcp6.server-id 0:1:0:1;\n}\n", "");
}

static void a_name_cannot_pretend_to_be_an_option(void **state)
{
	assert_text(leases_parse_dhclient,
		    "lease {\n  option host-name \"option dhcp-server-identifier 192.0.2.6;\";\n"
		    "  filename \"}\";\n  option dhcp-server-identifier 192.0.2.1;\n}\n",
		    "192.0.2.1");
}

/* ---- dhcpcd ---- */

struct answer {
	uint8_t bytes[512];
	size_t length;
};

static struct answer answer_with(const void *options, size_t length)
{
	static const uint8_t cookie[] = {99, 130, 83, 99};
	struct answer answer = {.bytes = {2, 1, 6}, .length = 240 + length};

	memcpy(answer.bytes + 236, cookie, sizeof(cookie));
	memcpy(answer.bytes + 240, options, length);
	return answer;
}

#define ASSERT_ANSWER(options, expected)                                                      \
	do {                                                                                  \
		struct answer answer_ = answer_with(options, sizeof(options) - 1);            \
                                                                                              \
		assert_servers(leases_parse_dhcpcd, answer_.bytes, answer_.length, expected); \
	} while (0)

static void reads_the_server_of_a_dhcpcd_lease(void **state)
{
	ASSERT_ANSWER("\x35\x01\x05\x36\x04\xc0\x00\x02\x01\xff", "192.0.2.1");
	/* padding, no end, and an option of the same length before it */
	ASSERT_ANSWER("\x00\x00\x01\x04\xff\xff\xff\x00\x36\x04\xc0\x00\x02\x01", "192.0.2.1");
	/* lease times: forever, an hour and a second, an hour less a second */
	ASSERT_ANSWER("\x33\x04\xff\xff\xff\xff\x36\x04\xc0\x00\x02\x01\xff", "192.0.2.1");
	ASSERT_ANSWER("\x33\x04\x00\x00\x0e\x11\x36\x04\xc0\x00\x02\x01\xff", "192.0.2.1");
	ASSERT_ANSWER("\x33\x04\x00\x00\x0e\x0f\x36\x04\xc0\x00\x02\x01\xff", "");
}

static void skips_hostile_answers(void **state)
{
	ASSERT_ANSWER("\x36\x04\x00\x00\x00\x00\xff", ""); /* 0.0.0.0 */
	ASSERT_ANSWER("\x36\x03\xc0\x00\x02\xff", "");	   /* too short */
	ASSERT_ANSWER("\x36\x08\xc0\x00\x02\x01\xc0\x00\x02\x02", "");
	ASSERT_ANSWER("\x0c\xff\x36\x04\xc0\x00\x02\x01", ""); /* longer than the file */
	ASSERT_ANSWER("\xff\x36\x04\xc0\x00\x02\x01", "");     /* behind the end */
	ASSERT_ANSWER("\x36", "");
	ASSERT_ANSWER("\x36\x04\xc0\x00\x02", "");
}

static void an_answer_needs_its_header(void **state)
{
	struct answer whole = answer_with("\x36\x04\xc0\x00\x02\x01\xff", 7), broken;

	broken = whole;
	broken.bytes[0] = 1;
	assert_servers(leases_parse_dhcpcd, broken.bytes, broken.length, "");
	broken = whole;
	broken.bytes[239]++;
	assert_servers(leases_parse_dhcpcd, broken.bytes, broken.length, "");
}

/* ---- all formats ---- */

static void every_truncation_is_read_to_its_end_and_no_further(void **state)
{
	static const char text[] = "SERVER_ADDRESS=192.0.2.1\n" LEASE("192.0.2.1", "never");
	struct answer answer =
		answer_with("\x33\x04\xff\xff\xff\xff\x36\x04\xc0\x00\x02\x01\xff", 13);
	struct prefix_list servers;
	size_t length, i;

	for (i = 0; i < sizeof(parsers) / sizeof(*parsers); i++) {
		for (length = 0; length <= answer.length; length++) {
			servers = parse(parsers[i], answer.bytes, length);
			prefix_list_done(&servers);
		}
		for (length = 0; length < sizeof(text); length++) {
			servers = parse(parsers[i], text, length);
			prefix_list_done(&servers);
		}
	}
}

static void survives_random_bytes(void **state)
{
	static const char *const pieces[] = {"lease {\n",
					     "}\n",
					     "expire ",
					     "never;\n",
					     "SERVER_ADDRESS=",
					     "option dhcp-server-identifier ",
					     "192.0.2.1;",
					     "\n",
					     "epoch 99999999999999999999;\n",
					     "4 9999999/-1/99 1:1:1;\n"};
	uint8_t bytes[600];
	struct prefix_list servers;
	size_t length, i;
	int round;

	srand(1);
	for (round = 0; round < 3000; round++) {
		for (i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)rand();
		for (i = 0; round % 2 && i + 40 < sizeof(bytes); i += (size_t)(rand() % 40)) {
			const char *piece =
				pieces[(size_t)rand() % (sizeof(pieces) / sizeof(*pieces))];

			memcpy(bytes + i, piece, strlen(piece));
		}
		bytes[0] = 2;
		memcpy(bytes + 236, "\x63\x82\x53\x63", 4);
		length = (size_t)rand() % sizeof(bytes);
		for (i = 0; i < sizeof(parsers) / sizeof(*parsers); i++) {
			servers = parse(parsers[i], bytes, length);
			prefix_list_done(&servers);
		}
	}
}

static void a_huge_file_is_read_once(void **state)
{
	const size_t length = 16 << 20;
	CLEANUP(cleanup_free) char *text = malloc(length);
	struct prefix_list servers;
	size_t i;

	assert_non_null(text);
	memset(text, ' ', length);
	servers = parse(leases_parse_dhclient, text, length);
	prefix_list_done(&servers);
	for (i = 0; i < length; i++)
		text[i] = "lease {\n}\n"[i % 10];
	servers = parse(leases_parse_dhclient, text, length);
	assert_int_equal(prefix_list_count(&servers), 0);
	prefix_list_done(&servers);
}

/* ---- resolv.conf ---- */

static void hostile_name_servers_are_skipped(void **state)
{
	CLEANUP(cleanup_free) char *text = malloc((1 << 20) + 64);
	struct prefix_list resolvers = {0};

	assert_non_null(text);
	assert_int_equal(
		infrastructure_parse_resolvers("nameserver\nnameserver \nnameserver ::g\n"
					       "nameserver 192.0.2.256\nnameserver 1\n"
					       "nameserver 192.0.2.0/24\n#nameserver 192.0.2.1\n"
					       "nameserver",
					       &resolvers),
		0);
	assert_int_equal(prefix_list_count(&resolvers), 0);
	memset(text, 'x', 1 << 20);
	strcpy(text + (1 << 20), "\nnameserver 192.0.2.1");
	assert_int_equal(infrastructure_parse_resolvers(text, &resolvers), 0);
	assert_int_equal(prefix_list_count(&resolvers), 1);
	prefix_list_done(&resolvers);
}

/* ---- which addresses ---- */

static void add4(struct prefix_list *list, uint32_t first, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		assert_int_equal(prefix_list_add4(list, first + (uint32_t)i, 32), 0);
}

static uint32_t kind_of(const struct exempt *exempt, uint32_t addr)
{
	struct synfw_addr6 key = {.byte = {[10] = 0xff, [11] = 0xff}};
	uint32_t addr_be = htonl(addr);
	size_t i;

	memcpy(key.byte + 12, &addr_be, sizeof(addr_be));
	for (i = 0; i < exempt->count; i++)
		if (!memcmp(&exempt->entries[i].address, &key, sizeof(key)))
			return exempt->entries[i].kind;
	return 0;
}

static void an_address_that_is_several_things_is_there_once(void **state)
{
	struct infrastructure host = {0};
	struct exempt exempt;

	add4(&host.own, 0xc0000201, 3);
	add4(&host.gateways, 0xc0000202, 2);
	add4(&host.default_gateways, 0xc0000202, 1);
	add4(&host.resolvers, 0xc0000203, 1);
	assert_int_equal(exempt_choose(&host, &exempt), 0);
	assert_int_equal(exempt.count, 3);
	assert_int_equal(kind_of(&exempt, 0xc0000201), SYNFW_EXEMPT_OWN);
	assert_int_equal(kind_of(&exempt, 0xc0000202), SYNFW_EXEMPT_GATEWAY);
	assert_int_equal(kind_of(&exempt, 0xc0000203), SYNFW_EXEMPT_RESOLVER);
	exempt_done(&exempt);
	infrastructure_done(&host);
}

static void own_addresses_are_left_out_first_and_then_gateways(void **state)
{
	struct infrastructure host = {0};
	struct notes notes = {0};
	struct exempt exempt;

	add4(&host.own, 0x0a000000, 5);
	add4(&host.gateways, 0x0b000000, SYNFW_MAX_EXEMPT);
	add4(&host.default_gateways, 0x0bffff00, 1);
	add4(&host.gateways, 0x0bffff00, 1);
	add4(&host.dhcp_servers, 0x0c000000, 1);
	add4(&host.resolvers, 0x0d000000, 2);
	assert_int_equal(exempt_choose(&host, &exempt), 0);
	assert_int_equal(exempt.count, SYNFW_MAX_EXEMPT);
	assert_int_equal(exempt.left_out[SYNFW_EXEMPT_OWN], 5);
	assert_int_equal(exempt.left_out[SYNFW_EXEMPT_GATEWAY], 4);
	assert_int_equal(exempt.left_out[SYNFW_EXEMPT_DHCP], 0);
	assert_int_equal(exempt.left_out[SYNFW_EXEMPT_RESOLVER], 0);
	assert_int_equal(kind_of(&exempt, 0x0a000000), 0);
	assert_int_equal(kind_of(&exempt, 0x0b000000), SYNFW_EXEMPT_GATEWAY);
	assert_int_equal(kind_of(&exempt, 0x0b000000 + SYNFW_MAX_EXEMPT - 1), 0);
	assert_int_equal(kind_of(&exempt, 0x0bffff00), SYNFW_EXEMPT_GATEWAY);
	exempt_note(&exempt, &notes);
	assert_int_equal(notes.count, 1);
	assert_non_null(strstr(notes.text[0], "1033 addresses"));
	assert_non_null(strstr(notes.text[0], "4 gateways and 5 of this host's own"));
	notes_done(&notes);
	exempt_done(&exempt);
	infrastructure_done(&host);
}

static void nothing_is_left_out_when_there_is_just_room(void **state)
{
	struct infrastructure host = {0};
	struct notes notes = {0};
	struct exempt exempt;

	add4(&host.own, 0x0a000000, SYNFW_MAX_EXEMPT);
	assert_int_equal(exempt_choose(&host, &exempt), 0);
	assert_int_equal(exempt.count, SYNFW_MAX_EXEMPT);
	exempt_note(&exempt, &notes);
	assert_int_equal(notes.count, 0);
	exempt_done(&exempt);
	infrastructure_done(&host);
}

static void every_kind_has_a_word(void **state)
{
	assert_string_equal(exempt_word(SYNFW_EXEMPT_GATEWAY), "gateway");
	assert_string_equal(exempt_word(SYNFW_EXEMPT_OWN), "address of this host");
	assert_string_equal(exempt_word(0), "exempt address");
	assert_string_equal(exempt_word(UINT32_MAX), "exempt address");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_server_of_a_networkd_lease),
		cmocka_unit_test(skips_what_is_no_server_address),
		cmocka_unit_test(reads_the_servers_of_dhclient_leases),
		cmocka_unit_test(leases_of_dhclient_that_have_run_out_do_not_count),
		cmocka_unit_test(an_expiry_that_says_nothing_has_not_come),
		cmocka_unit_test(leases_of_dhclient_that_are_not_whole_do_not_count),
		cmocka_unit_test(a_name_cannot_pretend_to_be_an_option),
		cmocka_unit_test(reads_the_server_of_a_dhcpcd_lease),
		cmocka_unit_test(skips_hostile_answers),
		cmocka_unit_test(an_answer_needs_its_header),
		cmocka_unit_test(every_truncation_is_read_to_its_end_and_no_further),
		cmocka_unit_test(survives_random_bytes),
		cmocka_unit_test(a_huge_file_is_read_once),
		cmocka_unit_test(hostile_name_servers_are_skipped),
		cmocka_unit_test(an_address_that_is_several_things_is_there_once),
		cmocka_unit_test(own_addresses_are_left_out_first_and_then_gateways),
		cmocka_unit_test(nothing_is_left_out_when_there_is_just_room),
		cmocka_unit_test(every_kind_has_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
