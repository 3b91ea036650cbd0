/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_IMAGE_EVAL_H
#define TESTS_BPF_IMAGE_EVAL_H

/*
 * Evaluates a compiled image in user space, on the fields that the reference parser read: when it
 * agrees with the reference and the BPF program does not, the bug is in bpf/; when it agrees with
 * the BPF program and the reference does not, the bug is in policyc/compile.
 */
#include <policyc.h>

#include "model/reference.h"

/* Judges a frame that came in on interface slot `slot` (0: unknown). The members of dynamic sets
 * are what `policy`, from which the image was compiled, lists of them as prefixes. Every line
 * number that is followed is checked against the image: a table that points outside of it aborts
 * the test. */
struct judgement image_judge(const struct image *image, const struct policy *policy,
			     const uint8_t *frame, size_t length, uint32_t slot);

/* The same under circumstances. `ret_consequences`: as reference.consequences. */
struct judgement image_judge_when(const struct image *image, const struct policy *policy,
				  const uint8_t *frame, size_t length, uint32_t slot,
				  const struct circumstances *circumstances,
				  struct consequences *ret_consequences);

#endif
