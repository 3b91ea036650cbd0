/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_TRIE_CELLS_H
#define POLICYC_TRIE_CELLS_H

/* The cells of a trie, and its records as <synfw/trie.h> lays them out. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <synfw/trie.h>

#include "compile/outlined.h"
#include "compile/ranges.h"
#include "compile/totals.h"

/* Changes of class in a block: id[0], and from change[i] on id[i + 1]. A list has room for the
 * first LIST_MAX_CHANGES, an entry of a root of lines for all. */
#define LIST_MAX_CHANGES (2 * SYNFW_TRIE_LIST_CHANGES)
struct list {
	uint16_t change[SYNFW_TRIE_LINE_CHANGES];
	uint32_t id[SYNFW_TRIE_LINE_CHANGES + 1];
	uint32_t count; /* of changes */
};

enum trie_root {
	TRIE_ROOT_IDS,
	TRIE_ROOT_LINES, /* struct synfw_trie_line, and a bitmap behind them; IPv4 only */
	TRIE_ROOT_LISTS, /* ids, and behind them struct synfw_trie6_list; IPv6 only */
};

struct trie {
	uint64_t *cells; /* the root, then records */
	size_t nr_cells, room;
	uint64_t first_cell; /* number of cells[0] in the image */
	uint32_t root_bits;
	enum trie_root root;
	uint32_t lists_bits;   /* of a root with lists: how many bits of an address lead to one */
	uint32_t rest;	       /* class of the addresses without a bit in a bitmap */
	uint32_t outline_bits; /* as a power of two; 0: there is none behind the root */
	bool in_lines;	       /* the beginning of a record is in one line */
	/* of a root of lines or with lists: what the next compilation has to know */
	struct totals totals;
	struct outlined outlined; /* of a root with lists */
};

void trie_done(struct trie *trie);

/* Begins a trie of the ranges, whose root is of ids: *trie says where it begins and how many bits
 * the root has, the entries of which are 0 from here on; behind it there is an outline, if that is
 * worth it. 0 or -ENOMEM; trie_done() in either case. */
int trie_begin(struct trie *trie, const struct ranges *ranges);

/* The same for a root with lists, whose `totals`, `rest` and `outlined` are known. */
int trie_begin_lists(struct trie *trie);

/* The same in two steps, for a root of lines: the outline goes by the bitmap, which is to be filled
 * in between. `rest` is known before. */
int trie_begin_lines(struct trie *trie);
int trie_outline_lines(struct trie *trie);

/* Gives the root's entries from `first` to before `end` an id: of a root of lines, and of a root
 * with lists where it has such, a leaf. */
void trie_root_set(struct trie *trie, uint32_t first, uint32_t end, uint32_t id);

/* Gives an entry of a root of lines what a line can say in `list`, ids being leaves: true; or
 * false, when that is more than one line can say. */
bool trie_root_set_list(struct trie *trie, uint32_t entry, const struct list *list);

/* Gives an entry of a root of lines a line as it is. */
void trie_root_set_line(struct trie *trie, uint32_t entry, const struct synfw_trie_line *line);

/* Gives an entry of a root of lines the ids of its two halves. */
void trie_root_set_halves(struct trie *trie, uint32_t entry, const uint32_t ids[2]);

/* The bitmap of a root of lines. */
uint64_t *trie_root_bitmap(const struct trie *trie);

/* The line of the outline, counted from the root's first one; 0: there is none. */
uint32_t trie_outline_line(const struct trie *trie);

/* Does a root with lists have such for all addresses of this entry of its ids? */
bool trie6_root_has_lists(uint32_t entry);

/* How many lists such an entry has, as a power of two. */
uint32_t trie6_lists_of_id_bits(const struct trie *trie);

/* Gives lists of a root with lists an id, from `first` to before `end`, or one of them what it
 * says; counted from the beginning of the address space on, as if all of it had lists. */
void trie_root_set_lists6(struct trie *trie, uint32_t first, uint32_t end, uint32_t id);
void trie_root_set_list6(struct trie *trie, uint32_t number, const struct synfw_trie6_list *list);

/* Entries of a record in the making: one bit where a run begins, and the id of each run. */
struct runs {
	uint64_t starts[4];
	uint32_t ids[256];
	uint32_t count;
};

void runs_begin(struct runs *runs);

/* The entries from `first` on have the id, until the next run. `first` goes up. */
void runs_add(struct runs *runs, uint32_t first, uint32_t id);

/* A list of IPv6 in the making, `bits` wide. */
struct list6 {
	uint32_t bits;
	uint32_t key[SYNFW_TRIE6_LIST_KEYS];
	uint32_t id[SYNFW_TRIE6_LIST_KEYS]; /* of the key itself */
	uint32_t behind[SYNFW_TRIE6_LIST_KEYS +
			1]; /* behind n keys: a leaf; 0: not known yet, or nothing is */
	uint32_t count;
};

void list6_begin(struct list6 *list, uint32_t bits);

/* The numbers from `first` on have the id, until the next call, which is for the next number where
 * the id is no leaf. `first` goes up from 0. There must be room for the keys. */
void list6_add(struct list6 *list, uint32_t first, uint32_t id);

/* The list as it lies in an image; there must be room for its classes. Appends what leads to
 * records that are too far away. 0, -ENOMEM or -E2BIG. */
int list6_record(struct trie *trie, const struct list6 *list, struct synfw_trie6_list *ret_record);

/* Append a record of 2^bits entries (64 or 256), a step, a list, or of IPv6 a tail or a list. 0,
 * -ENOMEM or -E2BIG. */
int trie_append_runs(struct trie *trie, const struct runs *runs, uint32_t bits, uint32_t *ret_id);
int trie_append_step(struct trie *trie, const struct synfw_trie_step *step, uint32_t *ret_id);
int trie_append_list(struct trie *trie, const struct list *list, uint32_t *ret_id);
int trie_append_tail6(struct trie *trie, const struct synfw_trie6_tail *tail, uint32_t *ret_id);
int trie_append_list6(struct trie *trie, const struct synfw_trie6_list *list, uint32_t *ret_id);

#endif
