/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "link.h"

#include <bpf/bpf.h>

#include "datapath/inner_changes.h"

static const struct {
	enum object_map link;
	enum process_map map;
} links[] = {
	{OBJECT_LINK_TALKS, PROCESS_TALKS},
	{OBJECT_LINK_PROCESSES, PROCESS_PROCESSES},
	{OBJECT_LINK_EVENTS, PROCESS_EVENTS},
};

#define NR_LINKS (sizeof(links) / sizeof(*links))

/* Nothing has to be changed then, and nobody waited for. */
static bool is_linked(int link_fd, int map_fd)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info), key = 0, id;

	return !bpf_map_lookup_elem(link_fd, &key, &id) &&
	       !bpf_obj_get_info_by_fd(map_fd, &info, &size) && info.id == id;
}

int process_link(const struct object *packets, const struct process_object *processes,
		 struct fault *fault)
{
	struct inner_change changes[NR_LINKS];
	size_t count = 0, i;
	int err;

	for (i = 0; i < NR_LINKS; i++) {
		int link_fd = packets->map_fd[links[i].link];
		int map_fd = processes->map_fd[links[i].map];

		if (!is_linked(link_fd, map_fd))
			changes[count++] = (struct inner_change){link_fd, 0, map_fd};
	}
	err = inner_changes_make(changes, count);
	return err ? fault_system(
			     fault, err,
			     "cannot link the tables of processes with the programs of packets")
		   : 0;
}

int process_unlink(const struct object *packets)
{
	struct inner_change changes[NR_LINKS];
	size_t i;

	for (i = 0; i < NR_LINKS; i++)
		changes[i] = (struct inner_change){packets->map_fd[links[i].link], 0, -1};
	return inner_changes_make(changes, NR_LINKS);
}
