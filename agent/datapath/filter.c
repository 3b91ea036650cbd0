/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "filter.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <synfw/cleanup.h>
#include <synfw/state.h>

#include "source.h"

static size_t bytes_of(const struct filter *filter)
{
	return SYNFW_FILTER_ENTRIES(filter->nr_words) * sizeof(*filter->words);
}

int filter_open(const struct object *object, enum object_map map, struct fault *fault,
		struct filter *ret_filter)
{
	struct filter filter = {.nr_words = SYNFW_FILTER_WORDS(object_maps[map].max_entries)};
	int err = source_read_seed(object, fault, &filter.seed);

	if (err)
		return err;
	filter.words = mmap(NULL, bytes_of(&filter), PROT_READ | PROT_WRITE, MAP_SHARED,
			    object->map_fd[map], 0);
	if (filter.words == MAP_FAILED)
		return fault_system(fault, -errno, "cannot map \"%s\"", object_maps[map].name);
	*ret_filter = filter;
	return 0;
}

void filter_close(struct filter *filter)
{
	if (filter->words)
		munmap(filter->words, bytes_of(filter));
	*filter = (struct filter)FILTER_NONE;
}

/* One bit to be set. */
struct place {
	uint64_t word, bit;
};

#define NR_PLACES	   3

#define ENTRIES_FIT(words) (SYNFW_FILTER_WORDS(SYNFW_FILTER_ENTRIES(words)) == (words))
_Static_assert(ENTRIES_FIT(SYNFW_BLOCK_FILTER_WORDS) && ENTRIES_FIT(SYNFW_MEMBER_FILTER_WORDS) &&
		       ENTRIES_FIT(SYNFW_EXEMPT_FILTER_WORDS),
	       "the words of a filter are known by its entries");

/* What an address sets, as the packet path does: its bit first, the summary and the last word,
 * which lie together, behind it. */
static void places_of(const struct synfw_addr6 *address, uint64_t seed, uint64_t nr_words,
		      struct place ret_places[NR_PLACES])
{
	uint64_t hash = source_hash(address, seed), at = hash / 64 % nr_words;

	ret_places[0] = (struct place){at, 1ULL << hash % 64};
	ret_places[1] = (struct place){SYNFW_FILTER_SUMMARY(nr_words, at), 1ULL << at % 64};
	ret_places[2] = (struct place){SYNFW_FILTER_ANY(nr_words), 1};
}

void filter_add(const struct filter *filter, const struct synfw_addr6 *address)
{
	struct place places[NR_PLACES];
	int i;

	places_of(address, filter->seed, filter->nr_words, places);
	for (i = 0; i < NR_PLACES; i++)
		__atomic_fetch_or(&filter->words[places[i].word], places[i].bit, __ATOMIC_SEQ_CST);
}

/* In the pages from the first place to the last. */
static int set_bits(const struct object *object, enum object_map map, const struct place *places,
		    int count, struct fault *fault)
{
	const uint64_t per_page = sysconf(_SC_PAGESIZE) / sizeof(places->word);
	const uint64_t first = places[0].word / per_page * per_page;
	const size_t bytes = (places[count - 1].word + 1 - first) * sizeof(places->word);
	uint64_t *words = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, object->map_fd[map],
			       first * sizeof(*words));
	int i;

	if (words == MAP_FAILED)
		return fault_system(fault, -errno, "cannot map pages of \"%s\"",
				    object_maps[map].name);
	for (i = 0; i < count; i++)
		__atomic_fetch_or(&words[places[i].word - first], places[i].bit, __ATOMIC_SEQ_CST);
	munmap(words, bytes);
	return 0;
}

int filter_add_one(const struct object *object, enum object_map map,
		   const struct synfw_addr6 *address, struct fault *fault)
{
	const uint64_t nr_words = SYNFW_FILTER_WORDS(object_maps[map].max_entries);
	struct place places[NR_PLACES];
	uint64_t seed;
	int err = source_read_seed(object, fault, &seed);

	if (err)
		return err;
	places_of(address, seed, nr_words, places);
	err = set_bits(object, map, &places[0], 1, fault);
	return err ? err : set_bits(object, map, &places[1], NR_PLACES - 1, fault);
}

int filter_keep(const struct filter *filter, const void *items, size_t count, size_t size)
{
	const size_t nr_entries = SYNFW_FILTER_ENTRIES(filter->nr_words);
	CLEANUP(cleanup_free) uint64_t *words = calloc(nr_entries, sizeof(*words));
	const struct filter kept = {words, filter->nr_words, filter->seed};
	size_t i;

	if (!words)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		filter_add(&kept, (const void *)((const char *)items + i * size));
	for (i = 0; i < nr_entries; i++)
		__atomic_store_n(&filter->words[i], words[i], __ATOMIC_SEQ_CST);
	return 0;
}
