/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* synfw show: rules on processes and memory, and the processes that are known */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <synfw/cleanup.h>

#include "base/json.h"
#include "cmd_show.h"
#include "datapath/source.h"
#include "policy/process_names.h"
#include "processes/entries.h"
#include "processes/tallies.h"
#include "processes/text.h"
#include "report/report.h"

static int open_half(const struct invocation *invocation, const struct live *live,
		     struct fault *fault, struct process_half *ret_half,
		     struct synfw_process_head *ret_head)
{
	int err;

	if (!live->present)
		return 0;
	err = process_half_find(invocation->paths.live, live->control.active, fault, ret_half);
	if (!err && ret_half->present)
		err = process_half_read_head(ret_half, live->control.active, fault, ret_head);
	return err;
}

/* ---- rules ---- */

static json_t *rule_json(const struct live *live, const struct manifest_process_rule *rule,
			 const struct synfw_process_counter *counter)
{
	/* clang-format off */
	return json_pack("{s:o, s:I, s:s, s:s, s:s, s:I, s:s, s:I, s:I, s:o, s:o}",
			 "name", json_text(rule->name),
			 "line", (json_int_t)rule->line,
			 "event", manifest_trigger_word(rule->trigger),
			 "action", manifest_process_action_word(rule->action),
			 "fallback", manifest_process_action_word(rule->fallback),
			 "score", (json_int_t)rule->score,
			 "mode", rule->monitor || live->header.monitor ? "monitor" : "block",
			 "matches", (json_int_t)counter->matches,
			 "would", (json_int_t)counter->would,
			 "text", json_text(rule->text),
			 "description", json_text_or_null(rule->description));
	/* clang-format on */
}

static void print_rule(const struct manifest_process_rule *rule,
		       const struct synfw_process_counter *counter)
{
	printf("%-24s %-11s %-7s %12llu  %s%s\n", rule->name, manifest_trigger_word(rule->trigger),
	       manifest_process_action_word(rule->action), (unsigned long long)counter->matches,
	       rule->text, rule->monitor ? " [monitor]" : "");
	if (counter->would)
		printf("%-24s %-11s %-7s %12llu would be acted on in block mode\n", "", "", "",
		       (unsigned long long)counter->would);
}

int show_process_rules(const struct invocation *invocation, const struct live *live,
		       struct fault *fault, json_t **ret_rules)
{
	CLEANUP(process_half_close) struct process_half half = PROCESS_HALF_NONE;
	CLEANUP(json_decrefp) json_t *rules = json_array();
	struct synfw_process_counter counter = {0};
	struct synfw_process_head head;
	const struct manifest_process_rule *rule, *end;
	bool as_json = option_given(invocation, "json");
	int err = open_half(invocation, live, fault, &half, &head);

	if (err)
		return err;
	rule = live->manifest ? live->manifest->process_rules : NULL;
	end = rule ? rule + live->manifest->nr_process_rules : NULL;
	if (!as_json && rule < end)
		printf("\n%-24s %-11s %-7s %12s  %s\n", "RULE", "EVENT", "ACTION", "MATCHES",
		       "WHAT");
	for (; rule < end; rule++) {
		if (half.present)
			err = process_counter_read(&half.object, rule->counter, fault, &counter);
		if (err)
			return err;
		if (as_json)
			json_array_append_new(rules, rule_json(live, rule, &counter));
		else
			print_rule(rule, &counter);
	}
	*ret_rules = TAKE_PTR(rules);
	return 0;
}

/* ---- processes ---- */

/* What is needed to tell of them. */
struct view {
	struct process_half half;
	struct synfw_process_head head;
	struct process_names names;
	const struct manifest *manifest; /* borrowed, or NULL */
	uint64_t now_ns;
};

static void view_close(struct view *view)
{
	process_half_close(&view->half);
	process_names_close(&view->names);
}

static uint64_t growth_of(const struct view *view, const struct process_entry *entry)
{
	return view->manifest ? process_entry_growth(&view->half.object, view->manifest, entry,
						     view->now_ns)
			      : 0;
}

static bool has_no_network(const struct view *view, const struct synfw_process *process)
{
	return process_entry_isolated(process, &view->head) && !view->head.monitor;
}

static const char *state_text(const struct view *view, const struct synfw_process *process)
{
	if (has_no_network(view, process))
		return "isolated";
	return process->flags & SYNFW_PROCESS_FLAGGED ? "flagged" : "-";
}

static json_t *entry_json(const struct view *view, const struct process_entry *entry)
{
	const struct synfw_process *process = &entry->process;
	CLEANUP(cleanup_free) char *path = process_exe_text(entry->pid);
	char comm[PROCESS_COMM_MAX];
	/* clang-format off */
	json_t *object = json_pack(
		"{s:I, s:I, s:s, s:o, s:b, s:o, s:I, s:b, s:b, s:o, s:I, s:I, s:I, s:I, s:I}",
		"pid", (json_int_t)entry->pid,
		"parent", (json_int_t)process->parent,
		"comm", process_comm_text(process->comm, comm),
		"path", json_text_or_null(path),
		"disguised", !!(process->flags & SYNFW_PROCESS_DISGUISED),
		"started_at", json_time(source_real_time(process->start_boot_ns)),
		"score", (json_int_t)process_entry_score(process, &view->head, view->now_ns),
		"flagged", !!(process->flags & SYNFW_PROCESS_FLAGGED),
		"isolated", has_no_network(view, process),
		"flagged_at", process->flags & SYNFW_PROCESS_FLAGGED
				      ? json_time(source_real_time(process->flagged_boot_ns))
				      : json_null(),
		"resident_bytes", (json_int_t)process_entry_resident(entry),
		"growth_bytes_per_s", (json_int_t)growth_of(view, entry),
		"largest_growth_bytes", (json_int_t)process->growth_bytes,
		"largest_request_bytes", (json_int_t)process->largest_bytes,
		"wx_mappings", (json_int_t)process->wx_mappings);
	/* clang-format on */

	if (object)
		process_names_json(&view->names,
				   process->flags & SYNFW_PROCESS_FLAGGED ? process->counter : 0,
				   object);
	return object;
}

static void print_entry(const struct view *view, const struct process_entry *entry)
{
	const struct synfw_process *process = &entry->process;
	CLEANUP(cleanup_free) char *path = process_exe_text(entry->pid);
	char comm[PROCESS_COMM_MAX];

	printf("%7u %-16s %7u %-8s %10.1f %10.1f %10.1f %5u  %s\n", entry->pid,
	       process_comm_text(process->comm, comm),
	       process_entry_score(process, &view->head, view->now_ns), state_text(view, process),
	       process_entry_resident(entry) / 1048576.0, growth_of(view, entry) / 1048576.0,
	       process->largest_bytes / 1048576.0, process->wx_mappings, path ? path : "-");
}

static int read_view(const struct invocation *invocation, const struct live *live,
		     struct fault *fault, struct view *view, struct process_entry **ret_entries,
		     size_t *ret_count)
{
	int err = open_half(invocation, live, fault, &view->half, &view->head);

	if (!err && process_names_open(live->manifest, &view->names))
		err = fault_system(fault, -ENOMEM, "cannot read the names of rules");
	if (!err && view->half.present)
		err = process_entries_read(&view->half.object, fault, ret_entries, ret_count);
	view->manifest = live->manifest;
	view->now_ns = source_now();
	return err;
}

int show_processes(const struct invocation *invocation, const struct live *live,
		   struct fault *fault)
{
	CLEANUP(view_close) struct view view = {.half = PROCESS_HALF_NONE};
	CLEANUP(cleanup_free) struct process_entry *entries = NULL;
	CLEANUP(json_decrefp) json_t *array = json_array();
	CLEANUP(json_decrefp) json_t *root = NULL;
	bool as_json = option_given(invocation, "json");
	size_t count = 0, i;
	int err = read_view(invocation, live, fault, &view, &entries, &count);

	if (err)
		return err;
	if (!as_json)
		printf("%7s %-16s %7s %-8s %10s %10s %10s %5s  %s\n", "PID", "COMMAND", "SCORE",
		       "STATE", "MIB", "MIB/S", "LARGEST", "W+X", "FILE");
	for (i = 0; i < count; i++) {
		if (as_json)
			json_array_append_new(array, entry_json(&view, &entries[i]));
		else
			print_entry(&view, &entries[i]);
	}
	if (!as_json)
		return 0;
	root = json_pack("{s:s, s:O, s:b}", "schema", "synfw.show.processes/1", "processes", array,
			 "known", view.half.present);
	report_print_json(root);
	return 0;
}
