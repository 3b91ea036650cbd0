/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "link.h"

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

/* Each update of a map of maps waits for a grace period. */
static bool is_linked(int link_fd, int map_fd)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info), key = 0, id;

	return !bpf_map_lookup_elem(link_fd, &key, &id) &&
	       !bpf_obj_get_info_by_fd(map_fd, &info, &size) && info.id == id;
}

static int link_map(int link_fd, int map_fd)
{
	const uint32_t key = 0;

	if (is_linked(link_fd, map_fd))
		return 0;
	return bpf_map_update_elem(link_fd, &key, &map_fd, BPF_ANY) ? -errno : 0;
}

int process_link(const struct object *packets, const struct process_object *processes,
		 struct fault *fault)
{
	size_t i;
	int err;

	for (i = 0; i < NR_LINKS; i++) {
		err = link_map(packets->map_fd[links[i].link], processes->map_fd[links[i].map]);
		if (err)
			return fault_system(fault, err, "cannot link \"%s\"",
					    process_maps[links[i].map].name);
	}
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
