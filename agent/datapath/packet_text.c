/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "packet_text.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>

/* An address, in brackets when a port follows an IPv6 one. */
static void format_address(uint8_t family, const uint8_t *address, uint16_t port, char *out,
			   size_t size)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(family == 4 ? AF_INET : AF_INET6, address, text, sizeof(text));
	if (!port)
		snprintf(out, size, "%s", text);
	else
		snprintf(out, size, family == 4 ? "%s:%u" : "[%s]:%u", text, port);
}

const char *packet_protocol_word(uint8_t proto, char out[16])
{
	static const struct {
		uint8_t proto;
		const char *word;
	} words[] = {
		{IPPROTO_TCP, "tcp"},	{IPPROTO_UDP, "udp"},	    {IPPROTO_SCTP, "sctp"},
		{IPPROTO_ICMP, "icmp"}, {IPPROTO_ICMPV6, "icmpv6"},
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (words[i].proto == proto)
			return words[i].word;
	snprintf(out, 16, "protocol %u", proto);
	return out;
}

const char *packet_text(const struct packet_spec *packet, char out[PACKET_TEXT_MAX])
{
	char from[64], to[64], number[16], type[16] = "";
	const char *proto = packet_protocol_word(packet->proto, number);

	format_address(packet->family, packet->saddr, packet->sport, from, sizeof(from));
	if (packet->has_icmp_type)
		snprintf(type, sizeof(type), " type %u", packet->icmp_type);
	if (packet->has_daddr) {
		format_address(packet->family, packet->daddr, packet->dport, to, sizeof(to));
		snprintf(out, PACKET_TEXT_MAX, "%s to %s/%s%s", from, to, proto, type);
	} else if (packet->dport) {
		snprintf(out, PACKET_TEXT_MAX, "%s to %u/%s", from, packet->dport, proto);
	} else {
		snprintf(out, PACKET_TEXT_MAX, "%s, %s%s", from, proto, type);
	}
	return out;
}
