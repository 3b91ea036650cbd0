/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IPv6 prefixes that follow one another for long stretches and part at random bits: the compressed
 * paths of the trie, of every length, above and below one another, at both ends of the address
 * space. Every edge of every prefix is probed at both sides, by source and by destination.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include <policyc.h>
#include <synfw/cleanup.h>

#include "model/frame.h"
#include "model/image_eval.h"
#include "model/image_trie.h"
#include "base/must.h"
#include "base/random.h"
#include "base/scale.h"
#include "harness/trial.h"
#include "verdicts/verdicts.h"

#define SEED	     6
#define NR_SETS	     3
#define MAX_PREFIXES 60

static const struct policyc_interface eth0 = {"eth0", 1};
static const struct policyc_options options = {.interfaces = &eth0, .nr_interfaces = 1};

struct prefix {
	uint8_t addr[16];
	uint32_t length;
};

struct prefixes {
	struct prefix prefix[MAX_PREFIXES];
	uint32_t count;
};

/* What the answers went through. A kind of path that no probe took would prove nothing about it. */
static struct {
	uint64_t probes, drops, records, steps, lists, tails, deepest;
} seen;

static bool bit_of(const uint8_t addr[16], uint32_t bit)
{
	return addr[bit / 8] >> (7 - bit % 8) & 1;
}

static void bit_set(uint8_t addr[16], uint32_t bit, bool value)
{
	addr[bit / 8] &= ~(0x80 >> bit % 8);
	addr[bit / 8] |= value ? 0x80 >> bit % 8 : 0;
}

static void bits_draw(struct rng *rng, uint8_t addr[16], uint32_t from)
{
	/* runs of equal bits make edges at which many levels change at once */
	uint32_t kind = rng_below(rng, 3);

	for (uint32_t bit = from; bit < 128; bit++)
		bit_set(addr, bit, kind == 2 ? rng_below(rng, 2) : kind);
}

/* The first are anywhere, often at an end of the address space; the others share the beginning of
 * one before them. */
static struct prefix prefix_draw(struct rng *rng, const struct prefixes *before)
{
	struct prefix prefix = {};
	uint32_t shared = 0;

	if (before->count && rng_percent(rng, 80)) {
		prefix = before->prefix[rng_below(rng, before->count)];
		shared = rng_below(rng, 129);
	}
	prefix.length = rng_between(rng, rng_percent(rng, 1) ? 1 : 24, 128);
	if (rng_percent(rng, 40))
		prefix.length = 128;
	bits_draw(rng, prefix.addr, shared);
	for (uint32_t bit = prefix.length; bit < 128; bit++)
		bit_set(prefix.addr, bit, false);
	return prefix;
}

static void policy_draw(struct rng *rng, struct prefixes *prefixes, struct policy_text *ret_text)
{
	struct policy_text text = {.rules = calloc(2 * NR_SETS, sizeof(*text.rules)),
				   .nr_rules = 2 * NR_SETS};
	uint32_t count = rng_between(rng, NR_SETS, MAX_PREFIXES);
	char address[INET6_ADDRSTRLEN];
	size_t length;
	FILE *out = open_memstream(&text.head, &length);

	MUST(out && text.rules);
	fputs("version: 1\nname: paths6\ninterfaces:\n  - name: eth0\n"
	      "defaults: {incoming: allow}\nsets:\n",
	      out);
	prefixes->count = 0;
	for (uint32_t set = 0; set < NR_SETS; set++) {
		fprintf(out, "  set-%u:\n", set);
		for (uint32_t i = set; i < count; i += NR_SETS) {
			struct prefix prefix = prefix_draw(rng, prefixes);

			prefixes->prefix[prefixes->count++] = prefix;
			inet_ntop(AF_INET6, prefix.addr, address, sizeof(address));
			fprintf(out, "    - %s/%u\n", address, prefix.length);
		}
		MUST(asprintf(&text.rules[set], "  - {name: from-%u, from: set-%u, action: drop}\n",
			      set, set) > 0);
		MUST(asprintf(&text.rules[NR_SETS + set],
			      "  - {name: to-%u, to-address: set-%u, action: drop}\n", set,
			      set) > 0);
	}
	MUST(fclose(out) == 0);
	*ret_text = text;
}

static void note_path(const struct trial *trial, enum synfw_direction direction,
		      const uint8_t addr[16])
{
	struct image_path path;

	image_class(trial->compiled.image, direction, 6, addr, &path);
	seen.records += path.nr_records;
	seen.steps += path.nr_steps;
	seen.lists += path.nr_lists6;
	seen.tails += path.nr_tails;
	if (path.nr_records > seen.deepest)
		seen.deepest = path.nr_records;
}

static bool address_agrees(struct trial *trial, const uint8_t addr[16])
{
	struct frame_spec spec = FRAME_SPEC_DEFAULT;
	struct answers answers;
	struct frame frame;

	spec.family = 6;
	for (int direction = 0; direction < SYNFW_NR_DIRS; direction++) {
		memset(spec.saddr, 0x5a, sizeof(spec.saddr));
		memset(spec.daddr, 0x5a, sizeof(spec.daddr));
		memcpy(direction == SYNFW_DIR_SRC ? spec.saddr : spec.daddr, addr, 16);
		frame_build(&spec, &frame);
		if (!trial_agrees(trial, frame.byte, frame.length, &eth0, &answers))
			return false;
		note_path(trial, direction, addr);
		seen.probes++;
		seen.drops += answers.bpf.verdict == SYNFW_DROP;
	}
	return true;
}

/* One more or one less; wraps. */
static void address_step(uint8_t addr[16], int step)
{
	for (int i = 15; i >= 0; i--) {
		addr[i] += step;
		if (addr[i] != (step > 0 ? 0 : 255))
			break;
	}
}

static bool edges_agree(struct trial *trial, const struct prefix *prefix)
{
	uint8_t first[16], last[16];

	memcpy(first, prefix->addr, 16);
	memcpy(last, prefix->addr, 16);
	for (uint32_t bit = prefix->length; bit < 128; bit++)
		bit_set(last, bit, true);
	if (!address_agrees(trial, first) || !address_agrees(trial, last))
		return false;
	address_step(first, -1);
	address_step(last, 1);
	return address_agrees(trial, first) && address_agrees(trial, last);
}

/* An address that leaves the prefix's path at each of its bits. */
static bool branches_agree(struct trial *trial, const struct prefix *prefix)
{
	uint8_t addr[16];

	for (uint32_t bit = 0; bit < prefix->length; bit += 1 + bit % 3) {
		memcpy(addr, prefix->addr, 16);
		bit_set(addr, bit, !bit_of(addr, bit));
		if (!address_agrees(trial, addr))
			return false;
	}
	return true;
}

static bool policy_agrees(struct datapath *datapath, struct trial_totals *totals, uint64_t seed)
{
	struct rng rng = {seed};
	struct prefixes prefixes;
	struct policy_text text;
	struct trial trial;
	bool agree;

	policy_draw(&rng, &prefixes, &text);
	agree = trial_begin(&trial, datapath, totals, &text, &options, stderr) == 0;
	if (agree) {
		for (uint32_t i = 0; i < prefixes.count && agree; i++)
			agree = edges_agree(&trial, &prefixes.prefix[i]);
		for (uint32_t i = 0; i < prefixes.count && agree; i += 8)
			agree = branches_agree(&trial, &prefixes.prefix[i]);
		agree = agree && trial_counters_agree(&trial);
		if (trial.datapath)
			trial_end(&trial);
	}
	if (!agree)
		fprintf(stderr, "policy %" PRIu64 " FAILED\n", seed);
	policy_text_done(&text);
	return agree;
}

int test_paths6(struct datapath *datapath)
{
	CLEANUP(cleanup_free) struct trial_totals *totals = calloc(1, sizeof(*totals));
	/* what a few dozen have not met fails the last claim */
	const uint32_t nr_policies = scaled(150, 15);
	bool agree = true;

	MUST(totals);
	for (uint64_t i = 0; i < nr_policies && agree; i++)
		agree = policy_agrees(datapath, totals, SEED + i);
	printf("%u policies, %" PRIu64 " probes, %" PRIu64 " dropped, %" PRIu64
	       " records of which %" PRIu64 " steps, %" PRIu64 " lists, %" PRIu64
	       " tails, at most %" PRIu64 " in a row: %s\n",
	       nr_policies, seen.probes, seen.drops, seen.records, seen.steps, seen.lists,
	       seen.tails, seen.deepest, agree ? "agree" : "FAILED");
	MUST(!agree || (seen.drops && seen.drops < seen.probes && seen.steps > seen.probes / 10 &&
			seen.lists > seen.probes / 10 && seen.tails > seen.probes / 100 &&
			seen.records > seen.steps + seen.lists + seen.tails && seen.deepest >= 5));
	return agree ? EXIT_SUCCESS : EXIT_FAILURE;
}
