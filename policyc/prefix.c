/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "prefix.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "large_memory.h"
#include "prefix_sort.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Four decimal octets, which *text moves behind. Set files have millions of these: one pass, no
 * copies, no locale. */
static bool read_addr4(const char **text, const char *end, uint32_t *ret)
{
	const char *at = *text;
	uint32_t addr = 0;

	for (int octet = 0; octet < 4; octet++) {
		const char *start;
		unsigned int value = 0;

		if (octet > 0 && (at == end || *at++ != '.'))
			return false;
		for (start = at; at < end && is_digit(*at) && at - start < 3; at++)
			value = value * 10 + (unsigned int)(*at - '0');
		if (at == start || value > 255 || (*start == '0' && at - start > 1))
			return false;
		addr = addr << 8 | value;
	}
	*text = at;
	*ret = addr;
	return true;
}

static bool parse_addr4(const char *text, const char *end, uint32_t *ret)
{
	return read_addr4(&text, end, ret) && text == end;
}

struct addr6_parts {
	uint8_t byte[16];
	int filled;
	int gap; /* where "::" stands, -1: nowhere */
};

static bool parse_embedded4(const char *text, const char *end, struct addr6_parts *parts)
{
	uint32_t addr;

	if (parts->filled > 12 || !parse_addr4(text, end, &addr))
		return false;
	addr = htonl(addr);
	memcpy(parts->byte + parts->filled, &addr, sizeof(addr));
	parts->filled += 4;
	return true;
}

static bool place_gap(const struct addr6_parts *parts, uint8_t ret[16])
{
	int tail;

	if (parts->gap < 0) {
		if (parts->filled != 16)
			return false;
		memcpy(ret, parts->byte, 16);
		return true;
	}
	/* "::" stands for at least one group (RFC 5952, 4.2.2, lets readers take exactly one) */
	if (parts->filled > 14)
		return false;
	tail = parts->filled - parts->gap;
	memset(ret, 0, 16);
	memcpy(ret, parts->byte, (size_t)parts->gap);
	memcpy(ret + 16 - tail, parts->byte + parts->gap, (size_t)tail);
	return true;
}

static bool parse_addr6(const char *text, const char *end, uint8_t ret[16])
{
	struct addr6_parts parts = {.gap = -1};

	if (end - text >= 2 && text[0] == ':' && text[1] == ':') {
		parts.gap = 0;
		text += 2;
	}
	while (text < end) {
		const char *start = text;
		unsigned int group = 0;

		for (; text < end && hex_value(*text) >= 0 && text - start < 4; text++)
			group = group << 4 | (unsigned int)hex_value(*text);
		if (text == start)
			return false;
		if (text < end && *text == '.') {
			if (!parse_embedded4(start, end, &parts))
				return false;
			break;
		}
		if (parts.filled == 16)
			return false;
		parts.byte[parts.filled++] = (uint8_t)(group >> 8);
		parts.byte[parts.filled++] = (uint8_t)group;
		if (text == end)
			break;
		if (*text++ != ':' || text == end)
			return false;
		if (*text == ':') {
			if (parts.gap >= 0)
				return false;
			parts.gap = parts.filled;
			text++;
		}
	}
	return place_gap(&parts, ret);
}

static bool parse_prefixlen(const char *text, const char *end, unsigned int max, uint8_t *ret)
{
	unsigned int value = 0;
	const char *start = text;

	for (; text < end && is_digit(*text) && text - start < 3; text++)
		value = value * 10 + (unsigned int)(*text - '0');
	if (text == start || text != end || value > max || (*start == '0' && text - start > 1))
		return false;
	*ret = (uint8_t)value;
	return true;
}

static uint32_t mask4(uint8_t prefixlen)
{
	return prefixlen ? ~0U << (32 - prefixlen) : 0;
}

/* Returns whether bits were cleared. */
static bool mask_addr6(uint8_t addr[16], uint8_t prefixlen)
{
	bool cleared = false;

	for (unsigned int i = prefixlen / 8; i < 16; i++) {
		uint8_t keep = i == prefixlen / 8 ? (uint8_t)(0xff00 >> (prefixlen % 8)) : 0;

		cleared = cleared || (addr[i] & (uint8_t)~keep);
		addr[i] &= keep;
	}
	return cleared;
}

static enum prefix_error parse4(const char *text, const char *end, struct any_prefix *ret)
{
	struct any_prefix prefix = {.family = 4, .v4.prefixlen = 32};
	uint32_t host_bits;

	if (!read_addr4(&text, end, &prefix.v4.addr) || (text < end && *text != '/'))
		return PREFIX_BAD_ADDRESS;
	if (text < end && !parse_prefixlen(text + 1, end, 32, &prefix.v4.prefixlen))
		return PREFIX_BAD_LENGTH;
	host_bits = prefix.v4.addr & ~mask4(prefix.v4.prefixlen);
	prefix.v4.addr ^= host_bits;
	*ret = prefix;
	return host_bits ? PREFIX_HOST_BITS : PREFIX_OK;
}

static enum prefix_error parse6(const char *text, const char *end, struct any_prefix *ret)
{
	const char *slash = memchr(text, '/', (size_t)(end - text));
	struct any_prefix prefix = {.family = 6, .v6.prefixlen = 128};
	bool has_host_bits;

	if (!parse_addr6(text, slash ? slash : end, prefix.v6.addr))
		return PREFIX_BAD_ADDRESS;
	if (slash && !parse_prefixlen(slash + 1, end, 128, &prefix.v6.prefixlen))
		return PREFIX_BAD_LENGTH;
	has_host_bits = mask_addr6(prefix.v6.addr, prefix.v6.prefixlen);
	*ret = prefix;
	return has_host_bits ? PREFIX_HOST_BITS : PREFIX_OK;
}

enum prefix_error prefix_parse(const char *text, size_t length, struct any_prefix *ret)
{
	const char *end = text + length;
	enum prefix_error error = parse4(text, end, ret);

	if ((error == PREFIX_BAD_ADDRESS || error == PREFIX_BAD_LENGTH) &&
	    memchr(text, ':', length))
		return parse6(text, end, ret);
	return error;
}

/* A number of at most three digits without a zero in front, which *text moves behind; more than any
 * octet is: there is none. */
static inline uint32_t read_octet(const char **text)
{
	const char *at = *text;
	uint32_t value = (unsigned char)(at[0] - '0'), digit = (unsigned char)(at[1] - '0');

	if (value > 9 || (!value && digit <= 9))
		return UINT32_MAX;
	at++;
	for (int more = 0; more < 2 && digit <= 9; more++) {
		value = value * 10 + digit;
		digit = (unsigned char)(*++at - '0');
	}
	*text = at;
	return value;
}

const char *prefix4_read(const char *text, struct prefix4 *ret)
{
	uint32_t addr = 0, prefixlen = 32;

	for (int octet = 0; octet < 4; octet++) {
		uint32_t value;

		if (octet && *text++ != '.')
			return NULL;
		value = read_octet(&text);
		if (value > 255)
			return NULL;
		addr = addr << 8 | value;
	}
	if (*text == '/') {
		text++;
		prefixlen = read_octet(&text);
		if (prefixlen > 32 || addr & ~mask4(prefixlen))
			return NULL;
	}
	*ret = (struct prefix4){.addr = addr, .prefixlen = prefixlen};
	return text;
}

static void format_prefix(int family, const void *addr_be, unsigned int prefixlen, char *out,
			  size_t size)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(family, addr_be, text, sizeof(text));
	if (prefixlen == (family == AF_INET ? 32U : 128U))
		snprintf(out, size, "%s", text);
	else
		snprintf(out, size, "%s/%u", text, prefixlen);
}

void prefix4_format(const struct prefix4 *prefix, char *out, size_t size)
{
	uint32_t addr_be = htonl(prefix->addr);

	format_prefix(AF_INET, &addr_be, prefix->prefixlen, out, size);
}

void prefix6_format(const struct prefix6 *prefix, char *out, size_t size)
{
	format_prefix(AF_INET6, prefix->addr, prefix->prefixlen, out, size);
}

static int reserve4(struct prefix_list *list, size_t count)
{
	struct prefix4 *v4;

	if (count <= list->room_v4)
		return 0;
	v4 = reallocarray(list->v4, count, sizeof(*v4));
	if (!large_memory(v4, count * sizeof(*v4)))
		return -ENOMEM;
	list->v4 = v4;
	list->room_v4 = count;
	return 0;
}

static int reserve6(struct prefix_list *list, size_t count)
{
	struct prefix6 *v6;

	if (count <= list->room_v6)
		return 0;
	v6 = reallocarray(list->v6, count, sizeof(*v6));
	if (!large_memory(v6, count * sizeof(*v6)))
		return -ENOMEM;
	list->v6 = v6;
	list->room_v6 = count;
	return 0;
}

int prefix_list_reserve(struct prefix_list *list, uint8_t family, size_t count)
{
	return family == 4 ? reserve4(list, count) : reserve6(list, count);
}

static size_t more(size_t room)
{
	return room < 16 ? 16 : room + room / 2;
}

int prefix_list_add4(struct prefix_list *list, uint32_t addr, uint8_t prefixlen)
{
	if (list->nr_v4 == list->room_v4 && reserve4(list, more(list->room_v4)))
		return -ENOMEM;
	list->v4[list->nr_v4++] = (struct prefix4){.addr = addr, .prefixlen = prefixlen};
	return 0;
}

int prefix_list_add6(struct prefix_list *list, const uint8_t addr[16], uint8_t prefixlen)
{
	if (list->nr_v6 == list->room_v6 && reserve6(list, more(list->room_v6)))
		return -ENOMEM;
	memcpy(list->v6[list->nr_v6].addr, addr, 16);
	list->v6[list->nr_v6++].prefixlen = prefixlen;
	return 0;
}

int prefix_list_add(struct prefix_list *list, const struct any_prefix *prefix)
{
	if (prefix->family == 4)
		return prefix_list_add4(list, prefix->v4.addr, prefix->v4.prefixlen);
	return prefix_list_add6(list, prefix->v6.addr, prefix->v6.prefixlen);
}

size_t prefix_list_count(const struct prefix_list *list)
{
	return list->nr_v4 + list->nr_v6;
}

size_t prefix_tables_mib(const struct prefix_list *list, size_t count)
{
	double of6 = (double)count * (double)list->nr_v6 / (double)prefix_list_count(list);

	return (size_t)(of6 * 65 + ((double)count - of6) * 35) >> 20;
}

void prefix_list_done(struct prefix_list *list)
{
	free(list->v4);
	free(list->v6);
	*list = (struct prefix_list){0};
}

static bool contains4(const struct prefix4 *outer, uint32_t addr)
{
	return ((outer->addr ^ addr) & mask4(outer->prefixlen)) == 0;
}

static bool contains6(const struct prefix6 *outer, const uint8_t addr[16])
{
	unsigned int bytes = outer->prefixlen / 8;
	uint8_t mask = (uint8_t)(0xff00 >> (outer->prefixlen % 8));

	return !memcmp(outer->addr, addr, bytes) &&
	       (bytes == 16 || !((outer->addr[bytes] ^ addr[bytes]) & mask));
}

bool prefix_list_contains4(const struct prefix_list *list, uint32_t addr)
{
	for (size_t i = 0; i < list->nr_v4; i++)
		if (contains4(&list->v4[i], addr))
			return true;
	return false;
}

bool prefix_list_contains6(const struct prefix_list *list, const uint8_t addr[16])
{
	for (size_t i = 0; i < list->nr_v6; i++)
		if (contains6(&list->v6[i], addr))
			return true;
	return false;
}

static size_t drop_duplicates(void *base, size_t count, size_t size,
			      int (*compare)(const void *, const void *))
{
	char *element = base;
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (kept && !compare(element + (kept - 1) * size, element + i * size))
			continue;
		memmove(element + kept++ * size, element + i * size, size);
	}
	return kept;
}

void prefix_list_deduplicate(struct prefix_list *list)
{
	prefixes4_sort(list->v4, list->nr_v4);
	prefixes6_sort(list->v6, list->nr_v6);
	list->nr_v4 = drop_duplicates(list->v4, list->nr_v4, sizeof(*list->v4), prefix4_compare);
	list->nr_v6 = drop_duplicates(list->v6, list->nr_v6, sizeof(*list->v6), prefix6_compare);
}

void prefix_list_normalise(struct prefix_list *list)
{
	size_t kept = 0;

	/* In this order a prefix comes right before everything it covers. */
	prefixes4_sort(list->v4, list->nr_v4);
	for (size_t i = 0; i < list->nr_v4; i++)
		if (!kept || !contains4(&list->v4[kept - 1], list->v4[i].addr))
			list->v4[kept++] = list->v4[i];
	list->nr_v4 = kept;

	kept = 0;
	prefixes6_sort(list->v6, list->nr_v6);
	for (size_t i = 0; i < list->nr_v6; i++)
		if (!kept || !contains6(&list->v6[kept - 1], list->v6[i].addr))
			list->v6[kept++] = list->v6[i];
	list->nr_v6 = kept;
}
