/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "prefix.h"

#include <errno.h>
#include <string.h>

#include <synfw/abi.h>
#include <synfw/cleanup.h>

/* Both families are subtracted as ranges of 128-bit numbers; IPv4 uses the low 32 bits. */
typedef unsigned __int128 address;

struct range {
	address first, last;
};

struct family {
	unsigned int bits;
	size_t (*count)(const struct prefix_list *list);
	struct range (*get)(const struct prefix_list *list, size_t i);
	int (*add)(struct prefix_list *list, address addr, unsigned int prefixlen);
};

static address low_bits(unsigned int count)
{
	return count >= 128 ? ~(address)0 : ((address)1 << count) - 1;
}

static size_t count4(const struct prefix_list *list)
{
	return list->nr_v4;
}

static struct range get4(const struct prefix_list *list, size_t i)
{
	address first = list->v4[i].addr;

	return (struct range){first, first | low_bits(32U - list->v4[i].prefixlen)};
}

static int add4(struct prefix_list *list, address addr, unsigned int prefixlen)
{
	return prefix_list_add4(list, (uint32_t)addr, (uint8_t)prefixlen);
}

static size_t count6(const struct prefix_list *list)
{
	return list->nr_v6;
}

static struct range get6(const struct prefix_list *list, size_t i)
{
	address first = 0;

	for (int byte = 0; byte < 16; byte++)
		first = first << 8 | list->v6[i].addr[byte];
	return (struct range){first, first | low_bits(128U - list->v6[i].prefixlen)};
}

static int add6(struct prefix_list *list, address addr, unsigned int prefixlen)
{
	uint8_t bytes[16];

	for (int byte = 15; byte >= 0; byte--, addr >>= 8)
		bytes[byte] = (uint8_t)addr;
	return prefix_list_add6(list, bytes, (uint8_t)prefixlen);
}

static const struct family families[] = {
	{32, count4, get4, add4},
	{128, count6, get6, add6},
};

/* Adds the fewest prefixes that cover exactly first..last: each as large as the alignment of its
 * start and the end of the range allow. */
static int add_range(const struct family *family, struct prefix_list *list, address first,
		     address last)
{
	for (;;) {
		unsigned int host_bits = 0;
		int err;

		while (host_bits < family->bits && !(first & low_bits(host_bits + 1)) &&
		       last - first >= low_bits(host_bits + 1))
			host_bits++;
		if (family->count(list) >= SYNFW_MAX_PREFIXES)
			return -E2BIG;
		err = family->add(list, first, family->bits - host_bits);
		if (err)
			return err;
		if (last - first == low_bits(host_bits))
			return 0;
		first += low_bits(host_bits) + 1;
	}
}

static int subtract_family(const struct family *family, const struct prefix_list *list,
			   const struct prefix_list *except, struct prefix_list *result)
{
	size_t cut = 0, cuts = family->count(except);

	for (size_t i = 0; i < family->count(list); i++) {
		struct range rest = family->get(list, i);
		bool nothing_left = false;
		int err;

		for (; cut < cuts; cut++) {
			struct range hole = family->get(except, cut);

			if (hole.last < rest.first)
				continue;
			if (hole.first > rest.last)
				break;
			if (hole.first > rest.first) {
				err = add_range(family, result, rest.first, hole.first - 1);
				if (err)
					return err;
			}
			/* A hole that reaches the end may also cover the next prefix: keep it. */
			nothing_left = hole.last >= rest.last;
			if (nothing_left)
				break;
			rest.first = hole.last + 1;
		}
		if (nothing_left)
			continue;
		err = add_range(family, result, rest.first, rest.last);
		if (err)
			return err;
	}
	return 0;
}

int prefix_list_subtract(struct prefix_list *list, const struct prefix_list *except)
{
	CLEANUP(prefix_list_done) struct prefix_list result = {0};

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		int err = subtract_family(&families[i], list, except, &result);

		if (err)
			return err;
	}
	prefix_list_done(list);
	*list = result;
	result = (struct prefix_list){0};
	return 0;
}
