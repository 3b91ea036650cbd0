/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* synfw apply */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "apply/apply.h"
#include "base/json.h"
#include "base/privileges.h"
#include "base/progress.h"
#include "base/ui.h"
#include "command.h"
#include "policy/diff.h"
#include "policy/policy_file.h"
#include "report/report.h"

/* Generic mode costs a copy of every packet: never a silent fallback. */
static void note_fallbacks(struct apply_report *report)
{
	size_t i;

	for (i = 0; report->attachments && i < report->interfaces.count; i++)
		if (report->attachments[i].refusal)
			notes_add(&report->notes,
				  "%s: the driver refused native XDP (%s); attached in generic "
				  "mode, which is slower",
				  report->interfaces.items[i].name,
				  fault_strerror(report->attachments[i].refusal));
	if (report->stale)
		notes_add(&report->notes, "removed %s of interfaces that are gone",
			  ui_count(report->stale, "link"));
}

static void print_attachments(const struct apply_report *report)
{
	size_t i;

	for (i = 0; i < report->interfaces.count; i++) {
		const struct interface *interface = &report->interfaces.items[i];

		if (!report->attachments)
			printf("  interface %s would be protected\n", interface->name);
		else
			printf("  interface %s: %s, %s mode\n", interface->name,
			       report->attachments[i].created ? "attached" : "stays attached",
			       xdp_mode_word(report->attachments[i].mode));
	}
	if (report->detached)
		printf("  %s detached\n", ui_count(report->detached, "interface"));
	if (report->seeded)
		printf("  %s that %s open go on\n", ui_count(report->seeded, "connection"),
		       report->seeded == 1 ? "was" : "were");
	if (report->program_replaced)
		printf("  a newer program took over the links\n");
}

static void print_report(const struct apply_report *report, const struct diff *diff, bool dry_run)
{
	printf("%s%s \"%s\"%s, revision %llu, %s mode, in %.0f ms\n", ui_style(stdout, UI_GREEN),
	       dry_run ? "dry run of" : "applied", report->after->policy,
	       ui_style(stdout, UI_PLAIN), (unsigned long long)report->after->revision,
	       report->after->monitor ? "monitor" : "block", report->duration_ns / 1e6);
	report_print_changes(diff);
	report_print_sets(report->after);
	print_attachments(report);
	if (report->after->process_hooks)
		printf("  hooks of rules on processes: %s\n", report->after->process_hooks);
	printf("  tables: %s, about %.1f MiB of kernel memory\n",
	       ui_count(report->nr_lines, "line"), report->kernel_bytes / 1048576.0);
	if (report->nr_copied && report->nr_changed)
		printf("  %u of %s of addresses made anew, the others as they were\n",
		       report->nr_changed,
		       ui_count(report->nr_copied + report->nr_changed, "block"));
	else if (report->nr_copied)
		printf("  all %s of addresses as they were\n",
		       ui_count(report->nr_copied, "block"));
	if (dry_run)
		printf("nothing was changed\n");
}

static json_t *interfaces_json(const struct apply_report *report)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < report->interfaces.count; i++) {
		const struct attachment *attachment =
			report->attachments ? &report->attachments[i] : NULL;

		/* clang-format off */
		json_array_append_new(
			array,
			json_pack("{s:s, s:o, s:b}", "name", report->interfaces.items[i].name,
				  "xdp_mode",
				  attachment ? json_string(xdp_mode_word(attachment->mode))
					     : json_null(),
				  "new", attachment ? attachment->created : 0));
		/* clang-format on */
	}
	return array;
}

static void print_json(const struct apply_report *report, const struct diff *diff, bool dry_run)
{
	/* clang-format off */
	CLEANUP(json_decrefp) json_t *root = json_pack(
		"{s:s, s:b, s:o, s:s, s:I, s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:b, s:I, s:I, s:I, s:I, s:f, s:o}",
		"schema", "synfw.apply/1",
		"dry_run", dry_run,
		"policy", json_text(report->after->policy),
		"mode", report->after->monitor ? "monitor" : "block",
		"revision", (json_int_t)report->after->revision,
		"digest", report->after->digest,
		"changes", report_changes_json(diff),
		"sets", report_sets_json(report->after, NULL, NULL),
		"interfaces", interfaces_json(report),
		"process_hooks", json_text_or_null(report->after->process_hooks),
		"detached", (json_int_t)report->detached,
		"stale_links", (json_int_t)report->stale,
		"seeded", (json_int_t)report->seeded,
		"program_replaced", report->program_replaced,
		"lines", (json_int_t)report->nr_lines,
		"kernel_bytes", (json_int_t)report->kernel_bytes,
		"blocks_copied", (json_int_t)report->nr_copied,
		"blocks_changed", (json_int_t)report->nr_changed,
		"duration_ms", report->duration_ns / 1e6,
		"warnings", report_notes_json(&report->notes));
	/* clang-format on */

	report_print_json(root);
}

static int show_result(const struct invocation *invocation, struct apply_report *report)
{
	CLEANUP(diff_done) struct diff diff = {0};
	bool dry_run = option_given(invocation, "dry-run");

	note_fallbacks(report);
	if (diff_manifests(report->before, report->after, &diff))
		ui_warning("out of memory: what changed is not shown");
	if (option_given(invocation, "json")) {
		print_json(report, &diff, dry_run);
	} else {
		print_report(report, &diff, dry_run);
		ui_notes(&report->notes);
	}
	return dry_run ? EXIT_DONE : ui_done("applied");
}

int cmd_apply(const struct invocation *invocation)
{
	const struct option_values *interfaces = option_values(invocation, "interface");
	const struct apply_options options = {
		.interfaces = interfaces->value,
		.nr_interfaces = interfaces->count,
		.dry_run = option_given(invocation, "dry-run"),
		.force = option_given(invocation, "force"),
	};
	CLEANUP(policy_file_done) struct policy_file file = {0};
	CLEANUP(apply_report_done) struct apply_report report = {0};
	CLEANUP(fault_done) struct fault fault = {0};
	int err;

	progress_begin("reading the policy");
	err = policy_file_load(invocation->operand[0], &fault, &file);
	if (!err)
		err = privileges_check("apply a policy", &fault);
	if (!err)
		err = apply_policy(&invocation->paths, file.policy, &options, file.diags, &fault,
				   &report);
	progress_end();
	if (file.diags)
		ui_diags(file.diags);
	if (err == -EINVAL && !fault.message) {
		ui_error("\"%s\" was not applied; what was in force still is",
			 invocation->operand[0]);
		return EXIT_POLICY;
	}
	if (err)
		return ui_fault(&fault);
	return show_result(invocation, &report);
}
