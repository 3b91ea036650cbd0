/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_TRIE6_COPY_H
#define POLICYC_TRIE6_COPY_H

/* Lists of a root of IPv6 that another image has in the same way. */
#include "compile/trie_cells.h"

/* Gives the trie the lists from `first` to before `end` of the root at a line of the other image,
 * which has as many, and appends the records that they lead to; outside of 2000::/3 the ids that
 * there are instead, all of whose lists are asked for together. 0, -ENOMEM or -E2BIG. */
int trie6_copy_lists(struct trie *trie, const struct synfw_line *lines, uint32_t root,
		     uint32_t first, uint32_t end);

#endif
