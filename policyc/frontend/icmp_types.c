/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "icmp_types.h"

#include <string.h>

#include "parser.h"
#include "suggest.h"

/* clang-format off: one type a line */
/* IANA's registries "ICMP Type Numbers" and "ICMPv6 type Numbers", with the names that iptables,
 * ip6tables and nft use. The first name of a type is the one that is printed. -1: has none. */
static const struct {
	const char *name;
	int icmp, icmpv6;
} types[] = {
	{"echo-reply", 0, 129},
	{"destination-unreachable", 3, 1},
	{"source-quench", 4, -1},
	{"redirect", 5, 137},
	{"echo-request", 8, 128},
	{"router-advertisement", 9, 134},
	{"router-solicitation", 10, 133},
	{"time-exceeded", 11, 3},
	{"parameter-problem", 12, 4},
	{"timestamp-request", 13, -1},
	{"timestamp-reply", 14, -1},
	{"info-request", 15, -1},
	{"info-reply", 16, -1},
	{"address-mask-request", 17, -1},
	{"address-mask-reply", 18, -1},
	{"packet-too-big", -1, 2},
	{"mld-listener-query", -1, 130},
	{"mld-listener-report", -1, 131},
	{"mld-listener-done", -1, 132},
	{"neighbour-solicitation", -1, 135},
	{"neighbour-advertisement", -1, 136},
	{"router-renumbering", -1, 138},
	{"ind-neighbor-solicit", -1, 141},
	{"ind-neighbor-advert", -1, 142},
	{"mld2-listener-report", -1, 143},
	{"ping", 8, 128},
	{"pong", 0, 129},
	{"ttl-exceeded", 11, 3},
	{"ttl-zero-during-transit", 11, 3},
	{"router-advert", -1, 134},
	{"router-solicit", -1, 133},
	{"neighbor-solicitation", -1, 135},
	{"neighbor-advertisement", -1, 136},
	{"mld-listener-reduction", -1, 132},
	{"nd-router-solicit", -1, 133},
	{"nd-router-advert", -1, 134},
	{"nd-neighbor-solicit", -1, 135},
	{"nd-neighbor-advert", -1, 136},
	{"nd-redirect", -1, 137},
};
/* clang-format on */

#define NR_TYPES (sizeof(types) / sizeof(types[0]))

size_t icmp_type_parse(const char *text, size_t length, struct icmp_type ret_types[2])
{
	uint32_t number;
	size_t count = 0;

	if (parse_number(text, length, 255, &number)) {
		ret_types[0] = (struct icmp_type){PROTO_ICMP, (uint8_t)number};
		ret_types[1] = (struct icmp_type){PROTO_ICMPV6, (uint8_t)number};
		return 2;
	}
	for (size_t i = 0; i < NR_TYPES; i++) {
		if (strlen(types[i].name) != length || memcmp(types[i].name, text, length))
			continue;
		if (types[i].icmp >= 0)
			ret_types[count++] = (struct icmp_type){PROTO_ICMP, (uint8_t)types[i].icmp};
		if (types[i].icmpv6 >= 0)
			ret_types[count++] =
				(struct icmp_type){PROTO_ICMPV6, (uint8_t)types[i].icmpv6};
		break;
	}
	return count;
}

const char *icmp_type_name(const struct icmp_type *type)
{
	for (size_t i = 0; i < NR_TYPES; i++)
		if ((type->proto == PROTO_ICMP ? types[i].icmp : types[i].icmpv6) == type->type)
			return types[i].name;
	return NULL;
}

const char *icmp_type_suggest(const char *text)
{
	struct suggestion near = suggest_start(text);

	for (size_t i = 0; i < NR_TYPES; i++)
		suggest_offer(&near, types[i].name);
	return near.best;
}

bool icmp_type_is_essential(const struct icmp_type *type)
{
	if (type->proto == PROTO_ICMP)
		return type->type == 3 || type->type == 11 || type->type == 12;
	/* RFC 4890, 4.4.1: errors; multicast listener discovery (130 to 132 and 143), without which
	 * switches that snoop cut off the groups of neighbour discovery; and that itself. */
	return (type->type >= 1 && type->type <= 4) || (type->type >= 130 && type->type <= 137) ||
	       type->type == 143;
}
