/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_PROCESS_EVAL_H
#define TESTS_BPF_PROCESS_EVAL_H

/*
 * Evaluates the tables of rules on processes in user space, as include/synfw/process.h says that
 * they are to be read: when it agrees with the reference and the BPF program does not, the bug is
 * in bpf/; when it agrees with the BPF program and the reference does not, the bug is in
 * policyc/compile.
 */
#include "model/process_reference.h"

/* Every number that is followed is checked: one that points outside of its table aborts the test.
 */
struct process_judgement process_tables_judge(const struct process_tables *tables,
					      const struct process_subject *subject,
					      struct process_counted *ret_counted);

/* Aborts the test when entries are out of order, or there twice, or anything is set that should be
 * zero. */
void process_tables_must_be_well_formed(const struct process_tables *tables);

#endif
