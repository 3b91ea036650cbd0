/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "process_link.h"

#include <errno.h>

#include <bpf/bpf.h>

static const struct {
	enum object_map link;
	enum process_map map;
} links[] = {
	{OBJECT_LINK_TALKS, PROCESS_TALKS},
	{OBJECT_LINK_PROCESSES, PROCESS_PROCESSES},
	{OBJECT_LINK_EVENTS, PROCESS_EVENTS},
};

#define NR_LINKS (sizeof(links) / sizeof(*links))

int process_link(const struct object *packets, const struct process_object *processes,
		 struct fault *fault)
{
	const uint32_t key = 0;
	size_t i;

	for (i = 0; i < NR_LINKS; i++)
		if (bpf_map_update_elem(packets->map_fd[links[i].link], &key,
					&processes->map_fd[links[i].map], BPF_ANY))
			return fault_system(fault, -errno, "cannot link \"%s\"",
					    process_maps[links[i].map].name);
	return 0;
}

int process_unlink(const struct object *packets)
{
	int err, first = 0;
	size_t i;

	for (i = 0; i < NR_LINKS; i++) {
		err = object_clear_inner(packets->map_fd[links[i].link], 0);
		if (!first)
			first = err;
	}
	return first;
}
