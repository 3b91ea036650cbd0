/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "namespace.h"

#define TAG_8021Q  0x8100
#define TAG_8021AD 0x88a8
#define HOP_LIMIT  64

/* ---- words to a specification --------------------------------------------------------------- */

static unsigned long parse_number(const char *text, unsigned long max)
{
	char *end;
	unsigned long number = strtoul(text, &end, 0);

	if (!*text || *end || number > max) {
		errno = EINVAL;
		die("\"%s\" is not a number up to %lu", text, max);
	}
	return number;
}

static void parse_address(const char *text, size_t offset, struct packet_spec *spec)
{
	spec->family = strchr(text, ':') ? 6 : 4;
	if (inet_pton(spec->family == 6 ? AF_INET6 : AF_INET, text, (uint8_t *)spec + offset) == 1)
		return;
	errno = EINVAL;
	die("\"%s\" is not an address", text);
}

static void parse_byte(const char *text, size_t offset, struct packet_spec *spec)
{
	*((uint8_t *)spec + offset) = (uint8_t)parse_number(text, 0xff);
}

static void parse_short(const char *text, size_t offset, struct packet_spec *spec)
{
	uint16_t number = (uint16_t)parse_number(text, 0xffff);

	memcpy((uint8_t *)spec + offset, &number, sizeof(number));
}

static void parse_proto(const char *text, size_t offset, struct packet_spec *spec)
{
	static const struct {
		const char *name;
		uint8_t proto;
	} names[] = {
		{"tcp", IPPROTO_TCP},
		{"udp", IPPROTO_UDP},
		{"icmp", IPPROTO_ICMP},
		{"icmpv6", IPPROTO_ICMPV6},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!strcmp(names[i].name, text)) {
			spec->proto = names[i].proto;
			return;
		}
	}
	parse_byte(text, offset, spec);
}

static void parse_tags(const char *text, size_t offset, struct packet_spec *spec)
{
	char copy[32], *inner;

	snprintf(copy, sizeof(copy), "%s", text);
	inner = strchr(copy, '.');
	if (inner) {
		*inner++ = '\0';
		spec->vlan[1] = (uint16_t)parse_number(inner, 4095);
	}
	spec->vlan[0] = (uint16_t)parse_number(copy, 4095);
	spec->nr_tags = inner ? 2 : 1;
}

static void parse_word(const char *key, const char *value, struct packet_spec *spec)
{
	static const struct {
		const char *key;
		void (*parse)(const char *text, size_t offset, struct packet_spec *spec);
		size_t offset;
	} words[] = {
		{"src", parse_address, offsetof(struct packet_spec, src)},
		{"dst", parse_address, offsetof(struct packet_spec, dst)},
		{"proto", parse_proto, offsetof(struct packet_spec, proto)},
		{"sport", parse_short, offsetof(struct packet_spec, sport)},
		{"dport", parse_short, offsetof(struct packet_spec, dport)},
		{"type", parse_byte, offsetof(struct packet_spec, type)},
		{"flags", parse_byte, offsetof(struct packet_spec, flags)},
		{"vlan", parse_tags, 0},
		{"ethertype", parse_short, offsetof(struct packet_spec, ethertype)},
		{"fragment", parse_short, offsetof(struct packet_spec, fragment_offset)},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!strcmp(words[i].key, key)) {
			words[i].parse(value, words[i].offset, spec);
			return;
		}
	}
	errno = EINVAL;
	die("unknown word \"%s\" in a packet", key);
}

void packet_parse(const char *text, struct packet_spec *ret_spec)
{
	struct packet_spec spec = {.flags = 0x02, .sport = 40000, .ethertype = 0x88b5};
	char *copy = strdup(text), *save = NULL, *word, *value;

	if (!copy)
		die("cannot parse a packet");
	for (word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		value = strchr(word, '=');
		if (!value) {
			errno = EINVAL;
			die("\"%s\" is not KEY=VALUE", word);
		}
		*value = '\0';
		parse_word(word, value + 1, &spec);
	}
	free(copy);
	*ret_spec = spec;
}

/* ---- a specification to a frame ------------------------------------------------------------- */

struct writer {
	uint8_t *frame;
	size_t length;
};

static void put(struct writer *writer, const void *bytes, size_t length)
{
	memcpy(writer->frame + writer->length, bytes, length);
	writer->length += length;
}

static void put8(struct writer *writer, uint8_t value)
{
	put(writer, &value, 1);
}

static void put16(struct writer *writer, uint16_t value)
{
	uint16_t value_be = htons(value);

	put(writer, &value_be, 2);
}

static void put32(struct writer *writer, uint32_t value)
{
	uint32_t value_be = htonl(value);

	put(writer, &value_be, 4);
}

/* RFC 1071, without the final complement. */
static uint32_t sum(const uint8_t *bytes, size_t length, uint32_t total)
{
	size_t i;

	for (i = 0; i + 1 < length; i += 2)
		total += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	if (i < length)
		total += (uint32_t)(bytes[i] << 8);
	return total;
}

static uint16_t fold(uint32_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)~total;
}

static void put_checksum(struct writer *writer, size_t at, uint16_t checksum)
{
	struct writer there = {writer->frame, at};

	put16(&there, checksum);
}

static void put_transport_header(struct writer *writer, const struct packet_spec *spec,
				 size_t payload, size_t *ret_checksum_at)
{
	size_t start = writer->length;

	*ret_checksum_at = 0;
	if (spec->proto == IPPROTO_TCP) {
		put16(writer, spec->sport);
		put16(writer, spec->dport);
		put32(writer, 1);
		put32(writer, 0);
		put8(writer, 5 << 4);
		put8(writer, spec->flags);
		put16(writer, 1024);
		put32(writer, 0);
		*ret_checksum_at = start + 16;
	} else if (spec->proto == IPPROTO_UDP) {
		put16(writer, spec->sport);
		put16(writer, spec->dport);
		put16(writer, (uint16_t)(8 + payload));
		put16(writer, 0);
		*ret_checksum_at = start + 6;
	} else if (spec->proto == IPPROTO_ICMP || spec->proto == IPPROTO_ICMPV6) {
		put8(writer, spec->type);
		put8(writer, 0);
		put16(writer, 0);
		put32(writer, 1);
		*ret_checksum_at = start + 2;
	}
}

static void put_transport(struct writer *writer, const struct packet_spec *spec,
			  const void *payload, size_t length)
{
	size_t start = writer->length, address_bytes = spec->family == 6 ? 16 : 4, at;
	uint32_t total = 0;

	if (!spec->fragment_offset)
		put_transport_header(writer, spec, length, &at);
	else
		at = 0;
	put(writer, payload, length);
	if (!at)
		return;
	if (spec->proto != IPPROTO_ICMP) {
		total = sum(spec->src, address_bytes, spec->proto);
		total = sum(spec->dst, address_bytes, total);
		total += (uint32_t)(writer->length - start);
	}
	total = sum(writer->frame + start, writer->length - start, total);
	put_checksum(writer, at, fold(total));
}

static void put_ipv4(struct writer *writer, const struct packet_spec *spec, const void *payload,
		     size_t length)
{
	size_t start = writer->length, total_at = start + 2;

	put8(writer, 0x45);
	put8(writer, 0);
	put16(writer, 0);
	put16(writer, 1);
	put16(writer, spec->fragment_offset);
	put8(writer, HOP_LIMIT);
	put8(writer, spec->proto);
	put16(writer, 0);
	put(writer, spec->src, 4);
	put(writer, spec->dst, 4);
	put_transport(writer, spec, payload, length);
	put_checksum(writer, total_at, (uint16_t)(writer->length - start));
	put_checksum(writer, start + 10, fold(sum(writer->frame + start, 20, 0)));
}

static void put_ipv6(struct writer *writer, const struct packet_spec *spec, const void *payload,
		     size_t length)
{
	size_t start = writer->length;

	put32(writer, 6U << 28);
	put16(writer, 0);
	put8(writer, spec->proto);
	put8(writer, HOP_LIMIT);
	put(writer, spec->src, 16);
	put(writer, spec->dst, 16);
	put_transport(writer, spec, payload, length);
	put_checksum(writer, start + 4, (uint16_t)(writer->length - start - 40));
}

size_t packet_build(const struct packet_spec *spec, const uint8_t src_mac[6],
		    const uint8_t dst_mac[6], const void *payload, size_t length,
		    uint8_t frame[PACKET_MAX])
{
	struct writer writer = {frame, 0};

	put(&writer, dst_mac, 6);
	put(&writer, src_mac, 6);
	for (int i = 0; i < spec->nr_tags; i++) {
		put16(&writer, i + 1 < spec->nr_tags ? TAG_8021AD : TAG_8021Q);
		put16(&writer, spec->vlan[i]);
	}
	if (spec->family == 4) {
		put16(&writer, 0x0800);
		put_ipv4(&writer, spec, payload, length);
	} else if (spec->family == 6) {
		put16(&writer, 0x86dd);
		put_ipv6(&writer, spec, payload, length);
	} else {
		put16(&writer, spec->ethertype);
		put(&writer, payload, length);
	}
	return writer.length;
}
