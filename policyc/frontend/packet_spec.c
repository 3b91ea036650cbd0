/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "../packet_spec.h"

#include <arpa/inet.h>
#include <string.h>

#include "icmp_types.h"
#include "parser.h"
#include "services.h"
#include "tcp_flags.h"

void packet_spec_init(struct packet_spec *spec)
{
	*spec = (struct packet_spec){.vlan = SYNFW_VLAN_NONE};
}

/* One address, not a prefix. */
static bool parse_address(const char *text, size_t length, uint8_t *ret_family,
			  uint8_t ret_addr[16])
{
	struct any_prefix prefix;
	uint32_t addr_be;

	if (memchr(text, '/', length) || prefix_parse(text, length, &prefix))
		return false;
	*ret_family = prefix.family;
	memset(ret_addr, 0, 16);
	addr_be = htonl(prefix.v4.addr);
	if (prefix.family == 4)
		memcpy(ret_addr, &addr_be, sizeof(addr_be));
	else
		memcpy(ret_addr, prefix.v6.addr, 16);
	return true;
}

/* Where the address ends and what follows it. */
struct split {
	const char *address;
	size_t length;	  /* 0: there is none */
	const char *rest; /* after the colon, or NULL */
};

/* "[v6]:rest", "[v6]", "v4:rest", "v6" or "rest"; one colon is a separator, more are IPv6. */
static bool split_address(const char *text, struct split *ret)
{
	const char *colon = strchr(text, ':'), *close = strchr(text, ']');

	if (*text == '[') {
		if (!close || (close[1] && close[1] != ':'))
			return false;
		*ret = (struct split){text + 1, (size_t)(close - text - 1),
				      close[1] ? close + 2 : NULL};
		return ret->length > 0;
	}
	if (!colon || strchr(colon + 1, ':'))
		*ret = (struct split){text, strlen(text), NULL};
	else
		*ret = (struct split){text, (size_t)(colon - text), colon + 1};
	return true;
}

const char *packet_spec_parse_from(const char *text, struct packet_spec *spec)
{
	uint32_t port = 0;
	uint8_t saddr[16], family;
	struct split split;

	if (!split_address(text, &split) ||
	    !parse_address(split.address, split.length, &family, saddr))
		return "is not an address, or an address with a port: 192.0.2.1:1024, "
		       "[2001:db8::1]:1024";
	if (split.rest && (!parse_number(split.rest, strlen(split.rest), 65535, &port) || !port))
		return "has a bad port: 1 to 65535";
	spec->family = family;
	memcpy(spec->saddr, saddr, sizeof(saddr));
	spec->sport = (uint16_t)port;
	return NULL;
}

static const char *parse_icmp(const char *text, size_t length, struct packet_spec *spec)
{
	struct icmp_type types[2];
	size_t count = icmp_type_parse(text, length, types);

	for (size_t i = 0; i < count; i++) {
		if (types[i].proto != spec->proto)
			continue;
		spec->icmp_type = types[i].type;
		spec->has_icmp_type = true;
		return NULL;
	}
	return "names no type of this ICMP";
}

/* "443/tcp", "echo-request/icmp" or "gre". */
static const char *parse_service(const char *text, struct packet_spec *spec)
{
	const char *slash = strchr(text, '/'), *name = slash ? slash + 1 : text;
	int proto = protocol_parse(name, strlen(name));
	uint32_t port;

	/* A lone number is most likely a port whose protocol was forgotten. */
	if (proto < 0 || (!slash && name[0] >= '0' && name[0] <= '9'))
		return "has no protocol: write 443/tcp, echo-request/icmp or gre";
	spec->proto = (uint8_t)proto;
	if (proto == PROTO_ICMP || proto == PROTO_ICMPV6)
		return slash ? parse_icmp(text, (size_t)(slash - text), spec)
			     : "has no ICMP type: write echo-request/icmp";
	if (!protocol_has_ports(spec->proto))
		return slash ? "has a port, but the protocol has none" : NULL;
	if (!slash || !parse_number(text, (size_t)(slash - text), 65535, &port))
		return "has no port: write 443/tcp";
	spec->dport = (uint16_t)port;
	return NULL;
}

const char *packet_spec_parse_to(const char *text, struct packet_spec *spec)
{
	struct packet_spec parsed = *spec;
	uint8_t family;
	struct split split;
	const char *problem;

	if (!split_address(text, &split))
		return "has a bracket that is not closed, or nothing in it";
	if (!split.rest && !strchr(text, '[') && !strchr(text, ':'))
		split = (struct split){.rest = text};
	if (!split.rest)
		return "has no protocol: write [2001:db8::1]:443/tcp";
	if (split.length) {
		if (!parse_address(split.address, split.length, &family, parsed.daddr))
			return "has a bad address before the colon";
		parsed.has_daddr = true;
		if (spec->family && family != spec->family)
			return "has an address of the other family than \"from\"";
	}
	problem = parse_service(split.rest, &parsed);
	if (!problem)
		*spec = parsed;
	return problem;
}

const char *packet_spec_parse_flags(const char *text, struct packet_spec *spec)
{
	struct flags_words words = {0};
	struct flags_match match;
	const char *problem = NULL;

	while (*text && !problem) {
		size_t length = strcspn(text, ", ");

		if (length)
			problem = flags_take_word(&words, text, length);
		text += length;
		text += strspn(text, ", ");
	}
	if (!problem && (!words.count || words.clear))
		problem = "is not a list of flags: syn, or syn,ack, or none";
	if (!problem)
		problem = flags_finish(&words, &match);
	if (problem)
		return problem;
	spec->flags = match.value;
	spec->has_flags = true;
	return NULL;
}

const char *packet_spec_parse_vlan(const char *text, struct packet_spec *spec)
{
	return parse_vlan_number(text, &spec->vlan) ? NULL : "is not a VLAN id: 1 to 4094";
}

const char *packet_spec_check(const struct packet_spec *spec)
{
	if (spec->proto == PROTO_ICMP && spec->family == 6)
		return "icmp has IPv4 addresses; IPv6 has icmpv6";
	if (spec->proto == PROTO_ICMPV6 && spec->family == 4)
		return "icmpv6 has IPv6 addresses; IPv4 has icmp";
	if (spec->has_flags && spec->proto != 6)
		return "only TCP has flags";
	if (spec->sport && !protocol_has_ports(spec->proto))
		return "the source has a port, but the protocol has none";
	return NULL;
}
