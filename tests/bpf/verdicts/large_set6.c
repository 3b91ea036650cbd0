/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IPv6 sets on both sides of the switch to a root with lists: at both sides of both edges of many
 * prefixes, the BPF program and the image are compared with a search in the ranges that this test
 * made itself. Prefixes stand alone and close together, in 2000::/3, at its ends and outside of it.
 * The reference model would scan the whole set for each packet, so it is not asked.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/bpf.h>

#include <synfw/cleanup.h>

#include "model/frame.h"
#include "model/image_eval.h"
#include "model/image_trie.h"
#include "base/must.h"
#include "base/policy_text.h"
#include "base/random.h"
#include "base/scale.h"
#include "verdicts/verdicts.h"

#define SEED	   6000000
#define MAX_RANGES 600000

typedef unsigned __int128 address_t;

static size_t nr_probed(void)
{
	return scaled(8000, 2500);
}

static uint32_t nr_strangers(void)
{
	return scaled(8000, 200);
}

static const struct policyc_interface eth0 = {"eth0", 1};
static const struct policyc_options options = {.interfaces = &eth0, .nr_interfaces = 1};

struct range {
	address_t first, last;
};

/* Sorted and disjoint, with an address between two of them. */
struct ranges {
	struct range *range;
	size_t count;
};

/* A set that rules name in one direction, and what judges it. */
struct bench {
	struct datapath *datapath;
	struct image *image;
	const struct ranges *ranges;
	enum synfw_direction direction;
};

/* What the answers went through. A way that no probe took would prove nothing about it. */
static struct {
	uint64_t listed, unlisted, in_root, behind_root, outlined, lists, steps, tails, deepest;
} seen;

static address_t address_draw(struct rng *rng)
{
	return (address_t)rng_next(rng) << 64 | rng_next(rng);
}

static int compare_ranges(const void *left, const void *right)
{
	const struct range *a = left, *b = right;

	return a->first < b->first ? -1 : a->first > b->first;
}

/* Networks of 48 bits and hosts anywhere in 2000::/3, four of ten in one of a hundred blocks of 21
 * bits, which are dense, and some outside; the last are at the ends. */
static struct range range_draw(struct rng *rng, size_t i)
{
	address_t addr = address_draw(rng), size = i % 2 ? 1 : (address_t)1 << 80;

	if (i % 50)
		addr = addr >> 3 | (address_t)1 << 125;
	if (i % 10 < 4 && i % 50)
		addr = (addr & (((address_t)1 << 107) - 1)) |
		       (address_t)(1 << 18 | rng_below(rng, 100) * 2003) << 107;
	addr -= addr % size;
	return (struct range){addr, addr + size - 1};
}

/* 1fff:...:ffff, 2000::, 3fff:...:ffff, 4000:: */
static const struct range ends[] = {
	{((address_t)1 << 125) - 1, ((address_t)1 << 125)},
	{((address_t)1 << 126) - 1, ((address_t)1 << 126)},
};

static struct ranges ranges_draw(size_t count)
{
	struct ranges ranges = {.range = calloc(count, sizeof(*ranges.range))};
	struct rng rng = {SEED + count};
	size_t nr_ends = sizeof(ends) / sizeof(ends[0]), kept = 0;

	MUST(ranges.range);
	for (size_t i = 0; i < count; i++)
		ranges.range[i] = i < nr_ends ? ends[i] : range_draw(&rng, i);
	qsort(ranges.range, count, sizeof(*ranges.range), compare_ranges);
	for (size_t i = 0; i < count; i++)
		if (!kept || ranges.range[i].first > ranges.range[kept - 1].last + 1)
			ranges.range[kept++] = ranges.range[i];
	ranges.count = kept;
	return ranges;
}

static bool is_listed(const struct ranges *ranges, address_t addr)
{
	size_t low = 0, high = ranges->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ranges->range[middle].last < addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < ranges->count && ranges->range[low].first <= addr;
}

static void put_address(uint8_t out[16], address_t addr)
{
	for (int byte = 0; byte < 16; byte++)
		out[byte] = addr >> (120 - 8 * byte);
}

/* Two addresses are two prefixes; all else is one of 48 bits or a host. */
static char *set_text(const struct ranges *ranges)
{
	char *text = NULL, address[INET6_ADDRSTRLEN];
	size_t length;
	FILE *out = open_memstream(&text, &length);

	MUST(out);
	for (size_t i = 0; i < ranges->count; i++) {
		const struct range *range = &ranges->range[i];
		bool network = range->last - range->first > 1;
		uint8_t bytes[16];

		for (address_t addr = range->first; addr <= range->last; addr++) {
			put_address(bytes, addr);
			inet_ntop(AF_INET6, bytes, address, sizeof(address));
			fprintf(out, "%s%s\n", address, network ? "/48" : "");
			if (network)
				break;
		}
	}
	MUST(fclose(out) == 0);
	return text;
}

static const char *const rules[SYNFW_NR_DIRS] = {
	[SYNFW_DIR_SRC] = "  - {name: listed, from: large, action: drop}\n",
	[SYNFW_DIR_DST] = "  - {name: listed, to-address: large, action: drop}\n",
};

static void policy_make(const struct ranges *ranges, enum synfw_direction direction,
			struct policy_text *ret_text)
{
	struct policy_text text = {
		.head = strdup("version: 1\nname: large-set6\ninterfaces:\n  - name: eth0\n"
			       "defaults: {incoming: allow}\n"
			       "sets:\n  large:\n    file: feeds/large.netset\n"),
		.rules = calloc(1, sizeof(*text.rules)),
		.nr_rules = 1,
		.files = calloc(1, sizeof(*text.files)),
		.nr_files = 1,
	};

	MUST(text.head && text.rules && text.files);
	MUST((text.rules[0] = strdup(rules[direction])));
	MUST((text.files[0].path = strdup("feeds/large.netset")));
	text.files[0].text = set_text(ranges);
	*ret_text = text;
}

static void note_path(const struct bench *bench, const uint8_t addr[16])
{
	bool lists = image_class_tables(bench->image)->trie6_lists_bits[bench->direction];
	struct image_path path;

	image_class(bench->image, bench->direction, 6, addr, &path);
	if (lists && addr[0] >> 5 == 1) {
		seen.in_root += path.nr_records == 1;
		seen.behind_root += path.nr_records > 1;
	}
	seen.outlined += path.outlined;
	seen.lists += path.nr_lists6;
	seen.steps += path.nr_steps;
	seen.tails += path.nr_tails;
	if (path.nr_records > seen.deepest)
		seen.deepest = path.nr_records;
}

static bool address_agrees(const struct bench *bench, address_t addr)
{
	bool listed = is_listed(bench->ranges, addr);
	enum synfw_verdict verdict = listed ? SYNFW_DROP : SYNFW_ALLOW;
	struct frame_spec spec = FRAME_SPEC_DEFAULT;
	uint8_t *place = bench->direction == SYNFW_DIR_SRC ? spec.saddr : spec.daddr;
	struct judgement said, bpf;
	char text[INET6_ADDRSTRLEN];
	struct frame frame;
	uint32_t action;

	spec.family = 6;
	put_address(place, addr);
	frame_build(&spec, &frame);
	said = image_judge(bench->image, NULL, frame.byte, frame.length, eth0.slot);
	MUST(datapath_trace(bench->datapath, frame.byte, frame.length, eth0.slot, &bpf) == 0);
	MUST(datapath_run(bench->datapath, frame.byte, frame.length, eth0.slot, &action) == 0);
	note_path(bench, place);
	seen.listed += listed;
	seen.unlisted += !listed;
	if (said.verdict == verdict && bpf.verdict == verdict &&
	    action == (listed ? XDP_DROP : XDP_PASS))
		return true;
	inet_ntop(AF_INET6, place, text, sizeof(text));
	fprintf(stderr, "%s is%s listed; the image says %d, BPF %d, action %u\n", text,
		listed ? "" : " not", said.verdict, bpf.verdict, action);
	return false;
}

static bool ranges_agree(const struct bench *bench)
{
	const struct ranges *ranges = bench->ranges;
	size_t nr_ends = 0, step = ranges->count / nr_probed() + 1;
	bool agree = true;

	for (size_t i = 0; i < ranges->count && agree; i++) {
		const struct range *range = &ranges->range[i];
		bool end = range->last - range->first == 1;

		nr_ends += end;
		if (i % step && !end)
			continue;
		agree = address_agrees(bench, range->first - 1) &&
			address_agrees(bench, range->first) && address_agrees(bench, range->last) &&
			address_agrees(bench, range->last + 1);
	}
	/* the ends of 2000::/3 are among them */
	MUST(nr_ends == sizeof(ends) / sizeof(ends[0]));
	return agree;
}

/* Addresses of 2000::/3 at random, most of which are near to nothing. */
static bool strangers_agree(const struct bench *bench)
{
	struct rng rng = {SEED};

	for (uint32_t i = 0; i < nr_strangers(); i++) {
		uint64_t high = rng_next(&rng) >> 3 | 1ULL << 61;

		if (!address_agrees(bench, (address_t)high << 64 | rng_next(&rng)))
			return false;
	}
	return true;
}

static bool set_agrees(struct datapath *datapath, enum synfw_direction direction, size_t count,
		       uint32_t lists_bits)
{
	uint64_t in_root = seen.in_root, behind_root = seen.behind_root, outlined = seen.outlined;
	struct ranges ranges = ranges_draw(count);
	struct compiled compiled;
	struct policy_text text;
	bool agree;

	policy_make(&ranges, direction, &text);
	agree = policy_text_compile(&text, &options, stderr, &compiled) == 0;
	if (agree) {
		const struct bench bench = {datapath, compiled.image, &ranges, direction};

		MUST(image_class_tables(compiled.image)->trie6_lists_bits[direction] == lists_bits);
		MUST(datapath_apply(datapath, compiled.image) == 0);
		agree = ranges_agree(&bench) && strangers_agree(&bench);
		printf("%s, lists of %u bits: %zu ranges, %u lines, %" PRIu64
		       " addresses outlined: %s\n",
		       direction == SYNFW_DIR_SRC ? "sources" : "destinations", lists_bits,
		       ranges.count, compiled.image->nr_lines, seen.outlined - outlined,
		       agree ? "agree" : "FAILED");
		/* each form was met, wherever there was one */
		MUST(!agree || (seen.outlined - outlined > nr_strangers() / 2 &&
				(!lists_bits || (seen.in_root - in_root > 1000 &&
						 seen.behind_root - behind_root > 1000))));
		compiled_done(&compiled);
	}
	policy_text_done(&text);
	free(ranges.range);
	return agree;
}

/* Each width that a root of lists has, and none. */
static const struct {
	size_t count;
	uint32_t lists_bits;
} forms[] = {{MAX_RANGES, 21},
	     {MAX_RANGES / 2, 20},
	     {MAX_RANGES / 3, 19},
	     {MAX_RANGES / 8, 18},
	     {MAX_RANGES / 12, 17}};
#define NR_FORMS (sizeof(forms) / sizeof(forms[0]))

/* To compile what has lists in its root takes 10 s where a processor is emulated, and the program
 * reads them as it reads others. */
static bool forms_agree(struct datapath *datapath)
{
	bool agree = true;

	for (size_t i = 0; i < NR_FORMS && agree && scaled(true, false); i++)
		for (int direction = 0; direction < SYNFW_NR_DIRS && agree; direction++)
			agree = set_agrees(datapath, direction, forms[i].count,
					   forms[i].lists_bits);
	for (int direction = 0; direction < SYNFW_NR_DIRS && agree; direction++)
		agree = set_agrees(datapath, direction, scaled(MAX_RANGES / 20, nr_probed()), 0);
	return agree;
}

int test_large_set6(struct datapath *datapath)
{
	bool agree = forms_agree(datapath);

	printf("%" PRIu64 " listed and %" PRIu64 " unlisted addresses; a list of the root said all "
	       "%" PRIu64 " times, not all %" PRIu64 " times; %" PRIu64 " lists, %" PRIu64
	       " steps, %" PRIu64 " tails, at most %" PRIu64 " records in a row\n",
	       seen.listed, seen.unlisted, seen.in_root, seen.behind_root, seen.lists, seen.steps,
	       seen.tails, seen.deepest);
	MUST(!agree || (seen.listed > nr_probed() && seen.unlisted > nr_probed() &&
			seen.steps > nr_probed() / 8 && seen.tails > nr_probed() / 8 &&
			seen.lists > seen.in_root + seen.behind_root + nr_probed() / 8));
	return agree ? EXIT_SUCCESS : EXIT_FAILURE;
}
