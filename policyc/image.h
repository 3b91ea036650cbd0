/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_IMAGE_H
#define POLICYC_IMAGE_H

/*
 * A compiled policy: the lines of abi.h, and the tables of rules on processes and memory. Rule
 * counters and the manifest are filled in by whoever loads it.
 */
#include <stddef.h>
#include <stdint.h>

#include <synfw/abi.h>

#include "process_tables.h"

struct image {
	struct synfw_line *lines;
	uint32_t nr_lines;
	uint32_t room; /* lines that there is memory for; those behind the last are 0 */
	struct process_tables *processes; /* NULL: no rules on processes or memory */
	uint32_t nr_classes[SYNFW_NR_FIELDS];
	uint64_t kernel_bytes; /* estimate of the kernel memory that loading it takes */
	/* entries of roots of lines and with lists (lines; lists, and outside of these ids)
	 * that were copied from the image before, and that were made; both 0: all were made */
	uint32_t nr_copied, nr_changed;
};

/* Views of the lines. The image must be one that policyc_compile returned. */
struct synfw_header *image_header(struct image *image);
const struct synfw_header *image_header_const(const struct image *image);
const struct synfw_class_tables *image_class_tables(const struct image *image);
const struct synfw_dynamic *image_dynamic(const struct image *image);
const struct synfw_scoring *image_scoring(const struct image *image);
const struct synfw_logging *image_logging(const struct image *image);
struct synfw_rule *image_rule(struct image *image, uint32_t bit);
const struct synfw_rule *image_rule_const(const struct image *image, uint32_t bit);

/* What the rule asks or does beyond its fields; NULL: nothing. */
const struct synfw_effect *image_effect_const(const struct image *image,
					      const struct synfw_rule *rule);
struct synfw_effect *image_effect(struct image *image, const struct synfw_rule *rule);

/* SHA-256 over the lines, as they would be without the basis, which says the same once more, and
 * the tables of rules on processes, as 64 hex digits and a NUL. Counters and manifest must not have
 * been filled in yet. */
void image_digest(const struct image *image, char out[65]);

void image_free(struct image *image);
void image_freep(struct image **image);

#endif
