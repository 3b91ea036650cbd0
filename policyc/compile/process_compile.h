/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_PROCESS_COMPILE_H
#define POLICYC_PROCESS_COMPILE_H

#include "policyc.h"
#include "process_tables.h"

/*
 * The tables of the rules on processes and memory. 0 and NULL when the policy has none of them and
 * no `process-scoring`. 0, -ENOMEM, or -EINVAL with a diagnostic when a limit is passed.
 */
int process_compile(const struct policy *policy, const struct policyc_options *options,
		    struct diags *diags, struct process_tables **ret_tables);

#endif
