/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sets as the front end makes them: the reference model trusts the lists of a parsed policy, so
 * they are compared here with what the text says. Random sets, written inline and in files of every
 * format, each less another set or prefix; probed at both sides of each edge. Needs no kernel.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/policy_text.h"
#include "random/random_universe.h"
#include "model/reference.h"

#define NR_POLICIES  400
#define NR_SETS	     8
#define MAX_PREFIXES 40

/* A set as it was written. */
struct written {
	struct prefix4 v4[MAX_PREFIXES];
	struct prefix6 v6[MAX_PREFIXES];
	size_t nr_v4, nr_v6;
	int less; /* number of the set that is taken away, -1: none */
};

static bool in4(const struct prefix4 *prefix, const uint8_t *addr)
{
	uint32_t host = (uint32_t)addr[0] << 24 | addr[1] << 16 | addr[2] << 8 | addr[3];

	return prefix->prefixlen == 0 || (host ^ prefix->addr) >> (32 - prefix->prefixlen) == 0;
}

static bool in6(const struct prefix6 *prefix, const uint8_t *addr)
{
	unsigned int whole = prefix->prefixlen / 8, rest = prefix->prefixlen % 8;

	return memcmp(addr, prefix->addr, whole) == 0 &&
	       (rest == 0 || (addr[whole] ^ prefix->addr[whole]) >> (8 - rest) == 0);
}

static bool written_contains(const struct written sets[NR_SETS], int number, uint8_t family,
			     const uint8_t *addr)
{
	const struct written *set = &sets[number];
	bool listed = false;

	for (size_t i = 0; i < set->nr_v4 && family == 4; i++)
		listed |= in4(&set->v4[i], addr);
	for (size_t i = 0; i < set->nr_v6 && family == 6; i++)
		listed |= in6(&set->v6[i], addr);
	return listed && (set->less < 0 || !written_contains(sets, set->less, family, addr));
}

static void draw_set(const struct universe *universe, struct written *set, int number)
{
	struct rng *rng = universe->rng;

	*set = (struct written){.less = -1};
	set->nr_v4 = rng_between(rng, 1, MAX_PREFIXES - 1);
	set->nr_v6 = rng_between(rng, 1, MAX_PREFIXES - 1);
	for (size_t i = 0; i < set->nr_v4; i++)
		set->v4[i] = universe_prefix4(universe);
	for (size_t i = 0; i < set->nr_v6; i++)
		set->v6[i] = universe_prefix6(universe);
	if (number > 0 && rng_percent(rng, 70))
		set->less = rng_below(rng, number);
}

static void write_prefixes(const struct written *set, const char *format, FILE *out)
{
	char text[64];

	for (size_t i = 0; i < set->nr_v4; i++) {
		prefix4_format(&set->v4[i], text, sizeof(text));
		fprintf(out, format, text);
	}
	for (size_t i = 0; i < set->nr_v6; i++) {
		prefix6_format(&set->v6[i], text, sizeof(text));
		fprintf(out, format, text);
	}
}

static void write_file(struct rng *rng, struct policy_text *text, const struct written *set,
		       int number, FILE *out)
{
	static const char *const formats[][2] = {
		{"plain", "%s\n"},
		{"netset", "  %s\t# remark\r\n"},
		{"auto", "%s ; remark\n"},
		{"auto", "{\"cidr\":\"%s\"}\n"},
		{"spamhaus-json", "{\"sblid\":\"SBL1\",\"cidr\":\"%s\"}\r\n"},
	};
	size_t format = rng_below(rng, sizeof(formats) / sizeof(formats[0]));
	struct policy_file *file = &text->files[text->nr_files++];
	char guard[64];
	size_t length;
	FILE *contents = open_memstream(&file->text, &length);

	MUST(contents && asprintf(&file->path, "feeds/set-%d", number) > 0);
	write_prefixes(set, formats[format][1], contents);
	/* One member that nothing takes away: an empty set is an error. */
	fprintf(contents, formats[format][1], universe_guard_text(FAMILY_4, number, guard));
	MUST(fclose(contents) == 0);
	fprintf(out, "  set-%d:\n    file: %s\n    format: %s\n", number, file->path,
		formats[format][0]);
	if (set->less >= 0)
		fprintf(out, "    except: [set-%d, 198.51.100.0/24]\n", set->less);
}

static void draw_policy(struct rng *rng, struct written sets[NR_SETS], struct policy_text *ret_text)
{
	struct policy_text text = {.files = calloc(NR_SETS, sizeof(*text.files))};
	struct universe universe = {};
	size_t length;
	FILE *out = open_memstream(&text.head, &length);

	MUST(out && text.files);
	universe_init(&universe, rng, 5);
	fputs("version: 1\nname: sets\ninterfaces:\n  - name: eth0\nsets:\n", out);
	for (int i = 0; i < NR_SETS; i++) {
		draw_set(&universe, &sets[i], i);
		if (sets[i].less >= 0 || rng_percent(rng, 50)) {
			write_file(rng, &text, &sets[i], i, out);
			continue;
		}
		fprintf(out, "  set-%d:\n", i);
		write_prefixes(&sets[i], "    - \"%s\"\n", out);
	}
	MUST(fclose(out) == 0);
	*ret_text = text;
}

/* What a subtraction made must still be a list as prefix.h promises it. */
static bool is_normal(const struct prefix_list *list)
{
	for (size_t i = 1; i < list->nr_v4; i++) {
		const struct prefix4 *before = &list->v4[i - 1];
		uint32_t rest = before->prefixlen ? (1ULL << (32 - before->prefixlen)) - 1 : ~0U;

		if (list->v4[i].addr <= (before->addr | rest))
			return false;
	}
	for (size_t i = 1; i < list->nr_v6; i++)
		if (memcmp(list->v6[i - 1].addr, list->v6[i].addr, 16) >= 0 ||
		    in6(&list->v6[i - 1], list->v6[i].addr))
			return false;
	return true;
}

static void step(uint8_t addr[16], int bytes, int delta)
{
	for (int byte = bytes - 1; byte >= 0 && delta; byte--) {
		int sum = addr[byte] + delta;

		addr[byte] = sum;
		delta = sum >> 8;
	}
}

struct probe {
	const struct written *sets;
	const struct policy *policy;
	uint64_t checks, members;
};

static bool probe_agrees(struct probe *probe, uint8_t family, const uint8_t addr[16])
{
	for (int i = 0; i < NR_SETS; i++) {
		bool expected = written_contains(probe->sets, i, family, addr);
		const struct prefix_list *list = &probe->policy->sets[i].prefixes;

		probe->checks++;
		probe->members += expected;
		if (reference_list_contains(list, family, addr) == expected)
			continue;
		fprintf(stderr, "set-%d: an IPv%u address at an edge should%s be a member:", i,
			family, expected ? "" : " not");
		for (int byte = 0; byte < (family == 4 ? 4 : 16); byte++)
			fprintf(stderr, " %02x", addr[byte]);
		fputc('\n', stderr);
		return false;
	}
	return true;
}

/* Both sides of both edges of a prefix of `bytes` bytes. */
static bool edges_agree(struct probe *probe, uint8_t family, const uint8_t *prefix, int bytes,
			unsigned int prefixlen)
{
	uint8_t first[16] = {}, last[16] = {};

	memcpy(first, prefix, bytes);
	memcpy(last, prefix, bytes);
	for (int bit = prefixlen; bit < 8 * bytes; bit++)
		last[bit / 8] |= 0x80 >> bit % 8;
	if (!probe_agrees(probe, family, first) || !probe_agrees(probe, family, last))
		return false;
	step(first, bytes, -1);
	step(last, bytes, 1);
	return probe_agrees(probe, family, first) && probe_agrees(probe, family, last);
}

static bool set_agrees(struct probe *probe, const struct written *set)
{
	for (size_t i = 0; i < set->nr_v4; i++) {
		uint32_t addr = set->v4[i].addr;
		const uint8_t bytes[4] = {addr >> 24, addr >> 16, addr >> 8, addr};

		if (!edges_agree(probe, 4, bytes, 4, set->v4[i].prefixlen))
			return false;
	}
	for (size_t i = 0; i < set->nr_v6; i++)
		if (!edges_agree(probe, 6, set->v6[i].addr, 16, set->v6[i].prefixlen))
			return false;
	return true;
}

static bool policy_agrees(uint64_t seed, uint64_t *checks, uint64_t *members)
{
	static const struct policyc_options options;
	struct rng rng = {seed};
	struct written sets[NR_SETS];
	struct policy_text text;
	struct compiled compiled;
	bool agrees;

	draw_policy(&rng, sets, &text);
	agrees = policy_text_compile(&text, &options, stderr, &compiled) == 0;
	if (agrees) {
		struct probe probe = {.sets = sets, .policy = compiled.policy};

		for (int i = 0; i < NR_SETS && agrees; i++)
			agrees = is_normal(&compiled.policy->sets[i].prefixes) &&
				 set_agrees(&probe, &sets[i]);
		*checks += probe.checks;
		*members += probe.members;
		compiled_done(&compiled);
	}
	if (!agrees)
		fprintf(stderr, "the sets of policy %" PRIu64 " are not what is written\n", seed);
	policy_text_done(&text);
	return agrees;
}

int main(void)
{
	uint64_t checks = 0, members = 0;

	for (uint64_t seed = 1; seed <= NR_POLICIES; seed++)
		if (!policy_agrees(seed, &checks, &members))
			return EXIT_FAILURE;
	printf("%d policies, %" PRIu64 " memberships, %" PRIu64 " of them true: as written\n",
	       NR_POLICIES, checks, members);
	return members > 0 && members < checks ? EXIT_SUCCESS : EXIT_FAILURE;
}
