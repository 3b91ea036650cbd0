/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_PROCESS_TEXT_H
#define TESTS_BPF_PROCESS_TEXT_H

/* Rules on processes and memory as a policy writes them, so that random ones go through the front
 * end, too. */
#include <policyc.h>

/* Parses what `drawn` looks like as text, a line for each rule, without those that policyc refuses
 * because their `except` takes out all that they match: a generator cannot know that without doing
 * policyc's work. Diagnostics of what is left go to `diags`. Aborts when policyc refuses anything
 * else. */
struct policy *process_text_parse(const struct policy *drawn, struct diags *diags);

#endif
