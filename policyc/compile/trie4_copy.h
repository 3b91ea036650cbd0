/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_TRIE4_COPY_H
#define POLICYC_TRIE4_COPY_H

/* Entries of a root of lines that another image has in the same way. */
#include "compile/trie_cells.h"

/* Gives the trie the entries from `first` to before `end` of the root at a line of the other image,
 * and appends the records that they lead to. 0, -ENOMEM or -E2BIG. */
int trie4_copy_entries(struct trie *trie, const struct synfw_line *lines, uint32_t root,
		       uint32_t first, uint32_t end);

#endif
