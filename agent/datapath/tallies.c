/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tallies.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <synfw/cleanup.h>

int tallies_read(const struct object *object, struct fault *fault,
		 uint64_t ret_tallies[SYNFW_NR_TALLIES])
{
	int nr_cpus = libbpf_num_possible_cpus(), cpu;
	CLEANUP(cleanup_free) uint64_t *counts = NULL;
	uint64_t sum;
	uint32_t tally;

	if (nr_cpus < 0)
		return fault_system(fault, nr_cpus, "cannot count the CPUs");
	counts = calloc(nr_cpus, sizeof(*counts));
	if (!counts)
		return fault_system(fault, -ENOMEM, "cannot read the tallies");
	for (tally = 0; tally < SYNFW_NR_TALLIES; tally++) {
		if (bpf_map_lookup_elem(object->map_fd[OBJECT_TALLIES], &tally, counts))
			return fault_system(fault, -errno, "cannot read the tallies");
		for (sum = 0, cpu = 0; cpu < nr_cpus; cpu++)
			sum += counts[cpu];
		ret_tallies[tally] = sum;
	}
	return 0;
}
