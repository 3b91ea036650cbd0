/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PROCESS_JUDGE_H
#define SYNFW_AGENT_PROCESS_JUDGE_H

/* What a candidate's rules on processes must pass before they are put in force. */
#include <policyc.h>
#include <process_tables.h>

#include "base/notes.h"
#include "processes/inner.h"

/* Refuses a policy, by the name and place of the first rule, or process-scoring, that denies or
 * isolates and names no fallback, where no program can refuse what the kernel asks security
 * modules: an exec, accept(2). */
int process_judge_means(const struct policy *policy, bool can_refuse, struct fault *fault);

/* What a policy that monitors would be refused for; else a warning for each rule, and
 * process-scoring, whose fallback is in force, where programs can refuse what the kernel asks
 * security modules, such as an exec, or not, and processes be isolated in full or not, and of
 * isolation in part. Of a policy that needs hooks. */
void process_judge_note(const struct policy *policy, bool can_refuse, bool isolates_fully,
			struct notes *notes);

/* Runs the `tests:` about programs on the shadow program. What counts is what would become of the
 * program here, where an exec can be denied or not. A test that fails is an error of the
 * policy, at its place in the file (-EINVAL with diagnostics). `tables` NULL: there are no rules.
 */
int process_judge_tests(const struct policy *policy, const struct process_tables *tables,
			const struct process_inner *inner, bool can_refuse, struct diags *diags,
			struct fault *fault);

#endif
