/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* synfw unblock */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <synfw/cleanup.h>

#include "base/json.h"
#include "base/privileges.h"
#include "base/ui.h"
#include "command.h"
#include "datapath/live.h"
#include "host/lock.h"
#include "report/report.h"
#include "sources/blocks.h"
#include "sources/peers.h"
#include "sources/scores.h"
#include "sources/source_args.h"

#define LOCK_TIMEOUT_MS 60000

/* What was held against a source. */
struct forgotten {
	bool was_blocked;
	uint32_t score, offences;
	bool had_score, had_mark;
};

/* Of one that was taken nothing is held against the source any more. */
static int forget_mark(const struct live *live, const struct synfw_addr6 *source,
		       struct fault *fault, bool *ret_had)
{
	struct synfw_peer peer;
	int err = peers_look_up(&live->object, source, fault, &peer);

	if (!err)
		err = peers_forget(&live->object, source, fault);
	if (err)
		return err == -ENOENT ? 0 : err;
	*ret_had = peer_is_pending(&peer, live->header.monitor, source_now());
	return 0;
}

/* A mark of before must not block the source again, nor a packet that scores. The block goes last,
 * so that no packet in between makes it anew. */
static int forget(const struct live *live, const struct synfw_addr6 *source, struct fault *fault,
		  struct forgotten *ret_forgotten)
{
	struct forgotten forgotten = {0};
	struct synfw_block block;
	struct scored scored;
	int err = scores_look_up(&live->object, source, &live->scoring, fault, &scored);

	if (!err) {
		forgotten.had_score = true;
		forgotten.score = score_points(scored.level);
		err = scores_forget(&live->object, source, fault);
	}
	if (!err || err == -ENOENT)
		err = forget_mark(live, source, fault, &forgotten.had_mark);
	if (!err)
		err = blocks_look_up(&live->object, source, fault, &block);
	if (!err) {
		forgotten.was_blocked = block_is_live(&block, source_now());
		forgotten.offences = block.offences;
		err = blocks_remove(&live->object, source, fault);
	}
	if (err && err != -ENOENT)
		return err;
	*ret_forgotten = forgotten;
	return 0;
}

static bool is_nothing(const struct forgotten *forgotten)
{
	return !forgotten->was_blocked && !forgotten->had_score && !forgotten->offences &&
	       !forgotten->had_mark;
}

static void print_forgotten(const char *source, const struct forgotten *forgotten)
{
	bool more = forgotten->had_score || forgotten->offences || forgotten->had_mark;
	const char *and = "";

	if (is_nothing(forgotten)) {
		printf("%s is not blocked, and nothing is held against it\n", source);
		return;
	}
	if (forgotten->was_blocked)
		printf("unblocked %s%s", source, more ? ", and forgot " : "");
	else
		printf("%s is not blocked; forgot ", source);
	if (forgotten->had_score) {
		printf("its score of %u", forgotten->score);
		and = " and ";
	}
	if (forgotten->offences) {
		printf("%s%s", and, ui_count(forgotten->offences, "offence"));
		and = " and ";
	}
	if (forgotten->had_mark)
		printf("%sits mark as a peer of a process", and);
	putchar('\n');
}

/* ---- some ---- */

static int unblock_some(const struct live *live, const struct source_args *args, bool as_json,
			struct fault *fault)
{
	CLEANUP(json_decrefp) json_t *sources = json_array();
	CLEANUP(json_decrefp) json_t *root = NULL;
	struct forgotten forgotten;
	char source[SOURCE_TEXT_MAX];
	int status = EXIT_DONE;
	size_t i;

	for (i = 0; i < args->count; i++) {
		if (forget(live, &args->items[i].source, fault, &forgotten))
			return ui_fault(fault);
		if (is_nothing(&forgotten))
			status = EXIT_NO;
		source_text(&args->items[i].source, live->scoring.ipv6_prefixlen, source);
		if (!as_json)
			print_forgotten(source, &forgotten);
		/* clang-format off */
		json_array_append_new(sources, json_pack("{s:s, s:s, s:b, s:b, s:I, s:I}",
			"address", args->items[i].text,
			"source", source,
			"unblocked", forgotten.was_blocked,
			"marked", forgotten.had_mark,
			"score", (json_int_t)forgotten.score,
			"offences", (json_int_t)forgotten.offences));
		/* clang-format on */
	}
	if (as_json) {
		root = json_pack("{s:s, s:b, s:O}", "schema", "synfw.unblock/1", "all", false,
				 "sources", sources);
		report_print_json(root);
	}
	return status ? status : ui_done("unblocked");
}

/* ---- all ---- */

static int forget_all(const struct live *live, struct fault *fault, uint32_t *ret_unblocked)
{
	CLEANUP(cleanup_free) struct blocked *blocks = NULL;
	uint64_t now_ns = source_now();
	uint32_t unblocked = 0;
	size_t count = 0, i;
	int err = scores_forget_all(&live->object, fault);

	if (!err)
		err = peers_forget_all(&live->object, fault);
	if (!err)
		err = blocks_read(&live->object, fault, &blocks, &count);
	for (i = 0; !err && i < count; i++) {
		unblocked += block_is_live(&blocks[i].block, now_ns);
		err = blocks_remove(&live->object, &blocks[i].source, fault);
		if (err == -ENOENT)
			err = 0;
	}
	*ret_unblocked = unblocked;
	return err;
}

static int unblock_all(const struct live *live, bool as_json, struct fault *fault)
{
	CLEANUP(json_decrefp) json_t *root = NULL;
	uint32_t unblocked;

	if (forget_all(live, fault, &unblocked))
		return ui_fault(fault);
	if (as_json) {
		root = json_pack("{s:s, s:b, s:I}", "schema", "synfw.unblock/1", "all", true,
				 "unblocked", (json_int_t)unblocked);
		report_print_json(root);
	} else {
		printf("unblocked %s; nothing is held against anybody\n",
		       ui_count(unblocked, "source"));
	}
	return ui_done("unblocked");
}

/* ---- the command ---- */

static int parse_arguments(const struct invocation *invocation, struct source_args *args,
			   struct fault *fault)
{
	bool all = option_given(invocation, "all");

	if (all == (invocation->nr_operands > 0))
		return fault_refuse(fault, EXIT_USAGE,
				    all ? "--all takes no addresses"
					: "`synfw unblock` needs addresses, or --all");
	return source_args_take(args, invocation->operand, invocation->nr_operands, fault);
}

int cmd_unblock(const struct invocation *invocation)
{
	bool as_json = option_given(invocation, "json");
	CLEANUP(lock_release) struct lock lock = LOCK_NONE;
	CLEANUP(live_close) struct live live = LIVE_NONE;
	CLEANUP(source_args_done) struct source_args args = {NULL};
	CLEANUP(fault_done) struct fault fault = {0};

	if (parse_arguments(invocation, &args, &fault) ||
	    privileges_check("unblock a source", &fault) ||
	    lock_acquire(&invocation->paths, LOCK_TIMEOUT_MS, &fault, &lock) ||
	    live_open(invocation->paths.live, &fault, &live))
		return ui_fault(&fault);
	if (!live.tables.nr_pages) {
		fault_refuse(&fault, EXIT_USAGE, "no policy is in force: nobody is blocked");
		return ui_fault(&fault);
	}
	if (source_args_resolve(&args, live.scoring.ipv6_prefixlen, &fault))
		return ui_fault(&fault);
	return option_given(invocation, "all") ? unblock_all(&live, as_json, &fault)
					       : unblock_some(&live, &args, as_json, &fault);
}
