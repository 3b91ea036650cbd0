/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "filter.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <synfw/cleanup.h>

#include "source.h"

static size_t bytes_of(const struct filter *filter)
{
	return (filter->nr_words + 1) * sizeof(*filter->words);
}

int filter_open(const struct object *object, enum object_map map, struct fault *fault,
		struct filter *ret_filter)
{
	struct filter filter = {.nr_words = object_maps[map].max_entries - 1};
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

/* The bit of an address, as the packet path finds it. */
struct place {
	uint64_t word, bit;
};

static struct place place_of(const struct synfw_addr6 *address, uint64_t seed, uint64_t nr_words)
{
	uint64_t hash = source_hash(address, seed);

	return (struct place){hash / 64 % nr_words, 1ULL << hash % 64};
}

void filter_add(const struct filter *filter, const struct synfw_addr6 *address)
{
	struct place place = place_of(address, filter->seed, filter->nr_words);

	__atomic_fetch_or(&filter->words[place.word], place.bit, __ATOMIC_SEQ_CST);
	__atomic_fetch_or(&filter->words[filter->nr_words], 1, __ATOMIC_SEQ_CST);
}

static int set_bit(const struct object *object, enum object_map map, struct place place,
		   struct fault *fault)
{
	const uint64_t per_page = sysconf(_SC_PAGESIZE) / sizeof(place.word);
	const uint64_t first = place.word / per_page * per_page;
	uint64_t *page = mmap(NULL, per_page * sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED,
			      object->map_fd[map], first * sizeof(*page));

	if (page == MAP_FAILED)
		return fault_system(fault, -errno, "cannot map a page of \"%s\"",
				    object_maps[map].name);
	__atomic_fetch_or(&page[place.word - first], place.bit, __ATOMIC_SEQ_CST);
	munmap(page, per_page * sizeof(*page));
	return 0;
}

int filter_add_one(const struct object *object, enum object_map map,
		   const struct synfw_addr6 *address, struct fault *fault)
{
	const uint64_t nr_words = object_maps[map].max_entries - 1;
	uint64_t seed;
	int err = source_read_seed(object, fault, &seed);

	if (!err)
		err = set_bit(object, map, place_of(address, seed, nr_words), fault);
	return err ? err : set_bit(object, map, (struct place){nr_words, 1}, fault);
}

int filter_keep(const struct filter *filter, const void *items, size_t count, size_t size)
{
	CLEANUP(cleanup_free) uint64_t *words = calloc(filter->nr_words + 1, sizeof(*words));
	const struct filter kept = {words, filter->nr_words, filter->seed};
	size_t i;

	if (!words)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		filter_add(&kept, (const void *)((const char *)items + i * size));
	for (i = 0; i <= filter->nr_words; i++)
		__atomic_store_n(&filter->words[i], words[i], __ATOMIC_SEQ_CST);
	return 0;
}
