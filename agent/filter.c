/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "filter.h"

#include <errno.h>
#include <sys/mman.h>

#include "source.h"

int filter_open(const struct object *object, enum object_map map, struct fault *fault,
		struct filter *ret_filter)
{
	struct filter filter = {.bits = 64ULL * object_maps[map].max_entries};
	int err = source_read_seed(object, fault, &filter.seed);

	if (err)
		return err;
	filter.words = mmap(NULL, filter.bits / 8, PROT_READ | PROT_WRITE, MAP_SHARED,
			    object->map_fd[map], 0);
	if (filter.words == MAP_FAILED)
		return fault_system(fault, -errno, "cannot map \"%s\"", object_maps[map].name);
	*ret_filter = filter;
	return 0;
}

void filter_close(struct filter *filter)
{
	if (filter->words)
		munmap(filter->words, filter->bits / 8);
	*filter = (struct filter)FILTER_NONE;
}

void filter_add(const struct filter *filter, const struct synfw_addr6 *address)
{
	uint64_t bit = source_hash(address, filter->seed) % filter->bits;

	__atomic_fetch_or(&filter->words[bit / 64], 1ULL << bit % 64, __ATOMIC_SEQ_CST);
}
