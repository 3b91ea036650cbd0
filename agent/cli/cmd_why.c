/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* synfw why */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "base/json.h"
#include "base/privileges.h"
#include "base/ui.h"
#include "cmd_why.h"
#include "command.h"
#include "datapath/source.h"
#include "processes/text.h"
#include "report/block_report.h"
#include "report/report.h"
#include "sources/exempt.h"
#include "sources/held.h"

#define NS_PER_S 1000000000ULL

/* What is told, and of whom. */
struct account {
	const struct live *live;
	const struct source_arg *arg;
	struct held held;
	struct rule_names names;
	char source[SOURCE_TEXT_MAX];
	bool is_blocked;
};

static void account_close(struct account *account)
{
	held_done(&account->held);
	rule_names_close(&account->names);
}

/* A member or a block that has not ended yet: rounded up. */
static uint64_t seconds_until(const struct held *held, uint64_t expires_ns)
{
	return (expires_ns - held->now_boot_ns + NS_PER_S - 1) / NS_PER_S;
}

static bool holds_something(const struct held *held)
{
	return held->has_block || held->has_score || held->has_mark;
}

/* ---- text ---- */

static void print_verdict(const struct account *account)
{
	const struct held *held = &account->held;
	const struct synfw_block *block = &held->blocked.block;
	bool live_block = held->has_block && block_is_live(block, held->now_boot_ns);
	const char *monitor = account->live->header.monitor ? "would be" : "is";
	char until[BLOCK_TIME_MAX], left[BLOCK_TIME_MAX];

	if (account->is_blocked) {
		printf("%s %s%s blocked%s until ", account->arg->text, ui_style(stdout, UI_RED),
		       monitor, ui_style(stdout, UI_PLAIN));
		if (block->expires_boot_ns)
			printf("%s (%s)\n", block_time_text(block->expires_boot_ns, until),
			       block_until_text(block, held->now_boot_ns, left));
		else
			printf("it is unblocked\n");
		return;
	}
	printf("%s is %snot blocked%s", account->arg->text, ui_style(stdout, UI_GREEN),
	       ui_style(stdout, UI_PLAIN));
	if (live_block && held_is_spared(held))
		printf(": the block of %s does not hold for it", account->source);
	else if (live_block)
		printf(": its block was made while the policy only monitored");
	putchar('\n');
}

static void print_spared(const struct account *account)
{
	const struct standing *standing = &account->held.standing;
	const struct manifest *manifest = account->live->manifest;
	bool named = false;
	size_t i;

	if (standing->exempt)
		printf("  exempt:     %s: never scored or blocked\n",
		       exempt_word(standing->exempt));
	for (i = 0; manifest && i < manifest->nr_protects; i++) {
		if (!account->held.entries.protects[i])
			continue;
		named = true;
		printf("  protected:  by \"%s\" at %s:%u: never scored or blocked\n",
		       manifest->protects[i].text, manifest->file, manifest->protects[i].line);
	}
	if (standing->is_protected && !named)
		printf("  protected:  by the policy: never scored or blocked\n");
}

static void print_cause(const struct account *account)
{
	const struct synfw_block *block = &account->held.blocked.block;
	const struct rule_name *rule = rule_names_find(&account->names, block->counter);
	char name[SYNFW_MAX_NAME + 2] = "a rule";

	if (rule)
		snprintf(name, sizeof(name), "\"%s\"", rule->name);
	if (block->cause == SYNFW_BLOCK_OPERATOR)
		printf("by `synfw block`");
	else if (block->cause == SYNFW_BLOCK_SCORE)
		printf("its score reached %u, with points of %s", block->score, name);
	else
		printf("by rule %s", name);
	if (rule && block->cause != SYNFW_BLOCK_OPERATOR)
		printf(" at %s:%u", account->names.file, rule->line);
	if (block->cause == SYNFW_BLOCK_PEER)
		printf(", as a peer of process %u", block->pid);
}

static int print_parts(const struct account *account, const struct synfw_score_part *parts,
		       struct fault *fault)
{
	CLEANUP(cleanup_free) char *text = rule_names_parts_text(&account->names, parts);

	if (!text)
		return fault_system(fault, -ENOMEM, "cannot tell what gave points");
	if (*text)
		printf(": %s", text);
	putchar('\n');
	return 0;
}

static int print_block(const struct account *account, struct fault *fault)
{
	const struct held *held = &account->held;
	const struct synfw_block *block = &held->blocked.block;
	char since[BLOCK_TIME_MAX];

	if (!held->has_block)
		return 0;
	printf("  block:      since %s, ", block_time_text(block->since_boot_ns, since));
	print_cause(account);
	printf("%s\n", block_is_live(block, held->now_boot_ns) ? "" : "; it has ended");
	if (block->offences)
		printf("  offences:   %u\n", block->offences);
	if (!block->score)
		return 0;
	printf("  score then: %u", block->score);
	return print_parts(account, block->part, fault);
}

static int print_score(const struct account *account, struct fault *fault)
{
	const struct synfw_scoring *scoring = &account->live->scoring;
	const struct scored *scored = &account->held.scored;
	uint32_t points = score_points(scored->level);
	uint64_t left_ns;

	if (!account->held.has_score)
		return 0;
	left_ns = score_ends_in_ns(scored->level, scoring);
	printf("  score:      %u", points);
	if (scoring->flag_at)
		printf(", %s flag-at %u", points >= scoring->flag_at ? "above" : "below",
		       scoring->flag_at);
	if (scoring->drop_at)
		printf(", drop-at %u", scoring->drop_at);
	printf("; 0 in %llu s", (unsigned long long)((left_ns + NS_PER_S - 1) / NS_PER_S));
	return print_parts(account, scored->part, fault);
}

/* What the next packet of the source brings it. */
static void print_mark(const struct account *account)
{
	const struct synfw_peer *mark = &account->held.mark;
	const struct rule_name *rule = rule_names_find(&account->names, mark->counter);
	char until[BLOCK_TIME_MAX];

	if (!account->held.has_mark)
		return;
	printf("  marked:     as a peer of process %u", mark->pid);
	if (rule)
		printf(", by rule \"%s\" at %s:%u", rule->name, account->names.file, rule->line);
	fputs(": its next packet", stdout);
	if (mark->pending & SYNFW_PEER_BLOCK && mark->until_boot_ns)
		printf(" is dropped, and it is blocked until %s",
		       block_time_text(mark->until_boot_ns, until));
	else if (mark->pending & SYNFW_PEER_BLOCK)
		fputs(" is dropped, and it is blocked until it is unblocked", stdout);
	if (mark->pending & SYNFW_PEER_POINTS)
		printf("%s gives it %u points", mark->pending & SYNFW_PEER_BLOCK ? ", and" : "",
		       mark->points);
	putchar('\n');
}

static void print_sets(const struct account *account)
{
	const struct held *held = &account->held;
	const struct held_set *set;
	char until[BLOCK_TIME_MAX];

	for (set = held->sets; set < held->sets + held->nr_sets; set++) {
		printf("  member of:  dynamic set \"%s\"", set->name);
		if (set->member.expires_ns)
			printf(" until %s (in %llu s)",
			       block_time_text(set->member.expires_ns, until),
			       (unsigned long long)seconds_until(held, set->member.expires_ns));
		putchar('\n');
	}
}

static void print_rules(const struct account *account)
{
	const struct manifest *manifest = account->live->manifest;
	size_t i;

	for (i = 0; manifest && i < manifest->nr_rules; i++)
		if (account->held.entries.rules[i])
			printf("  named by:   rule \"%s\" at %s:%u: %s\n", manifest->rules[i].name,
			       manifest->file, manifest->rules[i].line, manifest->rules[i].text);
}

static void print_undo(const struct account *account)
{
	const struct held *held = &account->held;
	size_t i;

	if (holds_something(held))
		printf("  to undo:    synfw unblock %s\n", account->source);
	for (i = 0; i < held->nr_sets; i++)
		printf("  to undo:    synfw set del %s %s\n", held->sets[i].name,
		       account->arg->text);
}

static int print_text(const struct account *account, struct fault *fault)
{
	int err;

	print_verdict(account);
	print_spared(account);
	err = print_block(account, fault);
	if (!err)
		err = print_score(account, fault);
	if (err)
		return err;
	print_mark(account);
	print_sets(account);
	print_rules(account);
	print_undo(account);
	return 0;
}

/* ---- JSON ---- */

static json_t *entries_json(const struct account *account)
{
	const struct manifest *manifest = account->live->manifest;
	json_t *array = json_array();
	size_t i;

	for (i = 0; manifest && i < manifest->nr_protects; i++)
		if (account->held.entries.protects[i])
			json_array_append_new(
				array, json_pack("{s:o, s:I}", "text",
						 json_text(manifest->protects[i].text), "line",
						 (json_int_t)manifest->protects[i].line));
	return array;
}

static json_t *rules_json(const struct account *account)
{
	const struct manifest *manifest = account->live->manifest;
	json_t *array = json_array();
	size_t i;

	for (i = 0; manifest && i < manifest->nr_rules; i++)
		if (account->held.entries.rules[i])
			json_array_append_new(
				array, json_pack("{s:o, s:I, s:s}", "rule",
						 json_text(manifest->rules[i].name), "line",
						 (json_int_t)manifest->rules[i].line, "action",
						 manifest_action_word(manifest->rules[i].action)));
	return array;
}

static json_t *sets_json(const struct held *held)
{
	json_t *array = json_array();
	const struct held_set *set;

	for (set = held->sets; set < held->sets + held->nr_sets; set++) {
		uint64_t expires_ns = set->member.expires_ns;

		/* clang-format off */
		json_array_append_new(array, json_pack(
			"{s:s, s:o, s:o}",
			"set", set->name,
			"until", expires_ns ? json_time(source_real_time(expires_ns)) : json_null(),
			"expires_in_s", expires_ns ? json_integer(seconds_until(held, expires_ns))
						   : json_null()));
		/* clang-format on */
	}
	return array;
}

static json_t *score_json(const struct account *account)
{
	const struct synfw_scoring *scoring = &account->live->scoring;
	const struct scored *scored = &account->held.scored;
	uint32_t points = score_points(scored->level);
	uint64_t left_ns;

	if (!account->held.has_score)
		return json_null();
	left_ns = score_ends_in_ns(scored->level, scoring);
	/* clang-format off */
	return json_pack("{s:I, s:I, s:b, s:o, s:o, s:o}",
			 "score", (json_int_t)points,
			 "zero_in_s", (json_int_t)((left_ns + NS_PER_S - 1) / NS_PER_S),
			 "flagged", scoring->flag_at && points >= scoring->flag_at,
			 "flag_at", scoring->flag_at ? json_integer(scoring->flag_at) : json_null(),
			 "drop_at", scoring->drop_at ? json_integer(scoring->drop_at) : json_null(),
			 "parts", rule_names_parts_json(&account->names, scored->part));
	/* clang-format on */
}

static json_t *mark_json(const struct account *account)
{
	const struct synfw_peer *mark = &account->held.mark;
	bool blocks = mark->pending & SYNFW_PEER_BLOCK, ends = blocks && mark->until_boot_ns;
	json_t *object;

	if (!account->held.has_mark)
		return json_null();
	/* clang-format off */
	object = json_pack("{s:I, s:b, s:o, s:I}",
			   "pid", (json_int_t)mark->pid,
			   "blocks", blocks,
			   "until", ends ? json_time(source_real_time(mark->until_boot_ns))
					 : json_null(),
			   "points", (json_int_t)(mark->pending & SYNFW_PEER_POINTS ? mark->points
										    : 0));
	/* clang-format on */
	if (object)
		rule_names_json(&account->names, mark->counter, object);
	return object;
}

static json_t *undo_json(const struct account *account)
{
	const struct held *held = &account->held;
	json_t *array = json_array();
	size_t i;

	if (holds_something(held))
		json_array_append_new(array, json_sprintf("synfw unblock %s", account->source));
	for (i = 0; i < held->nr_sets; i++)
		json_array_append_new(array, json_sprintf("synfw set del %s %s", held->sets[i].name,
							  account->arg->text));
	return array;
}

static int print_json(const struct account *account)
{
	const struct held *held = &account->held;
	const struct live *live = account->live;
	/* clang-format off */
	CLEANUP(json_decrefp) json_t *root = json_pack(
		"{s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o}",
		"schema", "synfw.why/1",
		"address", account->arg->text,
		"source", account->source,
		"mode", live->header.monitor ? "monitor" : "block",
		"blocked", account->is_blocked,
		"block", held->has_block ? block_json(&held->blocked, live->scoring.ipv6_prefixlen,
						      &account->names, held->now_boot_ns)
					 : json_null(),
		"score", score_json(account),
		"mark", mark_json(account),
		"exempt", held->standing.exempt
				? json_string(exempt_word(held->standing.exempt))
				: json_null(),
		"protected", held->standing.is_protected,
		"protect", entries_json(account),
		"sets", sets_json(held),
		"rules", rules_json(account),
		"undo", undo_json(account));
	/* clang-format on */

	return report_print_json(root);
}

/* ---- the command ---- */

static int open_account(struct source_args *args, struct fault *fault, struct account *account)
{
	uint8_t prefixlen = account->live->scoring.ipv6_prefixlen;
	int err = source_args_resolve(args, prefixlen, fault);

	if (!err && rule_names_open(account->live->manifest, &account->names))
		err = fault_system(fault, -ENOMEM, "cannot read the names of rules");
	if (!err)
		err = held_read(account->live, &args->items[0], fault, &account->held);
	if (err)
		return err;
	account->arg = &args->items[0];
	account->is_blocked = held_is_blocked(&account->held, account->live);
	source_text(&account->arg->source, prefixlen, account->source);
	return 0;
}

int cmd_why(const struct invocation *invocation)
{
	CLEANUP(live_close) struct live live = LIVE_NONE;
	CLEANUP(source_args_done) struct source_args args = {NULL};
	CLEANUP(fault_done) struct fault fault = {0};
	CLEANUP(account_close) struct account account = {.live = &live};
	uint32_t pid;

	/* an address is never digits alone */
	if (process_pid_parse(invocation->operand[0], &pid))
		return why_process(invocation, pid);
	if (source_args_take(&args, invocation->operand, 1, &fault) ||
	    privileges_check("read what is held against a source", &fault) ||
	    live_open(invocation->paths.live, &fault, &live))
		return ui_fault(&fault);
	if (!live.tables.nr_pages) {
		fault_refuse(&fault, EXIT_USAGE, "no policy is in force: nobody is blocked");
		return ui_fault(&fault);
	}
	if (open_account(&args, &fault, &account))
		return ui_fault(&fault);
	if (option_given(invocation, "json"))
		print_json(&account);
	else if (print_text(&account, &fault))
		return ui_fault(&fault);
	return account.is_blocked ? EXIT_NO : EXIT_DONE;
}
