/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* synfw check */
#include <stdio.h>

#include <synfw/cleanup.h>

#include "apply/offline.h"
#include "base/json.h"
#include "base/ui.h"
#include "command.h"
#include "report/report.h"

static json_t *diags_json(struct diags *diags)
{
	json_t *array = json_array();
	const struct diag *const *sorted;
	size_t count, i;

	sorted = diags_sorted(diags, &count);
	for (i = 0; sorted && i < count; i++)
		/* clang-format off */
		json_array_append_new(
			array, json_pack("{s:s, s:o, s:I, s:I, s:o, s:o}",
					 "severity",
					 sorted[i]->severity == DIAG_ERROR ? "error" : "warning",
					 "file", json_text_or_null(sorted[i]->at.file),
					 "line", (json_int_t)sorted[i]->at.line,
					 "column", (json_int_t)sorted[i]->at.column,
					 "message", json_text_or_null(sorted[i]->message),
					 "hint", json_text_or_null(sorted[i]->hint)));
	/* clang-format on */
	return array;
}

static size_t count_process_rules(const struct policy *policy)
{
	return policy ? policy->nr_process_rules + policy->nr_memory_rules : 0;
}

static void print_json(struct policy_file *file, const struct image *image)
{
	/* clang-format off */
	CLEANUP(json_decrefp) json_t *root =
		json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:o, s:o}",
			  "schema", "synfw.check/1",
			  "valid", image != NULL,
			  "errors", (json_int_t)diags_errors(file->diags),
			  "warnings", (json_int_t)diags_warnings(file->diags),
			  "rules", (json_int_t)(file->policy ? file->policy->nr_rules : 0),
			  "process_rules", (json_int_t)count_process_rules(file->policy),
			  "kernel_bytes", image ? json_integer(image->kernel_bytes) : json_null(),
			  "diagnostics", diags_json(file->diags));
	/* clang-format on */

	report_print_json(root);
}

static void print_summary(const struct policy *policy, const struct image *image)
{
	size_t i, prefixes = 0;

	for (i = 0; i < policy->nr_named_sets; i++)
		prefixes += prefix_list_count(&policy->sets[i].prefixes);
	printf("%s: valid: %s", policy->file, ui_count(policy->nr_rules, "rule"));
	if (count_process_rules(policy))
		printf(" and %zu on processes and memory", count_process_rules(policy));
	printf(", %s with %zu %s, %s; about %.1f MiB of kernel memory\n",
	       ui_count(policy->nr_named_sets, "set"), prefixes,
	       prefixes == 1 ? "prefix" : "prefixes",
	       ui_count(policy->nr_tests + policy->nr_process_tests, "test"),
	       image->kernel_bytes / 1048576.0);
}

int cmd_check(const struct invocation *invocation)
{
	CLEANUP(policy_file_done) struct policy_file file = {0};
	CLEANUP(image_freep) struct image *image = NULL;
	CLEANUP(fault_done) struct fault fault = {0};
	int err;

	err = policy_file_load(invocation->operand[0], &fault, &file);
	if (!err)
		err = offline_compile(&file, NULL, &fault, &image);
	if (fault.message)
		return ui_fault(&fault);
	ui_diags(file.diags);
	if (option_given(invocation, "json"))
		print_json(&file, image);
	else if (image)
		print_summary(file.policy, image);
	return err ? EXIT_POLICY : EXIT_DONE;
}
