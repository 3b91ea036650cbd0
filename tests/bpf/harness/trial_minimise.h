/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_TRIAL_MINIMISE_H
#define TESTS_BPF_TRIAL_MINIMISE_H

#include "harness/trial.h"

/* Finds few rules of the trial's policy about which the answers to the frame still disagree, prints
 * what they then say and the frame, and writes the policy into a new directory below TMPDIR. */
void trial_minimise(const struct trial *trial, const uint8_t *frame, size_t length,
		    const struct policyc_interface *interface);

void trial_print_answers(const struct trial *trial, const struct answers *answers);

#endif
