/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_PROCESS_THIRD_H
#define TESTS_BPF_PROCESS_THIRD_H

/* The third that is asked, besides the reference model and the evaluator of the tables: the shadow
 * program, attached to nothing. Aborts on whatever the kernel refuses. */
#include "model/process_reference.h"

struct process_third;

struct process_third *process_third_open(void);
void process_third_close(struct process_third *third);

/* Puts tables into slot 0. */
void process_third_put(struct process_third *third, const struct process_tables *tables);

/* Fills in the answer. */
struct process_judgement process_third_ask(struct process_third *third,
					   struct synfw_process_question *question);

#endif
