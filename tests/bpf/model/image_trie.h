/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_IMAGE_TRIE_H
#define TESTS_BPF_IMAGE_TRIE_H

/* Looks addresses up in the tries of a compiled image, one entry after the other and without what
 * makes bpf/ fast. Whatever is not as <synfw/trie.h> has it aborts the test. */
#include <stdbool.h>

#include <policyc.h>
#include <synfw/trie.h>

/* A line of the image; there must be one of that number. */
const struct synfw_line *image_line(const struct image *image, uint32_t number);

/* The records that a trie was followed through: the cells where they begin, from line 0 on, and how
 * many of them were steps and lists. */
struct image_path {
	uint32_t cell[SYNFW_TRIE6_MAX_RECORDS];
	uint32_t nr_records;
	uint32_t nr_steps;
	uint32_t nr_lists[2];	      /* of IPv4: short, long */
	uint32_t nr_lists6, nr_tails; /* of IPv6 */
	bool rest;		      /* the bitmap behind an IPv4 root said it all */
	bool outlined;		      /* an outline would have done */
};

/* The class of an address (network byte order), and how it was found. */
uint32_t image_class(const struct image *image, enum synfw_direction direction, uint8_t family,
		     const uint8_t *addr, struct image_path *ret_path);

#endif
