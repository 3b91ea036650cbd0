/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_IMAGE_H
#define POLICYC_IMAGE_H

/*
 * A compiled policy: the lines of abi.h and the address indexes beside them. Rule counters and the
 * manifest are filled in by whoever loads it.
 */
#include <stddef.h>
#include <stdint.h>

#include <synfw/abi.h>

struct exact6_entry {
	struct synfw_addr6 addr;
	uint32_t class_id;
};

struct lpm6_entry {
	struct synfw_lpm6_key key;
	uint32_t class_id;
};

/* "IPv6 address -> class" of one direction. An exact hit wins over the longest prefix; an address in
 * neither has class 0. Arrays are sorted by address, then prefix length; keys are unique. */
struct address_index {
	struct exact6_entry *exact6;
	size_t nr_exact6;
	struct lpm6_entry *lpm6;
	size_t nr_lpm6;
};

struct image {
	struct synfw_line *lines;
	uint32_t nr_lines;
	struct address_index index[SYNFW_NR_DIRS];
	uint32_t nr_classes[SYNFW_NR_FIELDS];
	uint64_t kernel_bytes;	/* estimate of the kernel memory that loading it takes */
};

/* Views of the lines. The image must be one that policyc_compile returned. */
struct synfw_header *image_header(struct image *image);
const struct synfw_header *image_header_const(const struct image *image);
const struct synfw_class_tables *image_class_tables(const struct image *image);
const struct synfw_dynamic *image_dynamic(const struct image *image);
struct synfw_rule *image_rule(struct image *image, uint32_t bit);
const struct synfw_rule *image_rule_const(const struct image *image, uint32_t bit);

/* SHA-256 over lines and indexes, as 64 hex digits and a NUL. Counters and manifest must not have
 * been filled in yet. */
void image_digest(const struct image *image, char out[65]);

void address_index_done(struct address_index *index);

void image_free(struct image *image);
void image_freep(struct image **image);

#endif
