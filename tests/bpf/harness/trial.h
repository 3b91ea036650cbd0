/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_TRIAL_H
#define TESTS_BPF_TRIAL_H

/*
 * One policy under test: compiled, loaded into the kernel, and asked about frames in three ways
 * (reference model, image, BPF program), which must agree. Every frame also goes through the live
 * program, whose XDP action and counters are compared with what the reference model says.
 */
#include <stdbool.h>

#include "base/policy_text.h"
#include "model/reference.h"
#include "harness/datapath.h"

/* What the frames of a datapath's whole life must have counted. Zero to begin with. */
struct trial_totals {
	uint64_t checks;
	struct synfw_reason_counter reasons[SYNFW_MAX_INTERFACES + 1][SYNFW_NR_REASONS];
};

struct trial {
	struct datapath *datapath;
	struct trial_totals *totals;
	const struct policy_text *text;
	const struct policyc_options *options;
	struct compiled compiled;
	struct reference reference;
	struct synfw_rule_counter *rules; /* what each rule must have counted */
};

/* Compiles and loads; everything passed in is borrowed. 0, or -errno with the diagnostics in
 * `errors` (NULL: nowhere). */
int trial_begin(struct trial *trial, struct datapath *datapath, struct trial_totals *totals,
		const struct policy_text *text, const struct policyc_options *options,
		FILE *errors);
void trial_end(struct trial *trial);

/* Puts member `index` of the text into another state, while the policy is in force. 0 or -errno. */
int trial_change_member(struct trial *trial, size_t index, enum member_state state);

/* All answers to one question. */
struct answers {
	struct judgement reference, image, bpf;
	uint32_t action, expected_action;
};

/* 0 whether they agree or not; -errno when a program could not be run. `interface` may be NULL. */
int trial_ask(struct trial *trial, const uint8_t *frame, size_t length,
	      const struct policyc_interface *interface, struct answers *ret_answers);
bool answers_agree(const struct answers *answers);

/* trial_ask(), and on a disagreement prints it and writes the policy, made as small as it still
 * disagrees, into a new directory. Loads other policies in doing so: the trial is over then.
 * `ret_answers` may be NULL. */
bool trial_agrees(struct trial *trial, const uint8_t *frame, size_t length,
		  const struct policyc_interface *interface, struct answers *ret_answers);

/* Compares the kernel's counters with what was asked since trial_begin(). Prints differences. */
bool trial_counters_agree(const struct trial *trial);

const char *reason_word(enum synfw_reason reason);

#endif
