/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tallies.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <synfw/cleanup.h>

/* An entry of a per-CPU map of `words` words, summed. */
static int read_words(const struct process_object *object, enum process_map map, uint32_t key,
		      size_t words, struct fault *fault, uint64_t *ret_sum)
{
	int nr_cpus = libbpf_num_possible_cpus(), cpu;
	CLEANUP(cleanup_free) uint64_t *values = NULL;
	size_t i;

	if (nr_cpus < 0)
		return fault_system(fault, nr_cpus, "cannot count the CPUs");
	values = calloc(nr_cpus, words * sizeof(*values));
	if (!values)
		return fault_system(fault, -ENOMEM, "cannot read \"%s\"", process_maps[map].name);
	if (bpf_map_lookup_elem(object->map_fd[map], &key, values))
		return fault_system(fault, -errno, "cannot read \"%s\"", process_maps[map].name);
	for (i = 0; i < words; i++)
		ret_sum[i] = 0;
	for (cpu = 0; cpu < nr_cpus; cpu++)
		for (i = 0; i < words; i++)
			ret_sum[i] += values[cpu * words + i];
	return 0;
}

int process_tally_read(const struct process_object *object, enum synfw_process_tally tally,
		       struct fault *fault, uint64_t *ret_count)
{
	return read_words(object, PROCESS_TALLIES, tally, 1, fault, ret_count);
}

int process_counter_read(const struct process_object *object, uint32_t slot, struct fault *fault,
			 struct synfw_process_counter *ret_sum)
{
	uint64_t words[2];
	int err = read_words(object, PROCESS_COUNTERS, slot, 2, fault, words);

	_Static_assert(sizeof(*ret_sum) == sizeof(words), "words of a counter");
	if (err)
		return err;
	*ret_sum = (struct synfw_process_counter){.matches = words[0], .would = words[1]};
	return 0;
}

int process_counter_reset(const struct process_object *object, uint32_t slot, struct fault *fault)
{
	int nr_cpus = libbpf_num_possible_cpus();
	CLEANUP(cleanup_free) struct synfw_process_counter *zeros = NULL;

	if (nr_cpus < 0)
		return fault_system(fault, nr_cpus, "cannot count the CPUs");
	zeros = calloc(nr_cpus, sizeof(*zeros));
	if (!zeros)
		return fault_system(fault, -ENOMEM, "cannot reset a counter");
	if (bpf_map_update_elem(object->map_fd[PROCESS_COUNTERS], &slot, zeros, BPF_ANY))
		return fault_system(fault, -errno, "cannot reset a counter");
	return 0;
}
