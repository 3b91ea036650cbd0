/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/trie_cells.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CELLS_PER_LINE (SYNFW_LINE_BYTES / sizeof(uint64_t))

void trie_done(struct trie *trie)
{
	free(trie->cells);
	*trie = (struct trie){};
}

static int cells_append(struct trie *trie, size_t count, uint64_t **ret_cells)
{
	if (trie->room - trie->nr_cells < count) {
		size_t room = trie->nr_cells + count + trie->room / 2;
		uint64_t *cells = reallocarray(trie->cells, room, sizeof(*cells));

		if (!cells)
			return -ENOMEM;
		trie->cells = cells;
		trie->room = room;
	}
	*ret_cells = trie->cells + trie->nr_cells;
	memset(*ret_cells, 0, count * sizeof(**ret_cells));
	trie->nr_cells += count;
	return 0;
}

int trie_begin(struct trie *trie, uint64_t first_cell, uint32_t root_bits, bool line_root)
{
	uint64_t entries = 1ULL << root_bits, *cells;

	*trie = (struct trie){
		.first_cell = first_cell, .root_bits = root_bits, .line_root = line_root};
	return cells_append(trie, line_root ? entries * CELLS_PER_LINE : entries / 2, &cells);
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
		if (!trie->line_root)
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

void trie_root_set_halves(struct trie *trie, uint32_t entry, const uint32_t ids[2])
{
	struct synfw_trie_line line = {.which = SYNFW_TRIE_LINE_IDS};

	memcpy(&line, ids, 2 * sizeof(*ids));
	*root_line(trie, entry) = line;
}

/* The datapath reads a record with one page lookup: none crosses a page, or begins where the
 * largest would. With trie.in_lines it reads most records with one cache miss. */
static int record_align(struct trie *trie, size_t count)
{
	uint64_t at = (trie->first_cell + trie->nr_cells) % SYNFW_PAGE_CELLS, *unused;
	uint64_t in_line = at % CELLS_PER_LINE;

	if (count > CELLS_PER_LINE)
		count = CELLS_PER_LINE;
	if (trie->in_lines && in_line + count > CELLS_PER_LINE) {
		int error = cells_append(trie, CELLS_PER_LINE - in_line, &unused);

		if (error)
			return error;
		at = (trie->first_cell + trie->nr_cells) % SYNFW_PAGE_CELLS;
	}
	if (at <= SYNFW_PAGE_CELLS - SYNFW_TRIE_RECORD_CELLS)
		return 0;
	return cells_append(trie, SYNFW_PAGE_CELLS - at, &unused);
}

static int record_append(struct trie *trie, size_t count, uint64_t **ret_cells, uint32_t *ret_id)
{
	int error = record_align(trie, count);

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
	int error = record_append(trie, header + (runs->count + 1) / 2, &cells, ret_id);

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

int trie_append_step(struct trie *trie, const struct synfw_trie_step *step, uint32_t *ret_id)
{
	uint64_t *cells;
	int error = record_append(trie, sizeof(*step) / sizeof(*cells), &cells, ret_id);

	if (error)
		return error;
	memcpy(cells, step, sizeof(*step));
	*ret_id |= SYNFW_TRIE_STEP;
	return 0;
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
			      &cells, ret_id);

	if (error)
		return error;
	change = (uint16_t *)cells;
	for (uint32_t i = 0; i < places; i++)
		change[i] = i < list->count ? list->change[i] : SYNFW_TRIE_LIST_UNUSED;
	memcpy(change + places, list->id, id_bytes);
	*ret_id |= SYNFW_TRIE_LIST | (places == LIST_MAX_CHANGES ? SYNFW_TRIE_LONG : 0);
	return 0;
}
