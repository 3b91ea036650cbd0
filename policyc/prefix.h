/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_PREFIX_H
#define POLICYC_PREFIX_H

/* Addresses, prefixes and lists of prefixes. A prefix never has host bits set. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prefix4 {
	uint32_t addr;		/* host byte order */
	uint8_t prefixlen;	/* 0 to 32 */
	uint8_t reserved[3];	/* 0, as images hold prefixes as they are */
};

struct prefix6 {
	uint8_t addr[16];	/* network order */
	uint8_t prefixlen;	/* 0 to 128 */
};

/* IPv4 and IPv6 apart. Owns both arrays. */
struct prefix_list {
	struct prefix4 *v4;
	size_t nr_v4, room_v4;
	struct prefix6 *v6;
	size_t nr_v6, room_v6;
};

enum prefix_error {
	PREFIX_OK = 0,
	PREFIX_BAD_ADDRESS,	/* not an address at all */
	PREFIX_BAD_LENGTH,	/* the part after the slash */
	PREFIX_HOST_BITS,	/* bits set beyond the prefix length; *ret holds the masked prefix */
};

/* One parsed address or prefix of either family. */
struct any_prefix {
	uint8_t family;		/* 4 or 6 */
	struct prefix4 v4;
	struct prefix6 v6;
};

/* Parses `length` bytes: "192.0.2.1", "192.0.2.0/24", "2001:db8::/32". Decimal octets only, no
 * leading zeros (they mean octal to some parsers). Reads exactly `length` bytes, no NUL needed. */
enum prefix_error prefix_parse(const char *text, size_t length, struct any_prefix *ret);

/* "192.0.2.0/24", without the slash for a single address. `out` holds at least 64 bytes. */
void prefix4_format(const struct prefix4 *prefix, char *out, size_t size);
void prefix6_format(const struct prefix6 *prefix, char *out, size_t size);

/* The longest text of an IPv4 prefix, with one digit more, and what stands behind it. */
#define PREFIX4_LINE_BYTES 20

/* What stands behind the IPv4 prefix with which a text of at least PREFIX4_LINE_BYTES begins, if
 * prefix_parse() takes that prefix; or NULL. For lists of millions, of which this is most. */
const char *prefix4_read(const char *text, struct prefix4 *ret);

/* Room for so many of a family (4 or 6) in all, of which no more is touched than is used. 0 or
 * -ENOMEM. */
int prefix_list_reserve(struct prefix_list *list, uint8_t family, size_t count);

/* Append. 0 or -ENOMEM. */
int prefix_list_add(struct prefix_list *list, const struct any_prefix *prefix);
int prefix_list_add4(struct prefix_list *list, uint32_t addr, uint8_t prefixlen);
int prefix_list_add6(struct prefix_list *list, const uint8_t addr[16], uint8_t prefixlen);

/* Sorts by address then length, drops duplicates and prefixes that another one of the list covers.
 * The list afterwards is the smallest sorted set of *the given* prefixes with the same members
 * (neighbours are not joined). O(n log n), in place. */
void prefix_list_normalise(struct prefix_list *list);

/* Sorts in the same way and drops duplicates only. */
void prefix_list_deduplicate(struct prefix_list *list);

/* list := list minus the addresses in `except`. Both must be normalised; so is the result.
 * O(n + m + the pieces). 0, -E2BIG when more than SYNFW_MAX_PREFIXES would be left, or -ENOMEM; on
 * failure `list` is unchanged. */
int prefix_list_subtract(struct prefix_list *list, const struct prefix_list *except);

/* Membership by linear scan: for tests and for small lists. */
bool prefix_list_contains4(const struct prefix_list *list, uint32_t addr);
bool prefix_list_contains6(const struct prefix_list *list, const uint8_t addr[16]);

/* Hexadecimal digits of a digest, with the NUL. */
#define PREFIX_DIGEST_SIZE 17

/* Members change without their number changing; people and `diff` tell by this. */
void prefix_list_digest(const struct prefix_list *list, char ret_text[PREFIX_DIGEST_SIZE]);

size_t prefix_list_count(const struct prefix_list *list);

/* About how many MiB the tables of `count` prefixes take, so many of them of IPv6 as in the list,
 * which is not empty: measured with two million of a family anywhere in the unicast space, half
 * networks and half hosts, 27 bytes a prefix of IPv4 and 40 of IPv6, and 8 and 25 of the basis
 * (compile/basis.h). */
size_t prefix_tables_mib(const struct prefix_list *list, size_t count);

void prefix_list_done(struct prefix_list *list);

#endif
