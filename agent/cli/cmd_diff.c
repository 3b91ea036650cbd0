/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* synfw diff */
#include <errno.h>
#include <stdio.h>

#include <synfw/cleanup.h>

#include "base/json.h"
#include "base/privileges.h"
#include "base/ui.h"
#include "command.h"
#include "datapath/live.h"
#include "policy/diff.h"
#include "policy/policy_file.h"
#include "report/report.h"

static int compare(const struct policy *policy, const struct manifest *live, struct fault *fault,
		   struct diff *ret_diff)
{
	CLEANUP(manifest_freep) struct manifest *candidate = NULL;
	int err = manifest_from_policy(policy, &candidate);

	if (!err)
		err = diff_manifests(live, candidate, ret_diff);
	if (err)
		return fault_system(fault, err, "cannot compare the policies");
	return 0;
}

static int show(const struct invocation *invocation, const struct live *live,
		const struct diff *diff)
{
	CLEANUP(json_decrefp) json_t *root = NULL;
	bool differ = diff->count > 0;

	if (option_given(invocation, "json")) {
		/* clang-format off */
		root = json_pack("{s:s, s:b, s:o, s:o}",
				 "schema", "synfw.diff/1",
				 "differ", differ,
				 "policy", live->manifest ? json_text(live->manifest->policy)
							  : json_null(),
				 "changes", report_changes_json(diff));
		/* clang-format on */
		report_print_json(root);
	} else if (!live->manifest) {
		printf("no policy is in force; \"%s\" would be new\n", invocation->operand[0]);
	} else if (!differ) {
		printf("\"%s\" is what is in force\n", invocation->operand[0]);
	} else {
		printf("\"%s\" against \"%s\", revision %llu:\n", invocation->operand[0],
		       live->manifest->policy, (unsigned long long)live->manifest->revision);
		report_print_changes(diff);
	}
	return differ ? EXIT_NO : EXIT_DONE;
}

int cmd_diff(const struct invocation *invocation)
{
	CLEANUP(policy_file_done) struct policy_file file = {0};
	CLEANUP(live_close) struct live live = LIVE_NONE;
	CLEANUP(diff_done) struct diff diff = {0};
	CLEANUP(fault_done) struct fault fault = {0};
	int err;

	err = policy_file_load(invocation->operand[0], &fault, &file);
	if (file.diags)
		ui_diags(file.diags);
	if (err == -EINVAL && !fault.message)
		return EXIT_POLICY;
	if (!err)
		err = privileges_check("read the policy in force", &fault);
	if (!err)
		err = live_open(invocation->paths.live, &fault, &live);
	if (!err)
		err = compare(file.policy, live.manifest, &fault, &diff);
	if (err)
		return ui_fault(&fault);
	return show(invocation, &live, &diff);
}
