/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "unit.h"

#include <prefix.h>
#include <synfw/cleanup.h>

static enum prefix_error parse(const char *text, struct any_prefix *prefix)
{
	return prefix_parse(text, strlen(text), prefix);
}

static void assert_reads_as(const char *text, const char *canonical)
{
	struct any_prefix prefix;
	char printed[64];

	assert_int_equal(parse(text, &prefix), PREFIX_OK);
	if (prefix.family == 4)
		prefix4_format(&prefix.v4, printed, sizeof(printed));
	else
		prefix6_format(&prefix.v6, printed, sizeof(printed));
	assert_string_equal(printed, canonical);
}

static void reads_ipv4(void **state)
{
	assert_reads_as("192.0.2.1", "192.0.2.1");
	assert_reads_as("192.0.2.0/24", "192.0.2.0/24");
	assert_reads_as("192.0.2.1/32", "192.0.2.1");
	assert_reads_as("0.0.0.0/0", "0.0.0.0/0");
	assert_reads_as("255.255.255.255", "255.255.255.255");
}

static void reads_ipv6(void **state)
{
	assert_reads_as("::", "::");
	assert_reads_as("::/0", "::/0");
	assert_reads_as("::1", "::1");
	assert_reads_as("1::", "1::");
	assert_reads_as("2001:DB8::1", "2001:db8::1");
	assert_reads_as("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8");
	assert_reads_as("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0");
	assert_reads_as("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8");
	assert_reads_as("::ffff:192.0.2.1", "::ffff:192.0.2.1");
	assert_reads_as("64:ff9b::192.0.2.33", "64:ff9b::c000:221");
	assert_reads_as("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304");
	assert_reads_as("2001:db8:8000::/33", "2001:db8:8000::/33");
}

static void rejects_what_is_no_address(void **state)
{
	static const char *const texts[] = {
		"",
		"/",
		"/8",
		"1",
		"1.2.3",
		"1.2.3.",
		"1.2.3.4.",
		".1.2.3",
		"1..2.3",
		"1.2.3.4.5",
		"1.2.3.256",
		"1.2.3.0004",
		"01.2.3.4",
		"1.2.3.4 ",
		" 1.2.3.4",
		"1.2.3.x",
		"-1.2.3.4",
		":",
		":::",
		"1:",
		":1",
		"1:2",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"1::2::3",
		"1:2:3:4:5:6:7:8::",
		"::1:2:3:4:5:6:7:8",
		"12345::",
		"g::",
		"1:2:3:4:5:6:7:1.2.3.4",
		"::1.2.3",
		"::1.2.3.4:5",
		"1.2.3.4::",
		"fe80::1%eth0",
		"[::1]",
	};
	struct any_prefix prefix;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (parse(texts[i], &prefix) != PREFIX_BAD_ADDRESS)
			fail_msg("\"%s\" is taken for an address", texts[i]);
}

static void rejects_bad_lengths(void **state)
{
	static const char *const texts[] = {
		"10.0.0.0/",	"10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/8 ", "10.0.0.0/+8",
		"10.0.0.0/8/8", "::/129",      "::/",	      "::/0128",     "10.0.0.0/4294967304",
	};
	struct any_prefix prefix;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (parse(texts[i], &prefix) != PREFIX_BAD_LENGTH)
			fail_msg("\"%s\" has a good length", texts[i]);
}

static void rejects_host_bits_and_says_the_prefix(void **state)
{
	static const char *const texts[][2] = {
		{"10.1.2.3/8", "10.0.0.0/8"},
		{"0.0.0.1/0", "0.0.0.0/0"},
		{"192.0.2.1/31", "192.0.2.0/31"},
		{"2001:db8::1/127", "2001:db8::/127"},
		{"2001:db8:ffff::/33", "2001:db8:8000::/33"},
		{"::1/0", "::/0"},
	};
	struct any_prefix prefix;
	char printed[64];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(parse(texts[i][0], &prefix), PREFIX_HOST_BITS);
		if (prefix.family == 4)
			prefix4_format(&prefix.v4, printed, sizeof(printed));
		else
			prefix6_format(&prefix.v6, printed, sizeof(printed));
		assert_string_equal(printed, texts[i][1]);
	}
}

static void reads_no_byte_beyond_its_length(void **state)
{
	struct any_prefix prefix;

	assert_int_equal(prefix_parse("10.0.0.0/88", 10, &prefix), PREFIX_OK);
	assert_int_equal(prefix.v4.prefixlen, 8);
	assert_int_equal(prefix_parse("10.0.0.123", 8, &prefix), PREFIX_OK);
	assert_int_equal(prefix.v4.addr, 0x0a000001);
	assert_int_equal(prefix_parse("10.0.0.1", 0, &prefix), PREFIX_BAD_ADDRESS);
}

/* xorshift32 (Marsaglia 2003): the same sequence everywhere. */
static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* A prefix, of which some characters may be others, and what stands behind it, in memory that ends
 * there. */
static char *draw_line(uint32_t *seed)
{
	static const char alphabet[] = "0123456789./\n :a";
	char *line = malloc(PREFIX4_LINE_BYTES), text[64];
	uint32_t addr = next_random(seed) << 16 ^ next_random(seed);
	uint32_t prefixlen = next_random(seed) % 34;

	assert_non_null(line);
	if (next_random(seed) % 4)
		addr = prefixlen && prefixlen <= 32 ? addr & ~0U << (32 - prefixlen) : 0;
	snprintf(text, sizeof(text), "%u.%u.%u.%u/%u", addr >> 24, addr >> 16 & 255,
		 addr >> 8 & 255, addr & 255, prefixlen);
	if (next_random(seed) % 3 == 0)
		*strchr(text, '/') = '\0';
	memset(line, '\n', PREFIX4_LINE_BYTES);
	memcpy(line, text, strlen(text));
	for (uint32_t changes = next_random(seed) % 3; changes; changes--)
		line[next_random(seed) % PREFIX4_LINE_BYTES] =
			alphabet[next_random(seed) % (sizeof(alphabet) - 1)];
	return line;
}

/* How many characters of a line an IPv4 prefix may have. */
static size_t span_of(const char *line)
{
	size_t length = 0;

	while (length < PREFIX4_LINE_BYTES && line[length] && strchr("0123456789./", line[length]))
		length++;
	return length;
}

static void reads_a_line_as_it_parses_it(void **state)
{
	uint32_t seed = 11, taken = 0;

	for (int i = 0; i < 300000; i++) {
		CLEANUP(cleanup_free) char *line = draw_line(&seed);
		struct prefix4 prefix;
		struct any_prefix parsed;
		const char *behind = prefix4_read(line, &prefix);
		size_t length = span_of(line);

		if (length == PREFIX4_LINE_BYTES)
			continue;
		if (!behind || line + length != behind) {
			assert_true(prefix_parse(line, length, &parsed) != PREFIX_OK);
			continue;
		}
		assert_int_equal(prefix_parse(line, length, &parsed), PREFIX_OK);
		assert_int_equal(prefix.addr, parsed.v4.addr);
		assert_int_equal(prefix.prefixlen, parsed.v4.prefixlen);
		taken++;
	}
	assert_in_range(taken, 50000, 250000);
}

static void add(struct prefix_list *list, const char *text)
{
	struct any_prefix prefix;

	assert_int_equal(parse(text, &prefix), PREFIX_OK);
	assert_int_equal(prefix_list_add(list, &prefix), 0);
}

static void assert_list(const struct prefix_list *list, const char *expected)
{
	char text[1024] = "", one[64];

	for (size_t i = 0; i < list->nr_v4; i++) {
		prefix4_format(&list->v4[i], one, sizeof(one));
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s", one);
	}
	for (size_t i = 0; i < list->nr_v6; i++) {
		prefix6_format(&list->v6[i], one, sizeof(one));
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s", one);
	}
	assert_string_equal(text, expected);
}

static void normalising_sorts_and_drops_what_is_covered(void **state)
{
	CLEANUP(prefix_list_done) struct prefix_list list = {0};

	add(&list, "192.0.2.128/25");
	add(&list, "10.0.0.0/9");
	add(&list, "2001:db8:1::/48");
	add(&list, "10.128.0.0/9");
	add(&list, "192.0.2.0/24");
	add(&list, "10.0.0.0/9");
	add(&list, "2001:db8::/32");
	add(&list, "192.0.2.255");
	prefix_list_normalise(&list);
	assert_list(&list, " 10.0.0.0/9 10.128.0.0/9 192.0.2.0/24 2001:db8::/32");
}

static void deduplicating_keeps_what_is_covered(void **state)
{
	CLEANUP(prefix_list_done) struct prefix_list list = {0};

	add(&list, "10.1.0.0/16");
	add(&list, "10.0.0.0/8");
	add(&list, "::1");
	add(&list, "10.1.0.0/16");
	add(&list, "::1");
	prefix_list_deduplicate(&list);
	assert_list(&list, " 10.0.0.0/8 10.1.0.0/16 ::1");
}

static void subtracting_leaves_the_fewest_prefixes(void **state)
{
	CLEANUP(prefix_list_done) struct prefix_list list = {0}, except = {0};

	add(&list, "10.0.0.0/29");
	add(&list, "172.16.0.0/12");
	add(&list, "192.0.2.0/24");
	add(&list, "::/126");
	add(&except, "10.0.0.5");
	add(&except, "172.0.0.0/8");
	add(&except, "::1");
	add(&except, "::2");
	prefix_list_normalise(&except);
	assert_int_equal(prefix_list_subtract(&list, &except), 0);
	assert_list(&list, " 10.0.0.0/30 10.0.0.4 10.0.0.6/31 192.0.2.0/24 :: ::3");
}

static void subtracting_everything_leaves_nothing(void **state)
{
	CLEANUP(prefix_list_done) struct prefix_list list = {0}, except = {0};

	add(&list, "0.0.0.0/0");
	add(&list, "::/0");
	add(&except, "0.0.0.0/1");
	add(&except, "128.0.0.0/1");
	add(&except, "::/1");
	add(&except, "8000::/1");
	assert_int_equal(prefix_list_subtract(&list, &except), 0);
	assert_int_equal(prefix_list_count(&list), 0);
}

static void one_hole_may_span_several_prefixes(void **state)
{
	CLEANUP(prefix_list_done) struct prefix_list list = {0}, except = {0};

	add(&list, "10.0.0.0/25");
	add(&list, "10.0.0.128/25");
	add(&list, "10.0.1.0/24");
	add(&except, "10.0.0.0/24");
	assert_int_equal(prefix_list_subtract(&list, &except), 0);
	assert_list(&list, " 10.0.1.0/24");
}

/* Prefixes of ten bits below 10.0.0.0 and 2001:db8::, so that they overlap all the time. */
static void add_random(struct prefix_list *list, uint32_t *seed)
{
	uint8_t host_bits = (uint8_t)(next_random(seed) % 10);
	uint32_t low = (next_random(seed) & 0x3ff) >> host_bits << host_bits;
	uint8_t addr[16] = {0x20, 0x01, 0x0d, 0xb8};

	addr[14] = (uint8_t)(low >> 8);
	addr[15] = (uint8_t)low;
	assert_int_equal(prefix_list_add4(list, 0x0a000000 | low, (uint8_t)(32 - host_bits)), 0);
	assert_int_equal(prefix_list_add6(list, addr, (uint8_t)(128 - host_bits)), 0);
}

static void assert_sorted_and_disjoint(const struct prefix_list *list)
{
	for (size_t i = 1; i < list->nr_v4; i++) {
		const struct prefix4 *before = &list->v4[i - 1];

		assert_true(before->addr + ((1ULL << (32 - before->prefixlen)) - 1) <
			    list->v4[i].addr);
	}
	for (size_t i = 1; i < list->nr_v6; i++)
		assert_true(memcmp(list->v6[i - 1].addr, list->v6[i].addr, 16) < 0);
}

static void agrees_with_membership_on_random_lists(void **state)
{
	uint32_t seed = 20240229;

	for (int round = 0; round < 300; round++) {
		CLEANUP(prefix_list_done) struct prefix_list list = {0}, except = {0};
		uint32_t sizes = next_random(&seed);
		bool before[1024], hole[1024];

		for (uint32_t i = 0; i < 1 + sizes % 40; i++)
			add_random(&list, &seed);
		for (uint32_t i = 0; i < sizes / 64 % 40; i++)
			add_random(&except, &seed);
		for (uint32_t low = 0; low < 1024; low++) {
			before[low] = prefix_list_contains4(&list, 0x0a000000 | low);
			hole[low] = prefix_list_contains4(&except, 0x0a000000 | low);
		}
		prefix_list_normalise(&list);
		prefix_list_normalise(&except);
		assert_sorted_and_disjoint(&list);
		for (uint32_t low = 0; low < 1024; low++)
			assert_int_equal(prefix_list_contains4(&list, 0x0a000000 | low),
					 before[low]);
		assert_int_equal(prefix_list_subtract(&list, &except), 0);
		assert_sorted_and_disjoint(&list);
		for (uint32_t low = 0; low < 1024; low++) {
			uint8_t addr[16] = {0x20, 0x01, 0x0d, 0xb8};

			addr[14] = (uint8_t)(low >> 8);
			addr[15] = (uint8_t)low;
			assert_int_equal(prefix_list_contains4(&list, 0x0a000000 | low),
					 before[low] && !hole[low]);
			assert_int_equal(prefix_list_contains6(&list, addr),
					 before[low] && !hole[low]);
		}
	}
}

static int compare_bytes6(const void *a, const void *b)
{
	const struct prefix6 *left = a, *right = b;
	int order = memcmp(left->addr, right->addr, sizeof(left->addr));

	return order ? order : (int)left->prefixlen - (int)right->prefixlen;
}

/* `networks` of 64 bits, or all different ones when that is 0; few are there twice. */
static void assert_sorts6(uint32_t networks, size_t count)
{
	CLEANUP(prefix_list_done) struct prefix_list list = {0};
	CLEANUP(cleanup_free) struct prefix6 *expected = calloc(count, sizeof(*expected));
	uint32_t seed = 11 + networks;
	size_t kept = 0;

	assert_non_null(expected);
	for (size_t i = 0; i < count; i++) {
		uint32_t network =
			networks ? next_random(&seed) % networks * 2654435761U : next_random(&seed);
		uint8_t addr[16] = {0x20, 0x01}, prefixlen = 128 - next_random(&seed) % 3;

		memcpy(addr + 4, &network, sizeof(network));
		addr[8] = (uint8_t)next_random(&seed);
		addr[14] = (uint8_t)next_random(&seed);
		memcpy(expected[i].addr, addr, sizeof(addr));
		expected[i].prefixlen = prefixlen;
		assert_int_equal(prefix_list_add6(&list, addr, prefixlen), 0);
	}
	qsort(expected, count, sizeof(*expected), compare_bytes6);
	for (size_t i = 0; i < count; i++)
		if (!kept || compare_bytes6(&expected[kept - 1], &expected[i]))
			expected[kept++] = expected[i];
	prefix_list_deduplicate(&list);
	assert_int_equal(list.nr_v6, kept);
	assert_memory_equal(list.v6, expected, kept * sizeof(*expected));
}

static void sorts_long_lists_of_ipv6(void **state)
{
	assert_sorts6(0, 1023);
	assert_sorts6(0, 1024);
	assert_sorts6(0, 20000);
	assert_sorts6(50, 20000);
	assert_sorts6(1, 5000);
}

static void room_is_as_much_as_was_asked_for(void **state)
{
	CLEANUP(prefix_list_done) struct prefix_list list = {0};

	assert_int_equal(prefix_list_reserve(&list, 4, 3), 0);
	assert_int_equal(prefix_list_reserve(&list, 6, 5), 0);
	assert_int_equal(prefix_list_reserve(&list, 4, 2), 0);
	assert_int_equal(list.room_v4, 3);
	assert_int_equal(list.room_v6, 5);
	assert_int_equal(prefix_list_count(&list), 0);
	for (uint32_t i = 0; i < 100; i++) {
		const uint8_t addr[16] = {0xfd, (uint8_t)i};

		assert_int_equal(prefix_list_add4(&list, i << 8, 24), 0);
		assert_int_equal(prefix_list_add6(&list, addr, 16), 0);
	}
	assert_int_equal(list.v4[99].addr, 99 << 8);
	assert_int_equal(list.v6[99].addr[1], 99);
}

static int compare_bits4(const void *a, const void *b)
{
	const struct prefix4 *left = a, *right = b;
	uint64_t left_bits = (uint64_t)left->addr << 8 | left->prefixlen;
	uint64_t right_bits = (uint64_t)right->addr << 8 | right->prefixlen;

	return left_bits < right_bits ? -1 : left_bits > right_bits;
}

static void sorts_long_lists_by_address_then_length(void **state)
{
	CLEANUP(prefix_list_done) struct prefix_list list = {0};
	static struct prefix4 expected[5000];
	uint32_t seed = 7;
	size_t kept = 0;

	for (size_t i = 0; i < 5000; i++) {
		uint8_t prefixlen = (uint8_t)(1 + next_random(&seed) % 32);
		uint32_t addr = next_random(&seed) << 16 ^ next_random(&seed);

		addr &= 0xffffffffU << (32 - prefixlen);
		expected[i] = (struct prefix4){.addr = addr, .prefixlen = prefixlen};
		assert_int_equal(prefix_list_add4(&list, addr, prefixlen), 0);
	}
	qsort(expected, 5000, sizeof(expected[0]), compare_bits4);
	for (size_t i = 0; i < 5000; i++)
		if (!kept || compare_bits4(&expected[kept - 1], &expected[i]))
			expected[kept++] = expected[i];
	prefix_list_deduplicate(&list);
	assert_true(kept > 2500);
	assert_int_equal(list.nr_v4, kept);
	for (size_t i = 0; i < kept; i++)
		assert_int_equal(compare_bits4(&list.v4[i], &expected[i]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_ipv4),
		cmocka_unit_test(reads_ipv6),
		cmocka_unit_test(rejects_what_is_no_address),
		cmocka_unit_test(rejects_bad_lengths),
		cmocka_unit_test(rejects_host_bits_and_says_the_prefix),
		cmocka_unit_test(reads_no_byte_beyond_its_length),
		cmocka_unit_test(reads_a_line_as_it_parses_it),
		cmocka_unit_test(normalising_sorts_and_drops_what_is_covered),
		cmocka_unit_test(deduplicating_keeps_what_is_covered),
		cmocka_unit_test(subtracting_leaves_the_fewest_prefixes),
		cmocka_unit_test(subtracting_everything_leaves_nothing),
		cmocka_unit_test(one_hole_may_span_several_prefixes),
		cmocka_unit_test(agrees_with_membership_on_random_lists),
		cmocka_unit_test(sorts_long_lists_by_address_then_length),
		cmocka_unit_test(sorts_long_lists_of_ipv6),
		cmocka_unit_test(room_is_as_much_as_was_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
