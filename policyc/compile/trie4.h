/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_TRIE4_H
#define POLICYC_TRIE4_H

/*
 * The multibit trie of abi.h: 16 bits at the root, four bits a node (Srinivasan and Varghese 1999,
 * controlled prefix expansion with fixed strides). At most five loads an address.
 */
#include <stdint.h>

#include "compile/tables.h"

struct trie4 {
	uint32_t *ids;		/* root, then nodes of 16; inner ids: index of the node's first id */
	uint32_t nr_ids;
	uint32_t room;
};

#define TRIE4_ROOT_IDS (1U << SYNFW_TRIE_ROOT_BITS)
#define TRIE4_NODE_IDS (1U << SYNFW_TRIE_NODE_BITS)

/* A trie in which every address has class 0. 0 or -ENOMEM. */
int trie4_init(struct trie4 *trie);
void trie4_done(struct trie4 *trie);

/* Gives every address of the prefix the class. Prefixes must come in the order of their addresses,
 * those that cover others first. `addr` is in host byte order. 0 or -ENOMEM. */
int trie4_paint(struct trie4 *trie, uint32_t addr, uint8_t prefixlen, uint32_t class_id);

#endif
