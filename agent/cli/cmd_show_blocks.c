/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* synfw show blocks */
#include "cmd_show.h"

#include <errno.h>
#include <stdio.h>

#include <synfw/cleanup.h>

#include "base/json.h"
#include "base/ui.h"
#include "datapath/source.h"
#include "report/block_report.h"
#include "report/report.h"
#include "sources/scores.h"

struct listing {
	const struct live *live;
	struct rule_names names;
	uint64_t now_ns;
	bool as_json;
	json_t *blocks;
};

static void listing_close(struct listing *listing)
{
	rule_names_close(&listing->names);
	json_decref(listing->blocks);
}

static void print_header(void)
{
	printf("%-24s %-10s %-21s %8s %6s  %s\n", "SOURCE", "CAUSE", "ENDS", "OFFENCES", "SCORE",
	       "RULE");
}

static void print_block(const struct listing *listing, const struct blocked *blocked,
			uint32_t score)
{
	const struct synfw_block *block = &blocked->block;
	const struct rule_name *rule = rule_names_find(&listing->names, block->counter);
	char source[SOURCE_TEXT_MAX], until[BLOCK_TIME_MAX];

	printf("%-24s %-10s %-21s %8u %6u  %s%s\n",
	       source_text(&blocked->source, listing->live->scoring.ipv6_prefixlen, source),
	       block_cause_word(block->cause), block_until_text(block, listing->now_ns, until),
	       block->offences, score, rule ? rule->name : "-",
	       block->flags & SYNFW_BLOCK_MONITOR ? " [monitor]" : "");
}

static int list_block(const struct listing *listing, const struct blocked *blocked,
		      struct fault *fault)
{
	const struct live *live = listing->live;
	struct scored scored = {.level = 0};
	json_t *object;
	int err = scores_look_up(&live->object, &blocked->source, &live->scoring, fault, &scored);

	if (err && err != -ENOENT)
		return err;
	if (!listing->as_json) {
		print_block(listing, blocked, score_points(scored.level));
		return 0;
	}
	object =
		block_json(blocked, live->scoring.ipv6_prefixlen, &listing->names, listing->now_ns);
	json_object_set_new(object, "score", json_integer(score_points(scored.level)));
	json_array_append_new(listing->blocks, object);
	return 0;
}

static int list_blocks(const struct listing *listing, bool ended_too, struct fault *fault,
		       uint32_t *ret_live)
{
	CLEANUP(cleanup_free) struct blocked *blocks = NULL;
	uint32_t live = 0;
	size_t count, i;
	int err = blocks_read(&listing->live->object, fault, &blocks, &count);

	for (i = 0; !err && i < count; i++) {
		bool is_live = block_is_live(&blocks[i].block, listing->now_ns);

		live += is_live;
		if (is_live || ended_too)
			err = list_block(listing, &blocks[i], fault);
	}
	*ret_live = live;
	return err;
}

int show_blocks(const struct invocation *invocation, const struct live *live, struct fault *fault)
{
	CLEANUP(listing_close)
	struct listing listing = {
		.live = live,
		.now_ns = source_now(),
		.as_json = option_given(invocation, "json"),
		.blocks = json_array(),
	};
	CLEANUP(json_decrefp) json_t *root = NULL;
	uint32_t count = 0;
	int err = 0;

	if (rule_names_open(live->manifest, &listing.names))
		return fault_system(fault, -ENOMEM, "cannot list the blocks");
	if (!listing.as_json)
		print_header();
	if (live->present)
		err = list_blocks(&listing, option_given(invocation, "all"), fault, &count);
	if (err)
		return err;
	if (!listing.as_json) {
		fflush(stdout);
		fprintf(stderr, "%u of %u blocks\n", count, SYNFW_MAX_BLOCKS);
		return 0;
	}
	root = json_pack("{s:s, s:I, s:I, s:O}", "schema", "synfw.show.blocks/1", "count",
			 (json_int_t)count, "size", (json_int_t)SYNFW_MAX_BLOCKS, "blocks",
			 listing.blocks);
	report_print_json(root);
	return 0;
}
