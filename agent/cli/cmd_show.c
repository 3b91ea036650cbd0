/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* synfw show: rules and sets, and the table of all views */
#include "cmd_show.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "base/json.h"
#include "base/privileges.h"
#include "base/ui.h"
#include "command.h"
#include "datapath/counters.h"
#include "datapath/flows.h"
#include "datapath/live.h"
#include "report/address_index.h"
#include "report/policy_memory.h"
#include "report/report.h"

static const char *rule_mode(const struct live *live, const struct manifest_rule *rule)
{
	return rule->monitor || live->header.monitor ? "monitor" : "block";
}

static json_t *rule_json(const struct live *live, const struct manifest_rule *rule,
			 const struct synfw_rule_counter *counter)
{
	/* clang-format off */
	return json_pack("{s:o, s:I, s:s, s:I, s:s, s:I, s:I, s:I, s:o, s:o}",
			 "name", json_text(rule->name),
			 "line", (json_int_t)rule->line,
			 "action", manifest_action_word(rule->action),
			 "score", (json_int_t)rule->score,
			 "mode", rule_mode(live, rule),
			 "packets", (json_int_t)counter->packets,
			 "bytes", (json_int_t)counter->bytes,
			 "would_drop", (json_int_t)counter->would_drop,
			 "text", json_text(rule->text),
			 "description", json_text_or_null(rule->description));
	/* clang-format on */
}

static void print_rule(const struct live *live, const struct manifest_rule *rule,
		       const struct synfw_rule_counter *counter)
{
	printf("%-24s %-6s %12llu %14llu  %s%s\n", rule->name, manifest_action_word(rule->action),
	       (unsigned long long)counter->packets, (unsigned long long)counter->bytes, rule->text,
	       rule->monitor ? " [monitor]" : "");
	if (counter->would_drop)
		printf("%-24s        %12llu would be dropped in block mode\n", "",
		       (unsigned long long)counter->would_drop);
}

static int show_rules(const struct invocation *invocation, const struct live *live,
		      struct fault *fault)
{
	CLEANUP(json_decrefp) json_t *rules = json_array();
	CLEANUP(json_decrefp) json_t *process_rules = NULL;
	CLEANUP(json_decrefp) json_t *root = NULL;
	bool as_json = option_given(invocation, "json");
	const struct manifest_rule *rule, *end;
	struct synfw_rule_counter counter;
	int err;

	if (!as_json)
		printf("%-24s %-6s %12s %14s  %s\n", "RULE", "ACTION", "PACKETS", "BYTES",
		       "MATCHES");
	rule = live->manifest ? live->manifest->rules : NULL;
	for (end = rule ? rule + live->manifest->nr_rules : NULL; rule < end; rule++) {
		err = counters_read_rule(&live->object, rule->counter, fault, &counter);
		if (err)
			return err;
		if (as_json)
			json_array_append_new(rules, rule_json(live, rule, &counter));
		else
			print_rule(live, rule, &counter);
	}
	err = show_process_rules(invocation, live, fault, &process_rules);
	if (err || !as_json)
		return err;
	root = json_pack("{s:s, s:O, s:O}", "schema", "synfw.show.rules/1", "rules", rules,
			 "process_rules", process_rules);
	report_print_json(root);
	return 0;
}

static int print_set(const struct manifest_set *set, const struct dynamic *dynamic,
		     struct fault *fault)
{
	struct members_count count;
	int err;

	if (!set->dynamic) {
		printf("%-24s %12llu %12llu  %s\n", set->name, (unsigned long long)set->entries4,
		       (unsigned long long)set->entries6, set->file ? set->file : "-");
		return 0;
	}
	err = dynamic_count(dynamic, set->name, fault, &count);
	if (err)
		return err;
	printf("%-24s %12u %12u  dynamic, %llu of %u members\n", set->name, count.ipv4, count.ipv6,
	       (unsigned long long)count.ipv4 + count.ipv6, set->size);
	return 0;
}

static int show_sets(const struct invocation *invocation, const struct live *live,
		     struct fault *fault)
{
	static const struct manifest nothing;
	const struct manifest *manifest = live->manifest ? live->manifest : &nothing;
	const struct dynamic *dynamic = &live->tables.dynamic;
	uint64_t bytes = policy_kernel_bytes(invocation->paths.live, live);
	json_t *sets;
	size_t i;
	int err = 0;

	if (option_given(invocation, "json")) {
		CLEANUP(json_decrefp) json_t *root = NULL;

		sets = report_sets_json(manifest, dynamic, fault);
		if (!sets)
			return fault_system(fault, -ENOMEM, "cannot list the sets");
		root = json_pack("{s:s, s:o, s:I, s:o}", "schema", "synfw.show.sets/1", "sets",
				 sets, "kernel_bytes", (json_int_t)bytes, "address_index",
				 address_index_json(live));
		report_print_json(root);
		return 0;
	}
	printf("%-24s %12s %12s  %s\n", "SET", "IPV4", "IPV6", "FILE");
	for (i = 0; !err && i < manifest->nr_sets; i++)
		err = print_set(&manifest->sets[i], dynamic, fault);
	if (!err && live->manifest) {
		printf("%.1f MiB of kernel memory with all tables of the policy; ",
		       bytes / 1048576.0);
		address_index_print(live);
	}
	return err;
}

static json_t *flow_json(const struct synfw_flow *flow, uint64_t now_ns)
{
	char remote[FLOW_TEXT_MAX], local[FLOW_TEXT_MAX];
	const struct synfw_flow_tuple *tuple = &flow->tuple;

	/* clang-format off */
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:b}",
			 "protocol", flow_protocol_word(tuple),
			 "local", flow_endpoint_text(&tuple->local, tuple->local_port_be, local),
			 "remote", flow_endpoint_text(&tuple->remote, tuple->remote_port_be, remote),
			 "state", flow_state_word(flow),
			 "expires_in_s", flow_seconds_left(flow, now_ns),
			 "seeded", flow->seeded);
	/* clang-format on */
}

static void print_flow(const struct synfw_flow *flow, uint64_t now_ns)
{
	char remote[FLOW_TEXT_MAX], local[FLOW_TEXT_MAX];
	const struct synfw_flow_tuple *tuple = &flow->tuple;

	printf("%-8s %-40s %-40s %-12s %8llu s%s\n", flow_protocol_word(tuple),
	       flow_endpoint_text(&tuple->local, tuple->local_port_be, local),
	       flow_endpoint_text(&tuple->remote, tuple->remote_port_be, remote),
	       flow_state_word(flow), (unsigned long long)flow_seconds_left(flow, now_ns),
	       flow->seeded ? " seeded" : "");
}

static int show_flows(const struct invocation *invocation, const struct live *live,
		      struct fault *fault)
{
	CLEANUP(flow_list_done) struct flow_list list = {0};
	CLEANUP(json_decrefp) json_t *flows = json_array();
	CLEANUP(json_decrefp) json_t *root = NULL;
	bool as_json = option_given(invocation, "json");
	uint64_t now_ns = flows_now_ns();
	size_t i;
	int err;

	err = live->present ? flows_read(&live->object, fault, &list) : 0;
	if (err)
		return err;
	if (!as_json)
		printf("%-8s %-40s %-40s %-12s %10s\n", "PROTOCOL", "LOCAL", "REMOTE", "STATE",
		       "ENDS IN");
	for (i = 0; i < list.count; i++) {
		if (as_json)
			json_array_append_new(flows, flow_json(&list.items[i], now_ns));
		else
			print_flow(&list.items[i], now_ns);
	}
	if (!as_json)
		return 0;
	root = json_pack("{s:s, s:O}", "schema", "synfw.show.flows/1", "flows", flows);
	report_print_json(root);
	return 0;
}

static const struct {
	const char *name;
	int (*show)(const struct invocation *invocation, const struct live *live,
		    struct fault *fault);
} views[] = {
	{"rules", show_rules},	 {"sets", show_sets},	{"blocks", show_blocks},
	{"scores", show_scores}, {"flows", show_flows}, {"processes", show_processes},
};

#define NR_VIEWS (sizeof(views) / sizeof(*views))

int cmd_show(const struct invocation *invocation)
{
	const char *names[NR_VIEWS + 1] = {NULL};
	CLEANUP(live_close) struct live live = LIVE_NONE;
	CLEANUP(fault_done) struct fault fault = {0};
	size_t i, view = NR_VIEWS;

	for (i = 0; i < NR_VIEWS; i++) {
		names[i] = views[i].name;
		if (!strcmp(views[i].name, invocation->operand[0]))
			view = i;
	}
	if (view == NR_VIEWS) {
		command_report_unknown("thing to show", invocation->operand[0], names);
		return EXIT_USAGE;
	}
	if (privileges_check("read the policy in force", &fault) ||
	    live_open(invocation->paths.live, &fault, &live) ||
	    views[view].show(invocation, &live, &fault))
		return ui_fault(&fault);
	if (!live.manifest)
		ui_warning("no policy is in force");
	return EXIT_DONE;
}
