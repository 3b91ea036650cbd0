/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "address_set.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#define MAX_PREFIXES 4000000
#define SEED	     20260101

static size_t address_bytes(const struct address_set *set)
{
	return set->family == 4 ? 4 : 16;
}

static size_t network_bytes(const struct address_set *set)
{
	return set->family == 4 ? 3 : 6;
}

/* Anywhere among the unicast addresses: 1.0.0.0 to 223.255.255.255, or 2000::/3. */
static void draw_address(const struct address_set *set, struct rng *rng, uint8_t ret_addr[16])
{
	memset(ret_addr, 0, 16);
	for (size_t i = 0; i < address_bytes(set); i++)
		ret_addr[i] = rng_below(rng, 256);
	ret_addr[0] = set->family == 4 ? 1 + rng_below(rng, 223) : 0x20 | ret_addr[0] >> 3;
}

static int compare_prefixes(const void *left, const void *right)
{
	const struct address_prefix *a = left, *b = right;

	return memcmp(a->example, b->example, sizeof(a->example));
}

/* Sorted networks without doubles; how many of `count` are left. */
static size_t keep_distinct(struct address_prefix *prefix, size_t count)
{
	size_t distinct = 1;

	qsort(prefix, count, sizeof(*prefix), compare_prefixes);
	for (size_t i = 1; i < count; i++)
		if (compare_prefixes(&prefix[i], &prefix[distinct - 1]))
			prefix[distinct++] = prefix[i];
	return distinct;
}

int address_set_draw(uint8_t family, size_t count, struct address_set *ret_set)
{
	struct address_set set = {.family = family, .count = count};
	struct rng rng = {SEED + family};
	size_t network, distinct = 0;

	if (!count || count > MAX_PREFIXES || (family != 4 && family != 6))
		return -EINVAL;
	network = network_bytes(&set);
	set.prefix = calloc(count, sizeof(*set.prefix));
	if (!set.prefix)
		return -ENOMEM;
	while (distinct < count) {
		for (size_t i = distinct; i < count; i++) {
			draw_address(&set, &rng, set.prefix[i].example);
			memset(set.prefix[i].example + network, 0, 16 - network);
		}
		distinct = keep_distinct(set.prefix, count);
	}
	for (size_t i = 0; i < count; i++) {
		struct address_prefix *prefix = &set.prefix[i];

		prefix->prefixlen = 8 * (i % 2 ? address_bytes(&set) : network);
		for (size_t byte = network; byte < address_bytes(&set); byte++)
			prefix->example[byte] = rng_below(&rng, 256);
	}
	*ret_set = set;
	return 0;
}

void address_set_done(struct address_set *set)
{
	free(set->prefix);
	*set = (struct address_set){};
}

bool address_set_contains(const struct address_set *set, const uint8_t addr[16])
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(set->prefix[middle].example, addr, network_bytes(set)) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < set->count &&
	       !memcmp(set->prefix[low].example, addr, set->prefix[low].prefixlen / 8);
}

void address_set_network(const struct address_set *set, size_t i, uint8_t ret_addr[16])
{
	memset(ret_addr, 0, 16);
	memcpy(ret_addr, set->prefix[i].example, set->prefix[i].prefixlen / 8);
}

void address_set_pick(const struct address_set *set, struct rng *rng, bool listed,
		      uint8_t ret_addr[16])
{
	if (listed) {
		memcpy(ret_addr, set->prefix[rng_below(rng, set->count)].example, 16);
		return;
	}
	do
		draw_address(set, rng, ret_addr);
	while (address_set_contains(set, ret_addr));
}

void address_set_write(const struct address_set *set, FILE *out)
{
	for (size_t i = 0; i < set->count; i++) {
		uint8_t prefixlen = set->prefix[i].prefixlen, network[16];
		char text[INET6_ADDRSTRLEN];

		address_set_network(set, i, network);
		inet_ntop(set->family == 4 ? AF_INET : AF_INET6, network, text, sizeof(text));
		if (prefixlen == 8 * address_bytes(set))
			fprintf(out, "%s\n", text);
		else
			fprintf(out, "%s/%u\n", text, prefixlen);
	}
}
