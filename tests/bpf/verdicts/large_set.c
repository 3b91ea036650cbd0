/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A set of a million IPv4 prefixes, whose tables span several pages: at both sides of both edges of
 * many prefixes, the BPF program and the image are compared with a search in the ranges that this
 * test made itself. Every prefix whose trie records lie at the border of two pages is among them.
 * The reference model would scan the whole set for each packet, so it is not asked.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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

#define SEED	     1000000
#define BORDER_CELLS 512 /* this near to a page's begin or end, every prefix is probed */
#define MAX_PAGES    128
#define FIRST_UNKNOWN \
	0xc0000201 /* 192.0.2.1: from here on an address is sought that is not listed */

static const struct policyc_interface eth0 = {"eth0", 1};
static const struct policyc_options options = {.interfaces = &eth0, .nr_interfaces = 1};

/* Of 24 bits, and with as many hosts. Fewer take the same form of root, which is several pages and
 * has a bitmap, but not every form of list, nor do they meet each border. */
static uint32_t nr_networks, nr_prefixes;
static bool meets_all;

static const char *const rules[SYNFW_NR_DIRS] = {
	"  - {name: listed-source, from: large, action: drop}\n",
	"  - {name: listed-destination, to-address: large, action: drop}\n",
};

/* ---- the set, and the test's own idea of it -------------------------------------------------- */

struct range {
	uint32_t first, last;
};

/* What the set contains: sorted and disjoint. */
struct ranges {
	struct range *range;
	size_t count;
};

static int compare_addresses(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

/* Half of the hosts stand alone and half of them 32 to a /24: short records of the trie and long
 * ones. */
static uint32_t draw_host(struct rng *rng, size_t number, uint32_t *network)
{
	if (number % 64 <= 32)
		*network = (uint32_t)rng_next(rng) & 0xffffff00;
	return *network | rng_below(rng, 256);
}

/* `count` different addresses in ascending order, of networks or of hosts. */
static void draw(struct rng *rng, bool hosts, uint32_t *addresses, size_t count)
{
	uint32_t network = 0;
	size_t distinct = 0;

	while (distinct < count) {
		for (size_t i = distinct; i < count; i++) {
			uint32_t host = draw_host(rng, hosts ? i : 0, &network);

			addresses[i] = hosts ? host : network;
		}
		qsort(addresses, count, sizeof(*addresses), compare_addresses);
		distinct = 1;
		for (size_t i = 1; i < count; i++)
			if (addresses[i] != addresses[distinct - 1])
				addresses[distinct++] = addresses[i];
	}
}

static char *set_text(const uint32_t addresses[])
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	MUST(out);
	for (size_t i = 0; i < nr_prefixes; i++)
		fprintf(out, "%u.%u.%u.%u%s\n", addresses[i] >> 24, addresses[i] >> 16 & 255,
			addresses[i] >> 8 & 255, addresses[i] & 255, i < nr_networks ? "/24" : "");
	MUST(fclose(out) == 0);
	return text;
}

/* By its begin; of two that begin together the network comes before the host. */
static int compare_ranges(const void *left, const void *right)
{
	const struct range *a = left, *b = right;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return (a->last < b->last) - (a->last > b->last);
}

/* Prefix number i; the networks come first. */
static struct range range_of(const uint32_t addresses[], size_t i)
{
	return (struct range){addresses[i], addresses[i] | (i < nr_networks ? 255 : 0)};
}

/* Without the hosts that lie in a network of the set. */
static struct ranges make_ranges(const uint32_t addresses[])
{
	struct ranges ranges = {.range = calloc(nr_prefixes, sizeof(*ranges.range))};

	MUST(ranges.range);
	for (size_t i = 0; i < nr_prefixes; i++)
		ranges.range[i] = range_of(addresses, i);
	qsort(ranges.range, nr_prefixes, sizeof(*ranges.range), compare_ranges);
	for (size_t i = 0; i < nr_prefixes; i++)
		if (!ranges.count || ranges.range[i].first > ranges.range[ranges.count - 1].last)
			ranges.range[ranges.count++] = ranges.range[i];
	return ranges;
}

static bool is_listed(const struct ranges *ranges, uint32_t addr)
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

/* The set twice: the trie of the destinations has even its root behind page 0. */
static void large_policy(const uint32_t addresses[], struct policy_text *ret_text)
{
	struct policy_text text = {
		.head = strdup("version: 1\nname: large-set\ninterfaces:\n  - name: eth0\n"
			       "defaults: {incoming: allow}\n"
			       "sets:\n  large:\n    file: feeds/large.netset\n"),
		.rules = calloc(SYNFW_NR_DIRS, sizeof(*text.rules)),
		.nr_rules = SYNFW_NR_DIRS,
		.files = calloc(1, sizeof(*text.files)),
		.nr_files = 1,
	};

	MUST(text.head && text.rules && text.files);
	for (int i = 0; i < SYNFW_NR_DIRS; i++)
		MUST((text.rules[i] = strdup(rules[i])));
	MUST((text.files[0].path = strdup("feeds/large.netset")));
	text.files[0].text = set_text(addresses);
	*ret_text = text;
}

/* ---- what is asked --------------------------------------------------------------------------- */

/* One direction. The pages count the probed prefixes whose records lie at their ends. */
struct bench {
	struct datapath *datapath;
	const struct image *image;
	const uint32_t *addresses;
	const struct ranges *ranges;
	enum synfw_direction direction;
	uint32_t unknown; /* an address that is not listed, for the other direction */
	uint64_t prefixes, listed, unlisted;
	uint64_t rest;	   /* addresses that the bitmap behind the root answers for */
	uint64_t outlined; /* or its outline, before it */
	uint64_t at_begin[MAX_PAGES], at_end[MAX_PAGES];
	uint32_t first_page, last_page; /* of the trie's records */
	uint64_t lists[2];		/* short and long ones on the way to the prefixes */
};

static void put_address(uint8_t *out, uint32_t addr)
{
	for (int byte = 0; byte < 4; byte++)
		out[byte] = addr >> (24 - 8 * byte);
}

static const char *verdict_word(const struct judgement *judgement)
{
	return judgement->verdict == SYNFW_DROP ? "drop" : "allow";
}

static bool judgement_is(const struct judgement *judgement, enum synfw_direction direction,
			 bool listed)
{
	return judgement->verdict == (listed ? SYNFW_DROP : SYNFW_ALLOW) &&
	       judgement->rule == (listed ? (uint32_t)direction : REFERENCE_NO_RULE);
}

/* Notes what the bitmap behind the root says; that must be nothing of an address that is listed. */
static bool rest_agrees(struct bench *bench, const uint8_t *addr, bool listed)
{
	struct image_path path;

	image_class(bench->image, bench->direction, 4, addr, &path);
	bench->rest += path.rest;
	bench->outlined += path.outlined;
	return !(path.rest || path.outlined) || !listed;
}

static bool address_agrees(struct bench *bench, uint32_t addr)
{
	bool source = bench->direction == SYNFW_DIR_SRC;
	bool listed = is_listed(bench->ranges, addr);
	struct frame_spec spec = FRAME_SPEC_DEFAULT;
	struct judgement image, bpf;
	struct frame frame;
	uint32_t action;

	put_address(spec.saddr, source ? addr : bench->unknown);
	put_address(spec.daddr, source ? bench->unknown : addr);
	frame_build(&spec, &frame);
	image = image_judge(bench->image, NULL, frame.byte, frame.length, eth0.slot);
	MUST(datapath_trace(bench->datapath, frame.byte, frame.length, eth0.slot, &bpf) == 0);
	MUST(datapath_run(bench->datapath, frame.byte, frame.length, eth0.slot, &action) == 0);
	if (listed)
		bench->listed++;
	else
		bench->unlisted++;
	if (rest_agrees(bench, source ? spec.saddr : spec.daddr, listed) &&
	    judgement_is(&image, bench->direction, listed) &&
	    judgement_is(&bpf, bench->direction, listed) &&
	    action == (listed ? XDP_DROP : XDP_PASS))
		return true;
	fprintf(stderr,
		"%s %08x is%s listed; image says %s by rule %d, BPF %s by rule %d, action "
		"%u\n",
		source ? "source" : "destination", addr, listed ? "" : " not", verdict_word(&image),
		(int)image.rule, verdict_word(&bpf), (int)bpf.rule, action);
	return false;
}

static bool edges_agree(struct bench *bench, struct range range)
{
	bench->prefixes++;
	return address_agrees(bench, range.first - 1) && address_agrees(bench, range.first) &&
	       (range.first == range.last || address_agrees(bench, range.last)) &&
	       address_agrees(bench, range.last + 1);
}

/* Whether a record on the way to `addr` lies at the border of two pages. Counts those that do. */
static bool is_at_border(struct bench *bench, uint32_t addr)
{
	const uint8_t bytes[4] = {addr >> 24, addr >> 16, addr >> 8, addr};
	struct image_path path;
	bool at_border = false;

	image_class(bench->image, bench->direction, 4, bytes, &path);
	bench->lists[0] += path.nr_lists[0];
	bench->lists[1] += path.nr_lists[1];
	for (uint32_t i = 0; i < path.nr_records; i++) {
		uint32_t page = path.cell[i] / SYNFW_PAGE_CELLS;
		uint32_t offset = path.cell[i] % SYNFW_PAGE_CELLS;

		MUST(page < MAX_PAGES);
		if (page < bench->first_page)
			bench->first_page = page;
		if (page > bench->last_page)
			bench->last_page = page;
		if (offset < BORDER_CELLS)
			bench->at_begin[page]++;
		if (offset >= SYNFW_PAGE_CELLS - BORDER_CELLS)
			bench->at_end[page]++;
		at_border |= offset < BORDER_CELLS || offset >= SYNFW_PAGE_CELLS - BORDER_CELLS;
	}
	return at_border;
}

/* A border that nothing was probed at would be a test that proves nothing about it. */
static bool borders_are_probed(const struct bench *bench)
{
	bool probed = bench->first_page < bench->last_page;

	for (uint32_t page = bench->first_page; page < bench->last_page; page++)
		probed = probed && bench->at_end[page] && bench->at_begin[page + 1];
	return probed;
}

static bool direction_agrees(struct bench *bench)
{
	struct synfw_rule_counter counter;
	uint64_t at_borders = 0;
	bool agrees = true;

	for (size_t i = 0; i < nr_prefixes && agrees; i++) {
		struct range range = range_of(bench->addresses, i);
		bool at_border = is_at_border(bench, range.first) | is_at_border(bench, range.last);

		at_borders += at_border;
		if (at_border || i % scaled(20, 100) == 0)
			agrees = edges_agree(bench, range);
	}
	MUST(datapath_rule_counter(bench->datapath, bench->direction, &counter) == 0);
	agrees = agrees && counter.packets == bench->listed;
	printf("%s: edges of %" PRIu64 " prefixes, %" PRIu64
	       " of them at borders of pages %u to %u; "
	       "%" PRIu64 " listed and %" PRIu64 " unlisted addresses, %" PRIu64
	       " by the bitmap, %" PRIu64 " by its outline; %" PRIu64 " short and %" PRIu64
	       " long lists: %s\n",
	       bench->direction == SYNFW_DIR_SRC ? "sources" : "destinations", bench->prefixes,
	       at_borders, bench->first_page, bench->last_page, bench->listed, bench->unlisted,
	       bench->rest, bench->outlined, bench->lists[0], bench->lists[1],
	       agrees ? "agree" : "FAILED");
	if (agrees && meets_all && !borders_are_probed(bench)) {
		fprintf(stderr, "the trie has a border of pages that nothing was probed at\n");
		return false;
	}
	if (agrees && !(bench->rest && (!meets_all || (bench->lists[0] && bench->lists[1])))) {
		fprintf(stderr, "the trie has no list of one length, or a bitmap of ones\n");
		return false;
	}
	return agrees;
}

static bool set_agrees(struct datapath *datapath, const uint32_t addresses[],
		       const struct ranges *ranges, struct image *image)
{
	uint32_t unknown = FIRST_UNKNOWN;
	bool agrees = true;

	while (is_listed(ranges, unknown))
		unknown++;
	MUST(datapath_apply(datapath, image) == 0);
	printf("seed %d: %u prefixes, %zu ranges, %u lines, %u a page\n", SEED, nr_prefixes,
	       ranges->count, image->nr_lines, SYNFW_PAGE_LINES);
	for (int direction = 0; direction < SYNFW_NR_DIRS; direction++) {
		struct bench bench = {.datapath = datapath,
				      .image = image,
				      .addresses = addresses,
				      .ranges = ranges,
				      .direction = direction,
				      .unknown = unknown,
				      .first_page = MAX_PAGES};

		agrees = direction_agrees(&bench) && agrees;
	}
	if (image->nr_lines <= SYNFW_PAGE_LINES) {
		fprintf(stderr, "the image is one page: nothing was shown of the others\n");
		return false;
	}
	return agrees;
}

int test_large_set(struct datapath *datapath)
{
	CLEANUP(cleanup_free) uint32_t *addresses = NULL;
	struct rng rng = {SEED};
	struct policy_text text;
	struct compiled compiled;
	struct ranges ranges;
	bool agrees;

	nr_networks = scaled(500000, 35000);
	nr_prefixes = 2 * nr_networks;
	meets_all = scaled(true, false);
	addresses = calloc(nr_prefixes, sizeof(*addresses));
	MUST(addresses);
	draw(&rng, false, addresses, nr_networks);
	draw(&rng, true, addresses + nr_networks, nr_networks);
	ranges = make_ranges(addresses);
	large_policy(addresses, &text);
	agrees = policy_text_compile(&text, &options, stderr, &compiled) == 0;
	if (agrees) {
		agrees = set_agrees(datapath, addresses, &ranges, compiled.image);
		compiled_done(&compiled);
	}
	policy_text_done(&text);
	free(ranges.range);
	return agrees ? EXIT_SUCCESS : EXIT_FAILURE;
}
