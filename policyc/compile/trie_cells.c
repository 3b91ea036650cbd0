/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/trie_cells.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "compile/trie_outline.h"
#include "large_memory.h"

#define CELLS_PER_LINE (SYNFW_LINE_BYTES / sizeof(uint64_t))

void trie_done(struct trie *trie)
{
	free(trie->cells);
	totals_done(&trie->totals);
	outlined_done(&trie->outlined);
	*trie = (struct trie){};
}

static int cells_reserve(struct trie *trie, size_t room)
{
	uint64_t *cells = reallocarray(trie->cells, room, sizeof(*cells));

	if (!large_memory(cells, room * sizeof(*cells)))
		return -ENOMEM;
	trie->cells = cells;
	trie->room = room;
	return 0;
}

static int cells_append(struct trie *trie, size_t count, uint64_t **ret_cells)
{
	if (trie->room - trie->nr_cells < count) {
		int error = cells_reserve(trie, trie->nr_cells + count + trie->room / 2);

		if (error)
			return error;
	}
	*ret_cells = trie->cells + trie->nr_cells;
	memset(*ret_cells, 0, count * sizeof(**ret_cells));
	trie->nr_cells += count;
	return 0;
}

static uint32_t nr_lists6(const struct trie *trie)
{
	return 1U << (trie->lists_bits - SYNFW_TRIE6_LISTS_PREFIX_BITS);
}

/* Of the root, behind which the outline begins. */
static size_t root_cells(const struct trie *trie)
{
	size_t entries = (size_t)1 << trie->root_bits;

	if (trie->root == TRIE_ROOT_LINES)
		return entries * CELLS_PER_LINE + SYNFW_TRIE_BITMAP_CELLS;
	if (trie->root == TRIE_ROOT_LISTS)
		return entries / 2 + nr_lists6(trie) * CELLS_PER_LINE;
	return entries / 2;
}

static size_t outline_cells(const struct trie *trie)
{
	return trie->outline_bits ? (1U << trie->outline_bits) / 64 : 0;
}

/* The root and the outline behind it. */
static int root_append(struct trie *trie)
{
	uint64_t *unused;

	return cells_append(trie, root_cells(trie) + outline_cells(trie), &unused);
}

static int begin4(struct trie *trie, const struct ranges *ranges)
{
	int error;

	trie->outline_bits = outline4_bits(ranges, trie->rest);
	error = root_append(trie);
	if (!error && trie->outline_bits)
		bitmap4_fill(ranges, trie->rest, trie->outline_bits, 0, 1U << trie->outline_bits,
			     trie->cells + root_cells(trie));
	return error;
}

/* Behind all there is of the root. */
static int begin6(struct trie *trie, const struct outlined *outlined, size_t nr_ranges)
{
	int error;

	trie->outline_bits = outline6_bits(outlined, nr_ranges);
	error = root_append(trie);
	if (!error && trie->outline_bits)
		outline6_fill(outlined, trie->outline_bits, trie->cells + root_cells(trie));
	return error;
}

int trie_begin(struct trie *trie, const struct ranges *ranges)
{
	CLEANUP(outlined_done) struct outlined outlined = {};
	CLEANUP(totals_done) struct totals totals = {};
	int error;

	if (ranges->count <= OUTLINE_FEW_RANGES)
		return root_append(trie);
	error = totals_count(ranges, &totals);
	if (error)
		return error;
	trie->rest = totals_rest(&totals);
	if (ranges->family == FAMILY_4)
		return begin4(trie, ranges);
	error = outline6_find(ranges, trie->rest, 0, UINT32_MAX, &outlined);
	return error ? error : begin6(trie, &outlined, ranges->count);
}

int trie_begin_lists(struct trie *trie)
{
	return begin6(trie, &trie->outlined, trie->totals.nr_ranges);
}

/* Behind the outline there is room for as many records as most have, or all would be moved. */
int trie_begin_lines(struct trie *trie)
{
	size_t root = root_cells(trie);
	uint64_t *unused;
	int error = cells_reserve(trie, root + root / 2);

	return error ? error : cells_append(trie, root, &unused);
}

_Static_assert(SYNFW_TRIE_BITMAP_CELLS == 1U << SYNFW_TRIE_OUTLINE_PREFIXLEN,
	       "a bit of the outline is a word of the bitmap");

int trie_outline_lines(struct trie *trie)
{
	const uint64_t *bitmap = trie_root_bitmap(trie);
	uint64_t *outline;
	uint64_t count = 0;
	int error;

	for (uint32_t i = 0; i < SYNFW_TRIE_BITMAP_CELLS; i++)
		count += bitmap[i] != 0;
	if (!outline4_pays(count))
		return 0;
	trie->outline_bits = SYNFW_TRIE_OUTLINE_PREFIXLEN;
	error = cells_append(trie, outline_cells(trie), &outline);
	if (error)
		return error;
	bitmap = trie_root_bitmap(trie);
	for (uint32_t i = 0; i < SYNFW_TRIE_BITMAP_CELLS; i++)
		outline[i / 64] |= (uint64_t)(bitmap[i] != 0) << i % 64;
	return 0;
}

static struct synfw_trie_line *root_line(struct trie *trie, uint32_t entry)
{
	return (struct synfw_trie_line *)trie->cells + entry;
}

void trie_root_set(struct trie *trie, uint32_t first, uint32_t end, uint32_t id)
{
	const struct list leaf = {.id = {id}};
	uint32_t *ids = (uint32_t *)trie->cells;

	for (uint32_t i = first; i < end; i++) {
		if (trie->root == TRIE_ROOT_LISTS && trie6_root_has_lists(i))
			trie_root_set_lists6(trie, i << trie6_lists_of_id_bits(trie),
					     (i + 1) << trie6_lists_of_id_bits(trie), id);
		else if (trie->root != TRIE_ROOT_LINES)
			ids[i] = id;
		else if (!trie_root_set_list(trie, i, &leaf))
			trie_root_set_halves(trie, i, (const uint32_t[]){id, id});
	}
}

/* The place of a class among those of the line, which takes it in; behind the last place when there
 * is no room for it. */
static uint32_t line_class(struct synfw_trie_line *line, uint32_t *nr_classes, uint32_t id)
{
	uint32_t class_id = id & ~SYNFW_TRIE_LEAF, i;

	for (i = 0; i < *nr_classes; i++)
		if (line->class_id[i] == class_id)
			return i;
	if (class_id > UINT16_MAX || i == SYNFW_TRIE_LINE_CLASSES)
		return SYNFW_TRIE_LINE_CLASSES;
	line->class_id[i] = class_id;
	*nr_classes += 1;
	return i;
}

/* Unused changes have the last class: the highest address of the block lies at or behind them. */
bool trie_root_set_list(struct trie *trie, uint32_t entry, const struct list *list)
{
	struct synfw_trie_line line = {};
	uint32_t nr_classes = 0;

	for (uint32_t i = 0; i <= SYNFW_TRIE_LINE_CHANGES; i++) {
		uint32_t last = i < list->count ? i : list->count;
		uint32_t place = line_class(&line, &nr_classes, list->id[last]);

		if (place == SYNFW_TRIE_LINE_CLASSES)
			return false;
		line.which |= (uint64_t)place << 2 * i;
		if (i < SYNFW_TRIE_LINE_CHANGES)
			line.change[i] = i < list->count ? list->change[i] : SYNFW_TRIE_LIST_UNUSED;
	}
	*root_line(trie, entry) = line;
	return true;
}

void trie_root_set_line(struct trie *trie, uint32_t entry, const struct synfw_trie_line *line)
{
	*root_line(trie, entry) = *line;
}

void trie_root_set_halves(struct trie *trie, uint32_t entry, const uint32_t ids[2])
{
	struct synfw_trie_line line = {.which = SYNFW_TRIE_LINE_IDS};

	memcpy(&line, ids, 2 * sizeof(*ids));
	*root_line(trie, entry) = line;
}

uint64_t *trie_root_bitmap(const struct trie *trie)
{
	return trie->cells + SYNFW_TRIE_BITMAP_LINE * CELLS_PER_LINE;
}

uint32_t trie_outline_line(const struct trie *trie)
{
	return trie->outline_bits ? root_cells(trie) / CELLS_PER_LINE : 0;
}

bool trie6_root_has_lists(uint32_t entry)
{
	return entry >> (SYNFW_TRIE6_ROOT_BITS - SYNFW_TRIE6_LISTS_PREFIX_BITS) ==
	       SYNFW_TRIE6_LISTS_PREFIX;
}

uint32_t trie6_lists_of_id_bits(const struct trie *trie)
{
	return trie->lists_bits - SYNFW_TRIE6_ROOT_BITS;
}

void trie_root_set_list6(struct trie *trie, uint32_t number, const struct synfw_trie6_list *list)
{
	uint32_t ids_cells = (1U << SYNFW_TRIE6_ROOT_BITS) / 2;
	struct synfw_trie6_list *lists = (void *)(trie->cells + ids_cells);

	lists[number % nr_lists6(trie)] = *list;
}

void trie_root_set_lists6(struct trie *trie, uint32_t first, uint32_t end, uint32_t id)
{
	const struct synfw_trie6_list list = {.base = id};

	for (uint32_t i = first; i < end; i++)
		trie_root_set_list6(trie, i, &list);
}

/* The datapath reads a record with one page lookup: none crosses a page, or begins where the
 * largest would; and one that is `in_lines` mostly with one cache miss. */
static int record_align(struct trie *trie, size_t count, bool in_lines)
{
	uint64_t at = (trie->first_cell + trie->nr_cells) % SYNFW_PAGE_CELLS, *unused;
	uint64_t in_line = at % CELLS_PER_LINE;

	if (count > CELLS_PER_LINE)
		count = CELLS_PER_LINE;
	if (in_lines && in_line + count > CELLS_PER_LINE) {
		int error = cells_append(trie, CELLS_PER_LINE - in_line, &unused);

		if (error)
			return error;
		at = (trie->first_cell + trie->nr_cells) % SYNFW_PAGE_CELLS;
	}
	if (at <= SYNFW_PAGE_CELLS - SYNFW_TRIE_RECORD_CELLS)
		return 0;
	return cells_append(trie, SYNFW_PAGE_CELLS - at, &unused);
}

static int record_append(struct trie *trie, size_t count, bool in_lines, uint64_t **ret_cells,
			 uint32_t *ret_id)
{
	int error = record_align(trie, count, in_lines);

	if (!error)
		error = cells_append(trie, count, ret_cells);
	if (error)
		return error;
	if (trie->first_cell + trie->nr_cells > SYNFW_TRIE_CELL)
		return -E2BIG;
	*ret_id = trie->first_cell + (*ret_cells - trie->cells);
	return 0;
}

void runs_begin(struct runs *runs)
{
	memset(runs->starts, 0, sizeof(runs->starts));
	runs->count = 0;
}

void runs_add(struct runs *runs, uint32_t first, uint32_t id)
{
	if (runs->count && runs->ids[runs->count - 1] == id)
		return;
	runs->starts[first / 64] |= 1ULL << first % 64;
	runs->ids[runs->count++] = id;
}

int trie_append_runs(struct trie *trie, const struct runs *runs, uint32_t bits, uint32_t *ret_id)
{
	uint32_t words = (1U << bits) / 64, header = words == 1 ? 1 : words + 1, before = 0;
	uint64_t *cells;
	int error =
		record_append(trie, header + (runs->count + 1) / 2, trie->in_lines, &cells, ret_id);

	if (error)
		return error;
	for (uint32_t word = 0; word < words; word++) {
		cells[word] = runs->starts[word];
		if (words > 1)
			cells[words] |= (uint64_t)before << 8 * word;
		before += __builtin_popcountll(runs->starts[word]);
	}
	memcpy(cells + header, runs->ids, runs->count * sizeof(runs->ids[0]));
	return 0;
}

/* A record that is a structure, and what its id says of its kind. */
static int structure_append(struct trie *trie, const void *structure, size_t bytes, bool in_lines,
			    uint32_t kind, uint32_t *ret_id)
{
	uint64_t *cells;
	int error = record_append(trie, bytes / sizeof(*cells), in_lines, &cells, ret_id);

	if (error)
		return error;
	memcpy(cells, structure, bytes);
	*ret_id |= kind;
	return 0;
}

int trie_append_step(struct trie *trie, const struct synfw_trie_step *step, uint32_t *ret_id)
{
	return structure_append(trie, step, sizeof(*step), trie->in_lines, SYNFW_TRIE_STEP, ret_id);
}

int trie_append_tail6(struct trie *trie, const struct synfw_trie6_tail *tail, uint32_t *ret_id)
{
	return structure_append(trie, tail, sizeof(*tail), true, SYNFW_TRIE_KIND, ret_id);
}

int trie_append_list6(struct trie *trie, const struct synfw_trie6_list *list, uint32_t *ret_id)
{
	return structure_append(trie, list, sizeof(*list), true, SYNFW_TRIE_LIST, ret_id);
}

int trie_append_list(struct trie *trie, const struct list *list, uint32_t *ret_id)
{
	uint32_t places =
		list->count > SYNFW_TRIE_LIST_CHANGES ? LIST_MAX_CHANGES : SYNFW_TRIE_LIST_CHANGES;
	size_t change_bytes = places * sizeof(list->change[0]);
	size_t id_bytes = (list->count + 1) * sizeof(list->id[0]);
	uint64_t *cells;
	uint16_t *change;
	int error =
		record_append(trie, (change_bytes + id_bytes + sizeof(*cells) - 1) / sizeof(*cells),
			      trie->in_lines, &cells, ret_id);

	if (error)
		return error;
	change = (uint16_t *)cells;
	for (uint32_t i = 0; i < places; i++)
		change[i] = i < list->count ? list->change[i] : SYNFW_TRIE_LIST_UNUSED;
	memcpy(change + places, list->id, id_bytes);
	*ret_id |= SYNFW_TRIE_LIST | (places == LIST_MAX_CHANGES ? SYNFW_TRIE_LONG : 0);
	return 0;
}

void list6_begin(struct list6 *list, uint32_t bits)
{
	*list = (struct list6){.bits = bits};
}

/* A key is needed where the class becomes another one, and for a number that differs from those
 * around it. */
void list6_add(struct list6 *list, uint32_t first, uint32_t id)
{
	uint32_t *behind = &list->behind[list->count];

	/* from 0 on; behind a key, where nothing was known yet; or the same class as there */
	if (id & SYNFW_TRIE_LEAF && (!*behind || *behind == id)) {
		*behind = id;
		return;
	}
	list->key[list->count] = first;
	list->id[list->count] = id;
	list->count++;
}

/* What a list takes at most, of those that lead to records which are too far away. */
#define BRIDGES_CELLS \
	(SYNFW_TRIE6_LIST_KEYS * CELLS_PER_LINE + CELLS_PER_LINE + SYNFW_TRIE_RECORD_CELLS)

/* The id by which a list with `base` gets to what `id` names. */
static int list6_reach(struct trie *trie, uint32_t base, uint32_t id, uint32_t *ret_id)
{
	const struct synfw_trie6_list bridge = {.base = id};

	*ret_id = id;
	return (id & SYNFW_TRIE_CELL) > base ? 0 : trie_append_list6(trie, &bridge, ret_id);
}

/* The place of a leaf's class in the record, which takes it in. */
static uint32_t list6_class(struct synfw_trie6_list *record, uint32_t *nr_classes, uint32_t leaf)
{
	uint32_t class_id = leaf & ~SYNFW_TRIE_LEAF, i;

	for (i = 0; i < *nr_classes; i++)
		if (record->class_id[i] == class_id)
			return i;
	record->class_id[i] = class_id;
	*nr_classes += 1;
	return i;
}

int list6_record(struct trie *trie, const struct list6 *list, struct synfw_trie6_list *ret_record)
{
	uint64_t end = trie->first_cell + trie->nr_cells + BRIDGES_CELLS;
	struct synfw_trie6_list record = {
		.base = end > SYNFW_TRIE6_LIST_CELLS ? end - SYNFW_TRIE6_LIST_CELLS : 0,
		.gaps = list->bits << SYNFW_TRIE6_LIST_BITS_AT,
	};
	uint32_t nr_classes = 0, id;
	int error;

	for (uint32_t i = 0; i < SYNFW_TRIE6_LIST_KEYS; i++) {
		record.key[i] = i < list->count ? list->key[i] : SYNFW_TRIE6_LIST_UNUSED;
		if (i >= list->count)
			continue;
		if (list->id[i] & SYNFW_TRIE_LEAF) {
			record.to[i] = list6_class(&record, &nr_classes, list->id[i])
				       << SYNFW_TRIE6_LIST_KIND_AT;
			continue;
		}
		error = list6_reach(trie, record.base, list->id[i], &id);
		if (error)
			return error;
		record.to[i] = ((id & SYNFW_TRIE_CELL) - record.base) |
			       id >> SYNFW_TRIE_KIND_AT << SYNFW_TRIE6_LIST_KIND_AT;
	}
	for (uint32_t n = 0; n <= list->count; n++)
		if (list->behind[n])
			record.gaps |= list6_class(&record, &nr_classes, list->behind[n]) << 2 * n;
	*ret_record = record;
	return 0;
}
