/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/basis.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compile/ranges.h"
#include "compiler_digest.h"

/* FNV-1a (Fowler, Noll and Vo) over words of 64 bits, one hash for each of a line's, of which the
 * upper half goes into the lower one each time: a product alone never brings it there. Against
 * accidents, as only root writes these maps. */
#define FNV_PRIME  0x100000001b3ULL
#define FNV_OFFSET 0xcbf29ce484222325ULL
#define LINE_WORDS (SYNFW_LINE_BYTES / sizeof(uint64_t))

/* Of whatever structures the lines are. */
typedef uint64_t __attribute__((may_alias)) any_word;

static uint64_t hash_word(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * FNV_PRIME;
	return hash ^ hash >> 32;
}

static void hash_lines(const void *lines, size_t count, uint64_t hashes[LINE_WORDS])
{
	const any_word *line = lines;

	for (size_t i = 0; i < count; i++, line += LINE_WORDS)
		for (uint32_t word = 0; word < LINE_WORDS; word++)
			hashes[word] = hash_word(hashes[word], line[word]);
}

/* All of them, direction by direction. */
static const struct basis_trie *trie_head(const struct basis_head *head, int number)
{
	return &head->tries[number / NR_FAMILIES][number % NR_FAMILIES];
}

#define HEAD_LINES (sizeof(struct basis_head) / SYNFW_LINE_BYTES)

static uint64_t checksum(const struct synfw_line *lines, uint32_t first)
{
	struct basis_head head = *(const struct basis_head *)&lines[first];
	uint64_t hashes[LINE_WORDS], sum = FNV_OFFSET;

	head.checksum = 0;
	for (uint32_t word = 0; word < LINE_WORDS; word++)
		hashes[word] = FNV_OFFSET;
	for (int i = 0; i < SYNFW_NR_DIRS * NR_FAMILIES; i++) {
		const struct basis_trie *trie = trie_head(&head, i);

		hash_lines(&lines[trie->root], trie->nr_lines, hashes);
	}
	hash_lines(&head, HEAD_LINES, hashes);
	hash_lines(&lines[first + HEAD_LINES], head.nr_lines - HEAD_LINES, hashes);
	for (uint32_t word = 0; word < LINE_WORDS; word++)
		sum = hash_word(sum, hashes[word]);
	return sum;
}

/* ---- places ---- */

static uint64_t lines_for(uint64_t count, size_t size)
{
	return (count * size + SYNFW_LINE_BYTES - 1) / SYNFW_LINE_BYTES;
}

/* Lines of a basis, counted from its first one. */
struct places {
	uint64_t classes[SYNFW_NR_DIRS];
	uint64_t runs[SYNFW_NR_DIRS];
	uint64_t sets;
	uint64_t prefixes; /* of the first set; those of the next begin behind its last */
};

static uint32_t nr_classes(const struct basis_direction *direction)
{
	return direction->nr_classes[FAMILY_4] + direction->nr_classes[FAMILY_6];
}

static struct places places_of(const struct basis_head *head)
{
	uint64_t at = HEAD_LINES;
	struct places places;

	for (int direction = 0; direction < SYNFW_NR_DIRS; direction++) {
		places.classes[direction] = at;
		at += lines_for(nr_classes(&head->directions[direction]),
				sizeof(struct basis_class));
	}
	for (int direction = 0; direction < SYNFW_NR_DIRS; direction++) {
		places.runs[direction] = at;
		at += lines_for(head->tries[direction][FAMILY_6].nr_runs,
				sizeof(struct outlined_run));
	}
	places.sets = at;
	places.prefixes = at + lines_for(head->nr_sets, sizeof(struct basis_set));
	return places;
}

static uint64_t prefix_lines(const uint32_t count[NR_FAMILIES])
{
	return lines_for(count[FAMILY_4], sizeof(struct prefix4)) +
	       lines_for(count[FAMILY_6], sizeof(struct prefix6));
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

/* Lines of a root and of what is asked for by place behind it. */
static uint32_t root_lines(enum family family, uint32_t bits)
{
	if (family == FAMILY_4)
		return SYNFW_TRIE_BITMAP_LINE +
		       SYNFW_TRIE_BITMAP_CELLS / (SYNFW_LINE_BYTES / sizeof(uint64_t));
	return SYNFW_TRIE6_LISTS_LINE + (1U << (bits - SYNFW_TRIE6_LISTS_PREFIX_BITS));
}

static bool bits_fit(enum family family, uint32_t bits)
{
	if (family == FAMILY_4)
		return bits == SYNFW_TRIE_LINE_ROOT_BITS;
	return bits >= SYNFW_TRIE6_LISTS_MIN_BITS && bits <= SYNFW_TRIE6_LISTS_MAX_BITS;
}

/* Before the basis, which begins at a line. */
static bool tries_are_there(const struct basis_head *head, uint32_t first)
{
	for (int i = 0; i < SYNFW_NR_DIRS * NR_FAMILIES; i++) {
		const struct basis_trie *trie = trie_head(head, i);
		enum family family = i % NR_FAMILIES;

		if (!trie->root && !trie->nr_lines)
			continue;
		if (!bits_fit(family, trie->bits) ||
		    trie->nr_lines < root_lines(family, trie->bits) ||
		    !lies_within(trie->root, trie->nr_lines, first))
			return false;
	}
	return true;
}

/* All that the lengths say lies in the basis. */
static bool head_fits(const struct image *image, uint32_t first, const struct basis_head *head)
{
	struct places places;
	const struct basis_set *sets;
	uint64_t at;

	/* so that no sum overflows */
	for (int direction = 0; direction < SYNFW_NR_DIRS; direction++)
		for (int family = 0; family < NR_FAMILIES; family++)
			if (head->directions[direction].nr_classes[family] > head->nr_lines)
				return false;
	places = places_of(head);
	at = places.prefixes;
	if (places.prefixes > head->nr_lines)
		return false;
	sets = (const struct basis_set *)&image->lines[first + places.sets];
	for (uint32_t i = 0; i < head->nr_sets; i++) {
		if (i && sets[i].number <= sets[i - 1].number)
			return false;
		at += prefix_lines(sets[i].count);
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
	if (head->compiler != COMPILER_DIGEST ||
	    !lies_within(first, head->nr_lines, image->nr_lines) || head->nr_lines < HEAD_LINES ||
	    !tries_are_there(head, first) || !head_fits(image, first, head))
		return NULL;
	return head;
}

bool basis_is_whole(struct basis *basis)
{
	uint32_t first = (const struct synfw_line *)basis->head - basis->lines;

	if (basis->state == BASIS_UNKNOWN)
		basis->state = basis->head->checksum == checksum(basis->lines, first)
				       ? BASIS_WHOLE
				       : BASIS_DAMAGED;
	return basis->state == BASIS_WHOLE;
}

static void lists_read(const struct basis_head *head, const struct places *places, uint32_t nr_sets,
		       struct prefix_list *lists)
{
	const struct synfw_line *lines = (const struct synfw_line *)head;
	const struct basis_set *sets = (const struct basis_set *)&lines[places->sets];
	uint64_t at = places->prefixes;

	for (uint32_t i = 0; i < head->nr_sets; i++) {
		const uint32_t *count = sets[i].count;
		uint64_t behind4 = at + lines_for(count[FAMILY_4], sizeof(struct prefix4));

		/* of a set that is not there any more no rule can speak as before */
		if (sets[i].number < nr_sets)
			lists[sets[i].number] = (struct prefix_list){
				.v4 = (struct prefix4 *)&lines[at],
				.nr_v4 = count[FAMILY_4],
				.v6 = (struct prefix6 *)&lines[behind4],
				.nr_v6 = count[FAMILY_6],
			};
		at += prefix_lines(count);
	}
}

int basis_read(const struct image *image, uint32_t nr_sets, struct basis *ret_basis)
{
	const struct basis_head *head = head_of(image);
	const struct synfw_line *lines = (const struct synfw_line *)head;
	struct places places;

	*ret_basis = (struct basis){};
	if (!head)
		return 0;
	ret_basis->lists = calloc(nr_sets + 1, sizeof(*ret_basis->lists));
	if (!ret_basis->lists)
		return -ENOMEM;
	places = places_of(head);
	for (int direction = 0; direction < SYNFW_NR_DIRS; direction++) {
		ret_basis->classes[direction] =
			(const struct basis_class *)&lines[places.classes[direction]];
		ret_basis->runs[direction] =
			(const struct outlined_run *)&lines[places.runs[direction]];
	}
	lists_read(head, &places, nr_sets, ret_basis->lists);
	ret_basis->lines = image->lines;
	ret_basis->head = head;
	return 0;
}

/* ---- writing ---- */

/* NULL: without a root of lines or with lists. */
static const struct trie *trie_of(const struct build *build, int direction, int family)
{
	const struct trie *trie = &build->addresses[direction][family].trie;

	return trie->root == TRIE_ROOT_IDS ? NULL : trie;
}

static bool has_trie(const struct build *build, int direction)
{
	return trie_of(build, direction, FAMILY_4) || trie_of(build, direction, FAMILY_6);
}

/* How many prefixes of a set are to be kept: those of IPv4 give classes their numbers in either
 * case. False: there are no rules on such a trie that mention it. */
static bool count_set(const struct build *build, uint32_t set, uint32_t ret_count[NR_FAMILIES])
{
	const struct prefix_list *list = build->bits->sets[set];
	bool used = false;

	ret_count[FAMILY_4] = list->nr_v4;
	ret_count[FAMILY_6] = 0;
	for (int direction = 0; direction < SYNFW_NR_DIRS; direction++) {
		if (!has_trie(build, direction) || !build->uses[direction].used[set])
			continue;
		used = true;
		if (trie_of(build, direction, FAMILY_6))
			ret_count[FAMILY_6] = list->nr_v6;
	}
	return used;
}

static void trie_put(const struct trie *trie, struct basis_trie *to)
{
	to->nr_lines = lines_for(trie->nr_cells, sizeof(*trie->cells));
	to->nr_ranges = trie->totals.nr_ranges;
	to->bits = trie->root == TRIE_ROOT_LINES ? trie->root_bits : trie->lists_bits;
	to->nr_unicast = trie->totals.nr_unicast;
	to->nr_lists = trie->totals.nr_lists;
	to->nr_runs = trie->outlined.count;
}

static void direction_put(const struct build *build, int direction, struct basis_head *head)
{
	struct basis_direction *to = &head->directions[direction];

	if (!has_trie(build, direction))
		return;
	memcpy(to->uses, build->uses[direction].digest, sizeof(to->uses));
	to->nr_classes[FAMILY_4] = build->addresses[direction][FAMILY_4].origins.count;
	if (trie_of(build, direction, FAMILY_6))
		to->nr_classes[FAMILY_6] = build->addresses[direction][FAMILY_6].origins.count;
	for (int family = 0; family < NR_FAMILIES; family++)
		if (trie_of(build, direction, family))
			trie_put(trie_of(build, direction, family),
				 &head->tries[direction][family]);
}

/* All but where the roots are. */
static struct basis_head head_make(const struct build *build)
{
	struct basis_head head = {.compiler = COMPILER_DIGEST};
	uint32_t count[NR_FAMILIES];
	uint64_t prefixes = 0;

	for (int direction = 0; direction < SYNFW_NR_DIRS; direction++)
		direction_put(build, direction, &head);
	for (uint32_t set = 0; set < build->bits->nr_sets; set++) {
		if (!count_set(build, set, count))
			continue;
		head.nr_sets++;
		prefixes += prefix_lines(count);
	}
	head.nr_lines = places_of(&head).prefixes + prefixes;
	return head;
}

uint32_t basis_lines(const struct build *build)
{
	return has_trie(build, SYNFW_DIR_SRC) || has_trie(build, SYNFW_DIR_DST)
		       ? head_make(build).nr_lines
		       : 0;
}

static void halves_put(address_t value, uint64_t halves[2])
{
	halves[0] = value >> 64;
	halves[1] = (uint64_t)value;
}

static void addresses_put(const struct totals *totals, int family, uint32_t nr_classes,
			  struct basis_class *classes)
{
	for (uint32_t i = 0; i < nr_classes && i < totals->nr_classes; i++)
		halves_put(totals->addresses[i], classes[i].addresses[family]);
}

static void classes_put(const struct build *build, int direction,
			const struct basis_direction *head, struct basis_class *classes)
{
	uint32_t at = 0;

	for (int family = 0; family < NR_FAMILIES; family++) {
		const struct addresses *addresses = &build->addresses[direction][family];

		for (uint32_t i = 0; i < head->nr_classes[family]; i++, at++) {
			halves_put(addresses->origins.list[i].first, classes[at].first);
			classes[at].prefixlen = addresses->origins.list[i].prefixlen;
		}
		if (trie_of(build, direction, family))
			addresses_put(&addresses->trie.totals, family, nr_classes(head), classes);
	}
}

static void lists_put(const struct build *build, struct basis_set *sets,
		      struct synfw_line *prefixes)
{
	uint32_t count[NR_FAMILIES];

	for (uint32_t set = 0; set < build->bits->nr_sets; set++) {
		const struct prefix_list *list = build->bits->sets[set];

		if (!count_set(build, set, count))
			continue;
		*sets++ = (struct basis_set){.number = set, .count = {count[0], count[1]}};
		if (count[FAMILY_4])
			memcpy(prefixes, list->v4, count[FAMILY_4] * sizeof(*list->v4));
		prefixes += lines_for(count[FAMILY_4], sizeof(*list->v4));
		if (count[FAMILY_6])
			memcpy(prefixes, list->v6, count[FAMILY_6] * sizeof(*list->v6));
		prefixes += lines_for(count[FAMILY_6], sizeof(*list->v6));
	}
}

void basis_put(const struct build *build, const struct trie_places *tries, struct synfw_line *lines,
	       uint32_t first)
{
	struct basis_head head = head_make(build);
	struct places places = places_of(&head);
	struct synfw_line *own = &lines[first];

	for (int direction = 0; direction < SYNFW_NR_DIRS; direction++) {
		const struct trie *trie6 = trie_of(build, direction, FAMILY_6);

		for (int family = 0; family < NR_FAMILIES; family++)
			if (trie_of(build, direction, family))
				head.tries[direction][family].root = tries->root[direction][family];
		classes_put(build, direction, &head.directions[direction],
			    (struct basis_class *)&own[places.classes[direction]]);
		if (trie6 && trie6->outlined.count)
			memcpy(&own[places.runs[direction]], trie6->outlined.runs,
			       trie6->outlined.count * sizeof(*trie6->outlined.runs));
	}
	lists_put(build, (struct basis_set *)&own[places.sets], &own[places.prefixes]);
	memcpy(own, &head, sizeof(head));
	basis_sign(lines, first);
}

void basis_sign(struct synfw_line *lines, uint32_t first)
{
	((struct basis_head *)&lines[first])->checksum = checksum(lines, first);
}
