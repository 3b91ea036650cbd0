/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_TRIE_CELLS_H
#define POLICYC_TRIE_CELLS_H

/* The cells of a trie, and its records as abi.h lays them out. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <synfw/abi.h>

/* Changes of class in a block: id[0], and from change[i] on id[i + 1]. A list has room for the
 * first LIST_MAX_CHANGES, an entry of a root of lines for all. */
#define LIST_MAX_CHANGES (2 * SYNFW_TRIE_LIST_CHANGES)
struct list {
	uint16_t change[SYNFW_TRIE_LINE_CHANGES];
	uint32_t id[SYNFW_TRIE_LINE_CHANGES + 1];
	uint32_t count; /* of changes */
};

struct trie {
	uint64_t *cells;	/* the root's ids, then records */
	size_t nr_cells, room;
	uint64_t first_cell;	/* number of cells[0] in the image */
	uint32_t root_bits;
	bool line_root;		/* the root is a table of lines, not of ids */
	bool in_lines;		/* the beginning of a record is in one line */
};

void trie_done(struct trie *trie);

/* Begins a trie: a root whose entries are 0. 0 or -ENOMEM; trie_done() in either case. */
int trie_begin(struct trie *trie, uint64_t first_cell, uint32_t root_bits, bool line_root);

/* Gives the root's entries from `first` to before `end` an id; of a root of lines, a leaf. */
void trie_root_set(struct trie *trie, uint32_t first, uint32_t end, uint32_t id);

/* Gives an entry of a root of lines what a line can say in `list`, ids being leaves: true; or
 * false, when that is more than one line can say. */
bool trie_root_set_list(struct trie *trie, uint32_t entry, const struct list *list);

/* Gives an entry of a root of lines the ids of its two halves. */
void trie_root_set_halves(struct trie *trie, uint32_t entry, const uint32_t ids[2]);

/* Entries of a record in the making: one bit where a run begins, and the id of each run. */
struct runs {
	uint64_t starts[4];
	uint32_t ids[256];
	uint32_t count;
};

void runs_begin(struct runs *runs);

/* The entries from `first` on have the id, until the next run. `first` goes up. */
void runs_add(struct runs *runs, uint32_t first, uint32_t id);

/* Append a record of 2^bits entries (64 or 256), a step, or a list. 0, -ENOMEM or -E2BIG. */
int trie_append_runs(struct trie *trie, const struct runs *runs, uint32_t bits, uint32_t *ret_id);
int trie_append_step(struct trie *trie, const struct synfw_trie_step *step, uint32_t *ret_id);
int trie_append_list(struct trie *trie, const struct list *list, uint32_t *ret_id);

#endif
