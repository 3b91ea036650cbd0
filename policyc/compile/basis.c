/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/basis.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compile/ranges.h"

/* FNV-1a (Fowler, Noll and Vo) over words of 64 bits, one hash for each of a line's: any word that
 * is another one makes it another. Against accidents, as only root writes these maps. */
#define FNV_PRIME  0x100000001b3ULL
#define FNV_OFFSET 0xcbf29ce484222325ULL
#define LINE_WORDS (SYNFW_LINE_BYTES / sizeof(uint64_t))

/* Of whatever structures the lines are. */
typedef uint64_t __attribute__((may_alias)) any_word;

static uint64_t hash_word(uint64_t hash, uint64_t word)
{
	return (hash ^ word) * FNV_PRIME;
}

static void hash_lines(const void *lines, size_t count, uint64_t hashes[LINE_WORDS])
{
	const any_word *line = lines;

	for (size_t i = 0; i < count; i++, line += LINE_WORDS)
		for (uint32_t word = 0; word < LINE_WORDS; word++)
			hashes[word] = hash_word(hashes[word], line[word]);
}

#define HEAD_LINES (sizeof(struct basis_head) / SYNFW_LINE_BYTES)

static uint64_t checksum(const struct synfw_line *lines, uint32_t first)
{
	struct basis_head head = *(const struct basis_head *)&lines[first];
	uint64_t hashes[LINE_WORDS], sum = FNV_OFFSET;

	head.checksum = 0;
	for (uint32_t word = 0; word < LINE_WORDS; word++)
		hashes[word] = FNV_OFFSET;
	for (int direction = 0; direction < SYNFW_NR_DIRS; direction++)
		hash_lines(&lines[head.tries[direction].root], head.tries[direction].nr_lines,
			   hashes);
	hash_lines(&head, HEAD_LINES, hashes);
	hash_lines(&lines[first + HEAD_LINES], head.nr_lines - HEAD_LINES, hashes);
	for (uint32_t word = 0; word < LINE_WORDS; word++)
		sum = hash_word(sum, hashes[word]);
	return sum;
}

/* ---- places ---- */

static uint64_t lines_of(uint64_t count, size_t size)
{
	return (count * size + SYNFW_LINE_BYTES - 1) / SYNFW_LINE_BYTES;
}

/* Lines of a basis, counted from its first one. */
struct places {
	uint64_t classes[SYNFW_NR_DIRS];
	uint64_t sets;
	uint64_t prefixes; /* of the first set; those of the next begin behind its last */
};

static struct places places_of(const struct basis_head *head)
{
	uint64_t at = HEAD_LINES;
	struct places places;

	for (int direction = 0; direction < SYNFW_NR_DIRS; direction++) {
		places.classes[direction] = at;
		at += lines_of(head->tries[direction].nr_classes, sizeof(struct basis_class));
	}
	places.sets = at;
	places.prefixes = at + lines_of(head->nr_sets, sizeof(struct basis_set));
	return places;
}

/* ---- reading ---- */

void basis_done(struct basis *basis)
{
	free(basis->lists);
	*basis = (struct basis){};
}

static bool lies_within(uint64_t first, uint64_t count, uint64_t nr_lines)
{
	return first <= nr_lines && count <= nr_lines - first;
}

static bool tries_are_there(const struct basis_head *head, uint32_t first)
{
	for (int direction = 0; direction < SYNFW_NR_DIRS; direction++) {
		const struct basis_trie *trie = &head->tries[direction];

		if (trie->root && (trie->nr_lines < SYNFW_TRIE_BITMAP_LINE ||
				   !lies_within(trie->root, trie->nr_lines, first)))
			return false;
		if (!trie->root && (trie->nr_lines || trie->nr_classes))
			return false;
	}
	return true;
}

/* All that the lengths say lies in the basis. */
static bool head_fits(const struct image *image, uint32_t first, const struct basis_head *head)
{
	struct places places = places_of(head);
	const struct basis_set *sets;
	uint64_t at = places.prefixes;

	if (places.prefixes > head->nr_lines)
		return false;
	sets = (const struct basis_set *)&image->lines[first + places.sets];
	for (uint32_t i = 0; i < head->nr_sets; i++) {
		if (i && sets[i].number <= sets[i - 1].number)
			return false;
		at += lines_of(sets[i].count, sizeof(struct prefix4));
	}
	return at == head->nr_lines;
}

/* The head of a basis that can be used, or NULL. */
static const struct basis_head *head_of(const struct image *image)
{
	const struct basis_head *head;
	uint32_t first;

	if (image->nr_lines < SYNFW_LINE_REMEMBERS ||
	    image_header_const(image)->abi_version != SYNFW_ABI_VERSION)
		return NULL;
	first = image_class_tables(image)->basis;
	if (!first || !lies_within(first, HEAD_LINES, image->nr_lines))
		return NULL;
	head = (const struct basis_head *)&image->lines[first];
	if (head->format != BASIS_FORMAT || !lies_within(first, head->nr_lines, image->nr_lines) ||
	    head->nr_lines < HEAD_LINES || !tries_are_there(head, first) ||
	    !head_fits(image, first, head) || head->checksum != checksum(image->lines, first))
		return NULL;
	return head;
}

int basis_read(const struct image *image, uint32_t nr_sets, struct basis *ret_basis)
{
	const struct basis_head *head = head_of(image);
	const struct synfw_line *lines = (const struct synfw_line *)head;
	const struct basis_set *sets;
	struct places places;
	uint64_t at;

	*ret_basis = (struct basis){};
	if (!head)
		return 0;
	ret_basis->lists = calloc(nr_sets + 1, sizeof(*ret_basis->lists));
	if (!ret_basis->lists)
		return -ENOMEM;
	ret_basis->nr_lists = nr_sets;
	places = places_of(head);
	for (int direction = 0; direction < SYNFW_NR_DIRS; direction++)
		ret_basis->classes[direction] =
			(const struct basis_class *)&lines[places.classes[direction]];
	sets = (const struct basis_set *)&lines[places.sets];
	at = places.prefixes;
	for (uint32_t i = 0; i < head->nr_sets; i++) {
		/* of a set that is not there any more no rule can speak as before */
		if (sets[i].number < nr_sets)
			ret_basis->lists[sets[i].number] = (struct prefix_list){
				.v4 = (struct prefix4 *)&lines[at], .nr_v4 = sets[i].count};
		at += lines_of(sets[i].count, sizeof(struct prefix4));
	}
	ret_basis->head = head;
	return 0;
}

/* ---- writing ---- */

static const struct trie *trie_of(const struct build *build, int direction)
{
	const struct trie *trie = &build->addresses[direction][FAMILY_4].trie;

	return trie->root == TRIE_ROOT_LINES ? trie : NULL;
}

/* Has a trie with a root of lines prefixes of the set? */
static bool is_used(const struct build *build, uint32_t set)
{
	for (int direction = 0; direction < SYNFW_NR_DIRS; direction++)
		if (trie_of(build, direction) && build->uses[direction].used[set])
			return true;
	return false;
}

static uint64_t prefix_lines(const struct build *build, uint32_t set)
{
	return lines_of(build->bits->sets[set]->nr_v4, sizeof(struct prefix4));
}

/* All but where the roots are. */
static struct basis_head head_make(const struct build *build)
{
	struct basis_head head = {.format = BASIS_FORMAT};
	uint64_t prefixes = 0;

	for (int direction = 0; direction < SYNFW_NR_DIRS; direction++) {
		const struct trie *trie = trie_of(build, direction);
		struct basis_trie *to = &head.tries[direction];

		if (!trie)
			continue;
		to->nr_lines = lines_of(trie->nr_cells, sizeof(*trie->cells));
		to->nr_ranges = trie->totals.nr_ranges;
		to->nr_classes = build->addresses[direction][FAMILY_4].origins.count;
		memcpy(to->uses, build->uses[direction].digest, sizeof(to->uses));
	}
	for (uint32_t set = 0; set < build->bits->nr_sets; set++) {
		if (!is_used(build, set))
			continue;
		head.nr_sets++;
		prefixes += prefix_lines(build, set);
	}
	head.nr_lines = places_of(&head).prefixes + prefixes;
	return head;
}

uint32_t basis_lines(const struct build *build)
{
	return trie_of(build, SYNFW_DIR_SRC) || trie_of(build, SYNFW_DIR_DST)
		       ? head_make(build).nr_lines
		       : 0;
}

static void classes_put(const struct totals *totals, const struct origins *origins,
			struct basis_class *classes)
{
	for (uint32_t i = 0; i < origins->count; i++) {
		const struct origin *origin = &origins->list[i];

		classes[i].first = origin->first >> IPV4_BEHIND_BITS;
		classes[i].prefixlen = origin->prefixlen;
		if (i < totals->nr_classes)
			classes[i].addresses = totals->addresses[i] >> IPV4_BEHIND_BITS;
	}
}

static void lists_put(const struct build *build, struct basis_set *sets,
		      struct synfw_line *prefixes)
{
	for (uint32_t set = 0; set < build->bits->nr_sets; set++) {
		const struct prefix_list *list = build->bits->sets[set];

		if (!is_used(build, set))
			continue;
		*sets++ = (struct basis_set){.number = set, .count = list->nr_v4};
		if (list->nr_v4)
			memcpy(prefixes, list->v4, list->nr_v4 * sizeof(*list->v4));
		prefixes += prefix_lines(build, set);
	}
}

void basis_put(const struct build *build, const uint32_t roots[SYNFW_NR_DIRS],
	       struct synfw_line *lines, uint32_t first)
{
	struct basis_head head = head_make(build);
	struct places places = places_of(&head);
	struct synfw_line *own = &lines[first];

	for (int direction = 0; direction < SYNFW_NR_DIRS; direction++) {
		const struct trie *trie = trie_of(build, direction);

		if (!trie)
			continue;
		head.tries[direction].root = roots[direction];
		classes_put(&trie->totals, &build->addresses[direction][FAMILY_4].origins,
			    (struct basis_class *)&own[places.classes[direction]]);
	}
	lists_put(build, (struct basis_set *)&own[places.sets], &own[places.prefixes]);
	memcpy(own, &head, sizeof(head));
	head.checksum = checksum(lines, first);
	memcpy(own, &head, sizeof(head));
}
