/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* synfw why PID */
#include "cmd_why.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <synfw/cleanup.h>

#include "base/fault.h"
#include "base/json.h"
#include "base/privileges.h"
#include "base/ui.h"
#include "datapath/live.h"
#include "datapath/source.h"
#include "policy/process_names.h"
#include "processes/entries.h"
#include "processes/text.h"
#include "report/event_report.h"
#include "report/report.h"

#define NS_PER_S 1000000000ULL

/* What is told, and of whom. */
struct account {
	struct live live;
	struct process_half half;
	struct process_names names;
	struct synfw_process_head head;
	struct process_entry entry;
	struct process_executable executable;
	uint32_t score;
	char *path; /* that it runs, or NULL */
};

static void account_close(struct account *account)
{
	live_close(&account->live);
	process_half_close(&account->half);
	process_names_close(&account->names);
	free(account->path);
}

static bool would_be_isolated(const struct account *account)
{
	return process_entry_isolated(&account->entry.process, &account->head);
}

static bool is_isolated(const struct account *account)
{
	return would_be_isolated(account) && !account->head.monitor;
}

static bool is_flagged(const struct account *account)
{
	return account->entry.process.flags & SYNFW_PROCESS_FLAGGED;
}

static bool has_talked(const struct account *account)
{
	return process_entry_talked(&account->entry.process, &account->head);
}

/* As a source, or as an address of it that commands take. */
static const char *talked_with(const struct account *account, bool source,
			       char out[SOURCE_TEXT_MAX])
{
	const struct synfw_process *process = &account->entry.process;

	return source_text(&process->talked_with, source ? process->talked_prefixlen : 128, out);
}

static const struct manifest_process_rule *rule_of(const struct account *account)
{
	return is_flagged(account)
		       ? process_names_find(&account->names, account->entry.process.counter)
		       : NULL;
}

/* Whether something is done to its peers, or would be. */
static bool has_peers(const struct account *account)
{
	uint32_t flags = SYNFW_PROCESS_PEERS;

	if (account->head.monitor)
		flags |= SYNFW_PROCESS_PEERS_MONITOR;
	return account->head.peers && account->entry.process.flags & flags;
}

/* ---- text ---- */

static void print_cause(const struct account *account)
{
	const struct manifest_process_rule *rule = rule_of(account);
	char when[EVENT_TIME_MAX];

	if (!is_flagged(account))
		return;
	printf("  flagged:    since %s",
	       event_time_text(account->entry.process.flagged_boot_ns, when));
	if (rule)
		printf(", by rule \"%s\" at %s:%u, or inherited from who forked it", rule->name,
		       account->names.file, rule->line);
	else if (account->entry.process.counter)
		printf(", by a rule of before");
	else
		printf(", by on-peer-block, or inherited from who forked it");
	putchar('\n');
}

/* Whether there is anything to release. */
static bool is_held(const struct account *account)
{
	return is_flagged(account) || has_talked(account) || has_peers(account) || account->score ||
	       account->executable.score;
}

static void print_peers(const struct account *account)
{
	const struct synfw_process *process = &account->entry.process;
	const struct manifest_process_rule *rule =
		process_names_find(&account->names, process->counter_peers);

	if (!has_peers(account))
		return;
	printf("  peers:      %s", account->head.monitor ? "would be " : "");
	if (process->peers_block_ns == UINT64_MAX)
		fputs("blocked until they are unblocked", stdout);
	else if (process->peers_block_ns)
		printf("blocked for %llu s",
		       (unsigned long long)(process->peers_block_ns / NS_PER_S));
	if (process->peers_score)
		printf("%sgiven %u points", process->peers_block_ns ? " and " : "",
		       process->peers_score);
	if (rule)
		printf(", by rule \"%s\" at %s:%u, or inherited", rule->name, account->names.file,
		       rule->line);
	putchar('\n');
}

static void print_talked(const struct account *account)
{
	char source[SOURCE_TEXT_MAX], address[SOURCE_TEXT_MAX];

	if (has_talked(account))
		printf("  talks with: %s, which was blocked; or who forked it did: see `synfw why "
		       "%s`\n",
		       talked_with(account, true, source), talked_with(account, false, address));
}

static void print_executable(const struct process_executable *executable)
{
	char comm[PROCESS_COMM_MAX];

	if (executable->present)
		printf("  executable: %u, of all processes of this file and user %u; the last was "
		       "process %u (%s)\n",
		       executable->score, executable->uid, executable->last.pid,
		       process_comm_text(executable->last.comm, comm));
}

static void print_score(const struct account *account)
{
	if (!account->head.decay)
		return;
	printf("  score:      %u", account->score);
	if (account->head.flag_at)
		printf(", flag-at %u", account->head.flag_at);
	if (account->head.act_at)
		printf(", act-at %u: %s", account->head.act_at,
		       manifest_process_action_word(account->head.act));
	putchar('\n');
	print_executable(&account->executable);
}

static const char *state_text(const struct account *account)
{
	if (is_isolated(account))
		return process_half_isolates_fully(&account->half)
			       ? "isolated: it has no network"
			       : "isolated, but not in full: see `synfw status`";
	if (would_be_isolated(account))
		return "isolated, but the policy only monitors: it has its network";
	if (is_flagged(account))
		return "flagged, and may go on";
	if (!has_talked(account))
		return "not held for anything";
	return account->head.monitor ? "not flagged, as the policy only monitors"
				     : "not flagged, as it is protected";
}

static void print_text(const struct account *account)
{
	const struct synfw_process *process = &account->entry.process;
	char comm[PROCESS_COMM_MAX], when[EVENT_TIME_MAX];

	printf("process %u (%s) is %s%s%s\n", account->entry.pid,
	       process_comm_text(process->comm, comm),
	       ui_style(stdout, is_isolated(account) ? UI_RED : UI_GREEN), state_text(account),
	       ui_style(stdout, UI_PLAIN));
	printf("  runs:       %s%s\n", account->path ? account->path : "a file that is gone",
	       process->flags & SYNFW_PROCESS_DISGUISED
		       ? ", as it has made it look: it executed another file"
		       : "");
	printf("  started:    %s, by process %u\n", event_time_text(process->start_boot_ns, when),
	       process->parent);
	print_cause(account);
	print_talked(account);
	print_peers(account);
	print_score(account);
	if (process->largest_bytes || process->wx_mappings || process->growth_bytes)
		printf("  memory:     largest request %.1f MiB, largest growth %.1f MiB, %s both "
		       "writable and executable\n",
		       process->largest_bytes / 1048576.0, process->growth_bytes / 1048576.0,
		       ui_count(process->wx_mappings, "mapping"));
	if (is_held(account))
		printf("  to undo:    synfw release %u\n", account->entry.pid);
}

/* ---- JSON ---- */

static json_t *executable_json(const struct process_executable *executable)
{
	char comm[PROCESS_COMM_MAX];

	if (!executable->present)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:s}", "score", (json_int_t)executable->score, "uid",
			 (json_int_t)executable->uid, "pid", (json_int_t)executable->last.pid,
			 "comm", process_comm_text(executable->last.comm, comm));
}

static json_t *undo_json(const struct account *account)
{
	json_t *array = json_array();

	if (is_held(account))
		json_array_append_new(array, json_sprintf("synfw release %u", account->entry.pid));
	return array;
}

static json_t *peers_json(const struct account *account)
{
	const struct synfw_process *process = &account->entry.process;
	json_t *object;

	if (!has_peers(account))
		return json_null();
	/* clang-format off */
	object = json_pack("{s:o, s:b, s:I}",
			   "block_s", process->peers_block_ns == UINT64_MAX
				? json_null()
				: json_integer(process->peers_block_ns / NS_PER_S),
			   "block", !!process->peers_block_ns,
			   "score", (json_int_t)process->peers_score);
	/* clang-format on */
	if (object)
		process_names_json(&account->names, process->counter_peers, object);
	return object;
}

static json_t *isolation_json(const struct account *account)
{
	if (!is_isolated(account))
		return json_null();
	return json_string(process_half_isolates_fully(&account->half) ? "full" : "partial");
}

static int print_json(const struct account *account)
{
	const struct synfw_process *process = &account->entry.process;
	char comm[PROCESS_COMM_MAX], source[SOURCE_TEXT_MAX];
	/* clang-format off */
	CLEANUP(json_decrefp) json_t *root = json_pack(
		"{s:s, s:I, s:I, s:s, s:o, s:b, s:o, s:s, s:b, s:b, s:o, s:o, s:I, s:o, s:o, s:o,"
		" s:I, s:I, s:I, s:o, s:o, s:o}",
		"schema", "synfw.why/1",
		"pid", (json_int_t)account->entry.pid,
		"parent", (json_int_t)process->parent,
		"comm", process_comm_text(process->comm, comm),
		"path", json_text_or_null(account->path),
		"disguised", !!(process->flags & SYNFW_PROCESS_DISGUISED),
		"started_at", json_time(source_real_time(process->start_boot_ns)),
		"mode", account->live.header.monitor ? "monitor" : "block",
		"flagged", is_flagged(account),
		"isolated", is_isolated(account),
		"isolation", isolation_json(account),
		"flagged_at", is_flagged(account)
				      ? json_time(source_real_time(process->flagged_boot_ns))
				      : json_null(),
		"score", (json_int_t)account->score,
		"executable", executable_json(&account->executable),
		"flag_at", account->head.flag_at ? json_integer(account->head.flag_at)
						 : json_null(),
		"act_at", account->head.act_at ? json_integer(account->head.act_at) : json_null(),
		"largest_request_bytes", (json_int_t)process->largest_bytes,
		"largest_growth_bytes", (json_int_t)process->growth_bytes,
		"wx_mappings", (json_int_t)process->wx_mappings,
		"peers", peers_json(account),
		"blocked_peer", has_talked(account) ? json_string(talked_with(account, true, source))
						    : json_null(),
		"undo", undo_json(account));
	/* clang-format on */

	if (root)
		process_names_json(&account->names, is_flagged(account) ? process->counter : 0,
				   root);
	return report_print_json(root);
}

/* ---- the command ---- */

static int open_account(const struct invocation *invocation, struct fault *fault,
			struct account *account)
{
	int err = live_open(invocation->paths.live, fault, &account->live);

	if (!err && account->live.present)
		err = process_half_find(invocation->paths.live, account->live.control.active, fault,
					&account->half);
	if (err)
		return err;
	if (!account->half.present)
		return fault_refuse(fault, EXIT_USAGE,
				    "no policy with rules on processes is in force: nothing is "
				    "known of them");
	err = process_half_read_head(&account->half, account->live.control.active, fault,
				     &account->head);
	if (!err && process_names_open(account->live.manifest, &account->names))
		err = fault_system(fault, -ENOMEM, "cannot read the names of rules");
	if (!err)
		err = process_entry_read(&account->half.object, account->entry.pid, fault,
					 &account->entry.process);
	if (err == -ENOENT)
		return fault_refuse(fault, EXIT_USAGE, "there is no process %u that is known",
				    account->entry.pid);
	if (!err)
		err = process_executable_read(&account->half.object, &account->entry,
					      &account->head, source_now(), fault,
					      &account->executable);
	account->score = process_entry_score(&account->entry.process, &account->head, source_now());
	account->path = process_exe_text(account->entry.pid);
	return err;
}

int why_process(const struct invocation *invocation, uint32_t pid)
{
	CLEANUP(account_close)
	struct account account = {.live = LIVE_NONE, .half = PROCESS_HALF_NONE, .entry.pid = pid};
	CLEANUP(fault_done) struct fault fault = {0};

	if (privileges_check("read what is held against a process", &fault) ||
	    open_account(invocation, &fault, &account))
		return ui_fault(&fault);
	if (option_given(invocation, "json"))
		print_json(&account);
	else
		print_text(&account);
	return is_isolated(&account) ? EXIT_NO : EXIT_DONE;
}
