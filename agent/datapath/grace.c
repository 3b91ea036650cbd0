/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "grace.h"

#include <errno.h>
#include <stdint.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

int grace_wait(struct fault *fault)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	CLEANUP(cleanup_fd) int inner = -1;
	CLEANUP(cleanup_fd) int outer = -1;
	uint32_t key = 0;

	inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "grace_inner", sizeof(key), sizeof(key), 1,
			       NULL);
	opts.inner_map_fd = inner;
	if (inner >= 0)
		outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "grace", sizeof(key),
				       sizeof(key), 1, &opts);
	if (outer < 0 || bpf_map_update_elem(outer, &key, &inner, BPF_ANY))
		return fault_system(fault, -errno, "cannot wait for packets in flight");
	return 0;
}
