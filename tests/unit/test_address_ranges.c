/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From the sets of a policy to ranges of addresses of one class: random lists that are nested,
 * equal and adjacent, with both ends of the address space, compared with membership in each. A rule
 * for each set makes addresses of one class exactly those that are in the same sets.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include <compile/tables.h>
#include <policyc.h>
#include <synfw/cleanup.h>

#define NR_SETS	    5
#define NR_POLICIES 300

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static int load_nothing(void *context, const char *path, char **ret_text, size_t *ret_length,
			uint64_t *ret_mtime_ns)
{
	return -ENOENT;
}

static void write_prefix4(uint32_t *seed, FILE *out)
{
	static const uint32_t places[] = {0, 0x0a000000, 0x0a000100, 0x7fffff00, 0xffffff00};
	static const uint8_t lengths[] = {0, 1, 8, 23, 24, 28, 31, 32, 32, 32};
	uint32_t addr = places[next_random(seed) % 5] | next_random(seed) % 256;
	struct prefix4 prefix = {.prefixlen = lengths[next_random(seed) % 10]};
	char text[64];

	prefix.addr = prefix.prefixlen ? addr & ~0U << (32 - prefix.prefixlen) : 0;
	prefix4_format(&prefix, text, sizeof(text));
	fprintf(out, "\"%s\", ", text);
}

static void write_prefix6(uint32_t *seed, FILE *out)
{
	static const char *const places[] = {"::", "2001:db8::", "2001:db8::1:0",
					     "ffff::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff00"};
	static const uint8_t lengths[] = {0, 1, 16, 64, 112, 120, 127, 128, 128, 128};
	struct prefix6 prefix = {.prefixlen = lengths[next_random(seed) % 10]};
	char text[64];

	inet_pton(AF_INET6, places[next_random(seed) % 5], prefix.addr);
	prefix.addr[15] = next_random(seed);
	for (int bit = prefix.prefixlen; bit < 128; bit++)
		prefix.addr[bit / 8] &= ~(0x80 >> bit % 8);
	prefix6_format(&prefix, text, sizeof(text));
	fprintf(out, "\"%s\", ", text);
}

/* A policy with random sets, the first of which may be of one family only. */
static struct policy *draw_policy(uint32_t *seed, struct diags *diags)
{
	const struct policyc_loader loader = {.load = load_nothing};
	CLEANUP(cleanup_free) char *text = NULL;
	struct policy *policy = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	fprintf(out, "version: 1\nname: p\nsets:\n");
	for (int set = 0; set < NR_SETS; set++) {
		fprintf(out, "  s%d: [", set);
		for (uint32_t left = 1 + next_random(seed) % 8; left; left--)
			write_prefix4(seed, out);
		for (uint32_t left = set ? 1 + next_random(seed) % 8 : 0; left; left--)
			write_prefix6(seed, out);
		fprintf(out, "]\n");
	}
	fprintf(out, "rules:\n");
	for (int set = 0; set < NR_SETS; set++)
		fprintf(out, "  - {name: r%d, from: s%d, score: 1}\n", set, set);
	fclose(out);
	assert_int_equal(policyc_parse("p", text, size, &loader, diags, &policy), 0);
	return policy;
}

static uint32_t class_at(const struct ranges *ranges, address_t address)
{
	uint32_t class_id = 0;

	for (size_t i = 0; i < ranges->count && range_first(ranges, i) <= address; i++)
		class_id = range_class(ranges, i);
	return class_id;
}

/* Which of the sets have the address, one bit each. */
static uint32_t members_of(const struct policy *policy, enum family family, address_t address)
{
	uint32_t addr4 = address >> 96, members = 0;
	uint8_t addr6[16];

	for (int i = 0; i < 16; i++)
		addr6[i] = address >> (120 - 8 * i);
	for (int set = 0; set < NR_SETS; set++) {
		const struct prefix_list *list = &policy->sets[set].prefixes;

		if (family == FAMILY_4 ? prefix_list_contains4(list, addr4)
				       : prefix_list_contains6(list, addr6))
			members |= 1U << set;
	}
	return members;
}

/* Both sides of the place. The class that goes with each membership is learned. */
static void check_around(const struct policy *policy, enum family family,
			 const struct ranges *ranges, address_t place, int64_t *class_of)
{
	address_t step = family == FAMILY_4 ? (address_t)1 << 96 : 1;

	for (int side = 0; side < 3; side++) {
		address_t address = place + (side - 1) * step; /* goes around at the ends */
		uint32_t members = members_of(policy, family, address);
		uint32_t class_id = class_at(ranges, address);

		if (class_of[members] < 0)
			for (uint32_t other = 0; other < 1U << NR_SETS; other++)
				assert_true(class_of[other] != class_id);
		if (class_of[members] < 0)
			class_of[members] = class_id;
		assert_int_equal(class_of[members], class_id);
	}
}

static address_t first_of(const struct prefix_list *list, enum family family, size_t i)
{
	address_t first = 0;

	if (family == FAMILY_4)
		return (address_t)list->v4[i].addr << 96;
	for (int byte = 0; byte < 16; byte++)
		first = first << 8 | list->v6[i].addr[byte];
	return first;
}

static void check_family(const struct policy *policy, enum family family,
			 const struct ranges *ranges, int64_t *class_of)
{
	for (size_t i = 1; i < ranges->count; i++) {
		assert_true(range_first(ranges, i) > range_first(ranges, i - 1));
		assert_int_not_equal(range_class(ranges, i), range_class(ranges, i - 1));
	}
	check_around(policy, family, ranges, 0, class_of);
	for (int set = 0; set < NR_SETS; set++) {
		const struct prefix_list *list = &policy->sets[set].prefixes;
		size_t count = family == FAMILY_4 ? list->nr_v4 : list->nr_v6;

		for (size_t i = 0; i < count; i++) {
			uint8_t length =
				family == FAMILY_4 ? list->v4[i].prefixlen : list->v6[i].prefixlen;
			address_t first = first_of(list, family, i);

			check_around(policy, family, ranges, first, class_of);
			if (length && length < 128)
				check_around(policy, family, ranges,
					     first + ((address_t)1 << (128 - length)), class_of);
		}
	}
}

static void classes_are_memberships(void **state)
{
	uint32_t seed = 3;

	for (int number = 0; number < NR_POLICIES; number++) {
		CLEANUP(diags_freep) struct diags *diags = diags_new();
		struct policy *policy = draw_policy(&seed, diags);
		const struct policyc_options options = {};
		CLEANUP(bits_done) struct bits bits = {};
		struct build build = {.bits = &bits, .options = &options};
		int64_t class_of[1 << NR_SETS];

		memset(class_of, 0xff, sizeof(class_of));
		assert_int_equal(bits_init(&bits, policy, &options, diags), 0);
		assert_int_equal(vectors_init(&build.vectors, bits.count, SYNFW_MAX_TABLE_BYTES),
				 0);
		assert_int_equal(build_addresses(&build, SYNFW_DIR_SRC), 0);
		for (int family = 0; family < NR_FAMILIES; family++) {
			struct ranges *ranges = &build.addresses[SYNFW_DIR_SRC][family].ranges;

			check_family(policy, family, ranges, class_of);
			ranges_done(ranges);
		}
		vectors_done(&build.vectors);
		policy_free(policy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_are_memberships),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
