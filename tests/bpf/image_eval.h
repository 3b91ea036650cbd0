/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_IMAGE_EVAL_H
#define TESTS_BPF_IMAGE_EVAL_H

/*
 * Evaluates a compiled image in user space, on the fields that the reference parser read: when it
 * agrees with the reference and the BPF program does not, the bug is in bpf/; when it agrees with
 * the BPF program and the reference does not, the bug is in policyc/compile.
 */
#include <policyc.h>

#include "reference.h"

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

/* The records that a trie was followed through: the cells where they begin, from line 0 on, and how
 * many of them were steps and lists. */
struct image_path {
	uint32_t cell[SYNFW_TRIE6_MAX_RECORDS];
	uint32_t nr_records;
	uint32_t nr_steps;
	uint32_t nr_lists[2]; /* short, long */
};

/* The class of an address (network byte order), and how it was found. */
uint32_t image_class(const struct image *image, enum synfw_direction direction, uint8_t family,
		     const uint8_t *addr, struct image_path *ret_path);

#endif
