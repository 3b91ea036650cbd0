/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* synfw detach */
#include <stdio.h>

#include <synfw/cleanup.h>

#include "apply/detach.h"
#include "base/json.h"
#include "base/privileges.h"
#include "base/ui.h"
#include "command.h"
#include "report/report.h"

static void print_json(const struct detach_report *report)
{
	/* clang-format off */
	CLEANUP(json_decrefp) json_t *root =
		json_pack("{s:s, s:b, s:I, s:o}",
			  "schema", "synfw.detach/1",
			  "removed", report->removed,
			  "interfaces", (json_int_t)report->interfaces,
			  "warnings", report_notes_json(&report->notes));
	/* clang-format on */

	report_print_json(root);
}

int cmd_detach(const struct invocation *invocation)
{
	CLEANUP(detach_report_done) struct detach_report report = {0};
	CLEANUP(fault_done) struct fault fault = {0};

	if (privileges_check("detach", &fault) ||
	    detach_everything(&invocation->paths, &fault, &report))
		return ui_fault(&fault);
	if (option_given(invocation, "json")) {
		print_json(&report);
		return ui_done("detached");
	}
	ui_notes(&report.notes);
	if (!report.removed)
		printf("nothing was in force\n");
	else
		printf("detached from %s; packets pass unfiltered\n",
		       ui_count(report.interfaces, "interface"));
	return ui_done("detached");
}
