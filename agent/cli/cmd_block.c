/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* synfw block */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <duration.h>
#include <synfw/cleanup.h>

#include "apply/lockout.h"
#include "base/json.h"
#include "base/privileges.h"
#include "base/ui.h"
#include "command.h"
#include "host/lock.h"
#include "processes/talkers.h"
#include "report/report.h"
#include "sources/blocks.h"
#include "sources/exempt.h"
#include "sources/scores.h"
#include "sources/source_args.h"
#include "sources/standing.h"

#define LOCK_TIMEOUT_MS 60000
#define NS_PER_S	1000000000ULL

/* All that blocking takes. */
struct blocking {
	bool as_json;
	uint64_t for_ns; /* 0: until it is unblocked */
	struct live live;
	struct standing_reader standing;
	struct blocks_writer writer;
	struct process_half half;
	bool over_ssh; /* blocking this source would cut the connection that is in use */
	struct synfw_addr6 ssh_client;
	json_t *blocked, *refused;
};

static void blocking_close(struct blocking *blocking)
{
	process_half_close(&blocking->half);
	blocks_writer_close(&blocking->writer);
	standing_close(&blocking->standing);
	live_close(&blocking->live);
	json_decref(blocking->blocked);
	json_decref(blocking->refused);
}

/* ---- what must not be blocked ---- */

/* The first entry of `protect` that names the address; it may be one with a dynamic set. */
static int describe_protection(const struct live *live, const struct standing *standing,
			       struct fault *fault, char *out, size_t size)
{
	CLEANUP(standing_entries_done) struct standing_entries entries = {NULL};
	const struct manifest *manifest = live->manifest;
	size_t i;
	int err = standing_find_entries(live, standing->source_class, fault, &entries);

	if (err)
		return err;
	snprintf(out, size, "the policy protects it");
	for (i = 0; manifest && i < manifest->nr_protects; i++) {
		if (!entries.protects[i])
			continue;
		snprintf(out, size, "the policy protects it (%s, at %s:%u)",
			 manifest->protects[i].text, manifest->file, manifest->protects[i].line);
		break;
	}
	return 0;
}

/* Whoever blocks the address they work from cannot take it back. */
static void find_ssh_client(struct blocking *blocking)
{
	struct any_prefix client = {0};
	struct packet_spec ssh;
	uint32_t addr_be;

	if (lockout_find(&ssh) || !lockout_ends_here(&ssh))
		return;
	client.family = ssh.family;
	memcpy(&addr_be, ssh.saddr, sizeof(addr_be));
	client.v4.addr = ntohl(addr_be);
	memcpy(client.v6.addr, ssh.saddr, sizeof(client.v6.addr));
	blocking->ssh_client = source_of(&client, blocking->live.scoring.ipv6_prefixlen);
	blocking->over_ssh = true;
}

static bool cuts_ssh(const struct blocking *blocking, const struct source_arg *arg)
{
	return blocking->over_ssh &&
	       !memcmp(&blocking->ssh_client, &arg->source, sizeof(arg->source));
}

/* Sets *ret_refused when the address is refused, and says why. */
static int refuse(struct blocking *blocking, const struct source_arg *arg, struct fault *fault,
		  bool *ret_refused)
{
	struct standing standing;
	char why[512];
	int err = standing_read(&blocking->standing, &arg->address, fault, &standing);

	*ret_refused = standing.exempt || standing.is_protected || cuts_ssh(blocking, arg);
	if (err || !*ret_refused)
		return err;
	if (standing.exempt)
		snprintf(why, sizeof(why), "it is exempt, as %s", exempt_word(standing.exempt));
	else if (!standing.is_protected)
		snprintf(why, sizeof(why),
			 "the SSH connection in use comes from there, and would be cut; "
			 "--force blocks it all the same");
	else
		err = describe_protection(&blocking->live, &standing, fault, why, sizeof(why));
	if (err)
		return err;
	ui_error("%s is not blocked: %s", arg->text, why);
	json_array_append_new(blocking->refused, json_pack("{s:s, s:o}", "address", arg->text,
							   "reason", json_text(why)));
	return 0;
}

/* ---- blocking ---- */

/* The block to be: offences and score are those of the source. */
static int compose(const struct blocking *blocking, const struct synfw_addr6 *source,
		   struct fault *fault, struct synfw_block *ret_block, bool *ret_is_new)
{
	const struct live *live = &blocking->live;
	uint64_t now_ns = source_now();
	struct synfw_block before,
		block = {
			.expires_boot_ns = blocking->for_ns ? now_ns + blocking->for_ns : 0,
			.since_boot_ns = now_ns,
			.cause = SYNFW_BLOCK_OPERATOR,
		};
	struct scored scored;
	int err = blocks_look_up(&live->object, source, fault, &before);

	*ret_is_new = err || !block_is_live(&before, now_ns);
	/* what a policy that only monitored has counted is no offence to one that blocks */
	if (!err && (live->header.monitor || !(before.flags & SYNFW_BLOCK_MONITOR)))
		block.offences = before.offences;
	if (!err || err == -ENOENT)
		err = scores_look_up(&live->object, source, &live->scoring, fault, &scored);
	if (err && err != -ENOENT)
		return err;
	if (!err) {
		block.score = score_points(scored.level);
		memcpy(block.part, scored.part, sizeof(block.part));
	}
	*ret_block = block;
	return 0;
}

static void report(struct blocking *blocking, const struct source_arg *arg,
		   const struct synfw_block *block, bool is_new)
{
	uint8_t prefixlen = blocking->live.scoring.ipv6_prefixlen;
	uint64_t for_s = blocking->for_ns / NS_PER_S;
	char source[SOURCE_TEXT_MAX];

	source_text(&arg->source, prefixlen, source);
	if (blocking->as_json) {
		/* clang-format off */
		json_array_append_new(blocking->blocked, json_pack(
			"{s:s, s:s, s:b, s:o, s:o}",
			"address", arg->text,
			"source", source,
			"was_blocked", !is_new,
			"expires_in_s", for_s ? json_integer(for_s) : json_null(),
			"until", for_s ? json_time(source_real_time(block->expires_boot_ns))
				       : json_null()));
		/* clang-format on */
		return;
	}
	printf("blocked %s", source);
	if (for_s)
		printf(" for %llu s", (unsigned long long)for_s);
	else
		printf(" until it is unblocked");
	if (!is_new)
		printf(" (it was blocked already)");
	if (strcmp(source, arg->text) && source_is_ipv6(&arg->source))
		printf("; %s is in it: this policy takes each /%u of IPv6 as one source", arg->text,
		       prefixlen);
	putchar('\n');
}

/* The source is blocked all the same. */
static void flag_talkers(const struct blocking *blocking, const struct synfw_addr6 *source)
{
	CLEANUP(fault_done) struct fault fault = {0};

	if (talkers_flag(&blocking->half, source, &fault))
		ui_warning("%s", fault.message);
}

/* 0, -ECANCELED when the address is refused, which has been said, or a fault. */
static int block_one(struct blocking *blocking, const struct source_arg *arg, struct fault *fault)
{
	struct synfw_block block;
	bool refused, is_new;
	int err = refuse(blocking, arg, fault, &refused);

	if (err || refused)
		return err ? err : -ECANCELED;
	err = compose(blocking, &arg->source, fault, &block, &is_new);
	if (!err)
		err = blocks_put(&blocking->writer, &arg->source, &block, fault);
	if (err == -E2BIG)
		return fault_refuse(fault, EXIT_REFUSED,
				    "%s is not blocked: there is no room for more than %u blocks; "
				    "unblock some, or put addresses into a set of the policy",
				    arg->text, SYNFW_MAX_BLOCKS);
	if (err)
		return err;
	report(blocking, arg, &block, is_new);
	flag_talkers(blocking, &arg->source);
	return 0;
}

/* What is refused does not keep the others from being blocked. */
static int block_all(struct blocking *blocking, const struct source_args *args, struct fault *fault)
{
	int status = EXIT_DONE, err;
	size_t i;

	for (i = 0; i < args->count; i++) {
		err = block_one(blocking, &args->items[i], fault);
		if (fault->message)
			return ui_fault(fault);
		if (err)
			status = EXIT_REFUSED;
	}
	return status;
}

/* ---- the command ---- */

/* Without them sources are blocked all the same, and nobody is flagged for it. */
static void find_processes(const struct invocation *invocation, struct blocking *blocking)
{
	CLEANUP(fault_done) struct fault fault = {0};

	if (process_half_find(invocation->paths.live, blocking->live.control.active, &fault,
			      &blocking->half))
		ui_warning("who talks with the source is not flagged: %s", fault.message);
}

static int open_blocking(const struct invocation *invocation, struct source_args *args,
			 struct fault *fault, struct blocking *blocking)
{
	int err = live_open(invocation->paths.live, fault, &blocking->live);

	if (!err && !blocking->live.tables.nr_pages)
		err = fault_refuse(fault, EXIT_USAGE,
				   "no policy is in force: there is nothing that could block");
	if (!err)
		err = source_args_resolve(args, blocking->live.scoring.ipv6_prefixlen, fault);
	if (!err)
		err = standing_open(&blocking->live, fault, &blocking->standing);
	if (!err)
		err = blocks_writer_open(&blocking->live.object, fault, &blocking->writer);
	if (!err)
		find_processes(invocation, blocking);
	return err;
}

static int parse_arguments(const struct invocation *invocation, struct source_args *args,
			   uint64_t *ret_for_ns, struct fault *fault)
{
	const char *lifetime = option_value(invocation, "for");

	if (lifetime && !duration_parse(lifetime, ret_for_ns))
		return fault_refuse(fault, EXIT_USAGE,
				    "--for \"%s\" is not a duration: a number and s, m, h or d, as "
				    "in 36h",
				    lifetime);
	return source_args_take(args, invocation->operand, invocation->nr_operands, fault);
}

int cmd_block(const struct invocation *invocation)
{
	CLEANUP(lock_release) struct lock lock = LOCK_NONE;
	CLEANUP(source_args_done) struct source_args args = {NULL};
	CLEANUP(fault_done) struct fault fault = {0};
	CLEANUP(blocking_close)
	struct blocking blocking = {
		.as_json = option_given(invocation, "json"),
		.live = LIVE_NONE,
		.standing = STANDING_READER_NONE,
		.writer = BLOCKS_WRITER_NONE,
		.half = PROCESS_HALF_NONE,
		.blocked = json_array(),
		.refused = json_array(),
	};
	CLEANUP(json_decrefp) json_t *root = NULL;
	int status;

	if (parse_arguments(invocation, &args, &blocking.for_ns, &fault) ||
	    privileges_check("block a source", &fault) ||
	    lock_acquire(&invocation->paths, LOCK_TIMEOUT_MS, &fault, &lock) ||
	    open_blocking(invocation, &args, &fault, &blocking))
		return ui_fault(&fault);
	if (!option_given(invocation, "force"))
		find_ssh_client(&blocking);
	if (blocking.live.header.monitor)
		ui_warning("the policy in force only monitors: until it blocks, packets of blocked "
			   "sources are counted and pass");
	status = block_all(&blocking, &args, &fault);
	if (blocking.as_json) {
		root = json_pack("{s:s, s:O, s:O}", "schema", "synfw.block/1", "blocked",
				 blocking.blocked, "refused", blocking.refused);
		report_print_json(root);
	}
	return status ? status : ui_done("blocked");
}
