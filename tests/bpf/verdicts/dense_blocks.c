/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Blocks of IPv4 addresses whose every part belongs to a set of its own choice: the trie's records
 * for them are nearly as long as records can be, and neighbouring entries lead to several classes,
 * so that a rank that is off by any number is seen. On each level of the trie, below each root. And
 * blocks of a few parts, which the trie has as lists.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "model/frame.h"
#include "model/image_eval.h"
#include "model/image_trie.h"
#include "base/must.h"
#include "base/random.h"
#include "base/scale.h"
#include "harness/trial.h"
#include "verdicts/verdicts.h"

#define SEED	24
#define NR_SETS 5 /* and parts that are in none */

/* Odd, so that every block has a /12 of its own; their product is 1 modulo 4096. */
#define STRIDE	       61
#define STRIDE_INVERSE 1813

static const struct policyc_interface eth0 = {"eth0", 1};
static const struct policyc_options options = {.interfaces = &eth0, .nr_interfaces = 1};

/* What one record stands for: the addresses of `prefixlen`, in parts of `part`. */
static const struct level {
	uint32_t prefixlen, part;
} levels[] = {{12, 18}, {18, 24}, {24, 32}, {22, 24}, {20, 24}};
#define NR_LEVELS (sizeof(levels) / sizeof(levels[0]))

/* The more blocks, the more ranges, which decide on the form of the root. */
static const struct size {
	uint32_t nr_blocks;
	enum synfw_trie4_root root;
	const char *name;
} sizes[] = {
	{10, SYNFW_TRIE4_ROOT_IDS, "narrow root"},
	{160, SYNFW_TRIE4_ROOT_WIDE, "wide root"},
	{1200, SYNFW_TRIE4_ROOT_LINES, "root of lines"},
};

/* Block number i, in a /12 of its own. */
static uint32_t block_addr(uint32_t i)
{
	struct rng rng = {SEED + i};
	uint32_t prefixlen = levels[i % NR_LEVELS].prefixlen;
	uint32_t inside = ((uint32_t)rng_next(&rng) & 0xfffff) >> (32 - prefixlen);

	return (i * STRIDE % 4096) << 20 | inside << (32 - prefixlen);
}

static uint32_t block_of_slash12(uint32_t number)
{
	return number * STRIDE_INVERSE % 4096;
}

static uint32_t nr_parts(uint32_t i)
{
	return 1U << (levels[i % NR_LEVELS].part - levels[i % NR_LEVELS].prefixlen);
}

/* The set of a part, which is also the rule that drops it; NR_SETS: none. */
static uint32_t set_of_part(uint32_t part_addr)
{
	struct rng rng = {SEED ^ (uint64_t)part_addr << 16};

	return rng_below(&rng, NR_SETS + 1);
}

static uint32_t expected_rule(uint32_t nr_blocks, uint32_t addr)
{
	uint32_t i = block_of_slash12(addr >> 20), set;
	const struct level *level = &levels[i % NR_LEVELS];

	if (i >= nr_blocks || (addr ^ block_addr(i)) >> (32 - level->prefixlen))
		return REFERENCE_NO_RULE;
	set = set_of_part(addr >> (32 - level->part) << (32 - level->part));
	return set == NR_SETS ? REFERENCE_NO_RULE : set;
}

static void write_set(uint32_t nr_blocks, uint32_t set, FILE *out)
{
	fprintf(out, "  set-%u:\n", set);
	for (uint32_t i = 0; i < nr_blocks; i++) {
		uint32_t part = levels[i % NR_LEVELS].part;

		for (uint32_t n = 0; n < nr_parts(i); n++) {
			uint32_t addr = block_addr(i) | n << (32 - part);

			if (set_of_part(addr) == set)
				fprintf(out, "    - %u.%u.%u.%u/%u\n", addr >> 24, addr >> 16 & 255,
					addr >> 8 & 255, addr & 255, part);
		}
	}
}

static void blocks_policy(uint32_t nr_blocks, struct policy_text *ret_text)
{
	struct policy_text text = {.rules = calloc(NR_SETS, sizeof(*text.rules)),
				   .nr_rules = NR_SETS};
	size_t length;
	FILE *out = open_memstream(&text.head, &length);

	MUST(out && text.rules);
	fputs("version: 1\nname: dense-blocks\ninterfaces:\n  - name: eth0\n"
	      "defaults: {incoming: allow}\nsets:\n",
	      out);
	for (uint32_t set = 0; set < NR_SETS; set++) {
		write_set(nr_blocks, set, out);
		MUST(asprintf(&text.rules[set], "  - {name: rule-%u, from: set-%u, action: drop}\n",
			      set, set) > 0);
	}
	MUST(fclose(out) == 0);
	*ret_text = text;
}

/* Short and long lists that addresses were looked up in. */
static uint64_t lists_seen[2];

static void note_lists(const struct trial *trial, const uint8_t *addr)
{
	struct image_path path;

	image_class(trial->compiled.image, SYNFW_DIR_SRC, 4, addr, &path);
	lists_seen[0] += path.nr_lists[0];
	lists_seen[1] += path.nr_lists[1];
}

static bool address_agrees(struct trial *trial, uint32_t nr_blocks, uint32_t addr)
{
	uint32_t expected = expected_rule(nr_blocks, addr);
	struct frame_spec spec = FRAME_SPEC_DEFAULT;
	struct answers answers;
	struct frame frame;

	for (int byte = 0; byte < 4; byte++)
		spec.saddr[byte] = addr >> (24 - 8 * byte);
	note_lists(trial, spec.saddr);
	frame_build(&spec, &frame);
	if (!trial_agrees(trial, frame.byte, frame.length, &eth0, &answers))
		return false;
	if (answers.bpf.rule == expected)
		return true;
	fprintf(stderr, "source %08x: BPF says rule %d, the blocks %d\n", addr,
		(int)answers.bpf.rule, (int)expected);
	return false;
}

/* Both edges of each part, and what lies beside the block. */
static bool block_agrees(struct trial *trial, uint32_t nr_blocks, uint32_t i)
{
	uint32_t part_size = 1U << (32 - levels[i % NR_LEVELS].part);
	uint32_t first = block_addr(i), end = first + nr_parts(i) * part_size;

	for (uint32_t addr = first; addr != end; addr += part_size)
		if (!address_agrees(trial, nr_blocks, addr) ||
		    !address_agrees(trial, nr_blocks, addr + part_size - 1))
			return false;
	return address_agrees(trial, nr_blocks, first - 1) && address_agrees(trial, nr_blocks, end);
}

/* Of many blocks a few are enough to see each level below each root. */
static uint32_t block_step(uint32_t nr_blocks)
{
	return nr_blocks / scaled(nr_blocks, 10) | 1;
}

static bool blocks_agree(struct datapath *datapath, struct trial_totals *totals,
			 const struct size *size)
{
	uint64_t before = totals->checks;
	const struct synfw_class_tables *tables;
	struct policy_text text;
	struct trial trial;
	bool agree;

	blocks_policy(size->nr_blocks, &text);
	agree = trial_begin(&trial, datapath, totals, &text, &options, stderr) == 0;
	if (!agree)
		goto out;
	tables = image_class_tables(trial.compiled.image);
	if (tables->trie4_root[SYNFW_DIR_SRC] != size->root ||
	    !tables->trie4_outline[SYNFW_DIR_SRC] != (size->root == SYNFW_TRIE4_ROOT_IDS)) {
		fprintf(stderr, "%u blocks have a trie with another root\n", size->nr_blocks);
		agree = false;
	}
	lists_seen[0] = lists_seen[1] = 0;
	for (uint32_t i = 0; i < size->nr_blocks && agree; i += block_step(size->nr_blocks))
		agree = block_agrees(&trial, size->nr_blocks, i);
	agree = agree && trial_counters_agree(&trial);
	if (agree && !(lists_seen[0] && lists_seen[1])) {
		fprintf(stderr, "%u blocks have no list of one length\n", size->nr_blocks);
		agree = false;
	}
	if (trial.datapath)
		trial_end(&trial);
out:
	printf("%u blocks below a %s, %" PRIu64 " sources, %" PRIu64 " in short and %" PRIu64
	       " in long lists: %s\n",
	       size->nr_blocks, size->name, totals->checks - before, lists_seen[0], lists_seen[1],
	       agree ? "agree" : "FAILED");
	policy_text_done(&text);
	return agree;
}

int test_dense_blocks(struct datapath *datapath)
{
	CLEANUP(cleanup_free) struct trial_totals *totals = calloc(1, sizeof(*totals));
	bool agree = true;

	MUST(totals);
	/* of what has the last root, so many ranges, large-set has an example in guests */
	for (size_t i = 0; i < scaled(sizeof(sizes) / sizeof(sizes[0]), 2) && agree; i++)
		agree = blocks_agree(datapath, totals, &sizes[i]);
	return agree ? EXIT_SUCCESS : EXIT_FAILURE;
}
