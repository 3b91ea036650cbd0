/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "xdp_filter.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <synfw/cleanup.h>

#define MAP_FLAG_SRC 1 /* xdp-filter/common_kern_user.h */

/* What libbpf does not know of it is for libxdp. */
static int print_nothing(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

static struct bpf_object *open_object(bool deny)
{
	glob_t found = {};
	struct bpf_object *object = NULL;
	libbpf_print_fn_t print;

	if (glob(deny ? "/usr/lib/*/bpf/xdpfilt_dny_ip.o" : "/usr/lib/*/bpf/xdpfilt_alw_ip.o", 0,
		 NULL, &found)) {
		errno = ENOENT;
		return NULL;
	}
	print = libbpf_set_print(print_nothing);
	object = bpf_object__open(found.gl_pathv[0]);
	libbpf_set_print(print);
	globfree(&found);
	return object;
}

/* Maps of this process alone, of the set's size; `frags` as the programs that lead to it. */
static int prepare(struct bpf_object *object, const struct address_set *set)
{
	const char *table = set->family == 4 ? "filter_ipv4" : "filter_ipv6";
	struct bpf_program *program;
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		if (bpf_map__set_pin_path(map, NULL))
			return -errno;
		if (!strcmp(bpf_map__name(map), table) && bpf_map__set_max_entries(map, set->count))
			return -errno;
	}
	bpf_object__for_each_program(
		program,
		object) if (bpf_program__set_flags(program, BPF_F_XDP_HAS_FRAGS)) return -errno;
	return bpf_object__load(object) ? -errno : 0;
}

static int fill(struct bpf_object *object, const struct address_set *set)
{
	int fd = bpf_object__find_map_fd_by_name(object,
						 set->family == 4 ? "filter_ipv4" : "filter_ipv6");
	int nr_cpus = libbpf_num_possible_cpus();
	CLEANUP(cleanup_free) uint64_t *values = NULL;

	if (fd < 0 || nr_cpus < 0)
		return -ENOENT;
	values = calloc(nr_cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	for (int cpu = 0; cpu < nr_cpus; cpu++)
		values[cpu] = MAP_FLAG_SRC;
	for (size_t i = 0; i < set->count; i++)
		if (bpf_map_update_elem(fd, set->prefix[i].example, values, BPF_ANY))
			return -errno;
	return 0;
}

struct bpf_object *xdp_filter_open(const struct address_set *set, bool deny)
{
	struct bpf_object *object = open_object(deny);
	int err;

	if (!object)
		return NULL;
	err = prepare(object, set);
	if (!err)
		err = fill(object, set);
	if (!err)
		return object;
	bpf_object__close(object);
	errno = -err;
	return NULL;
}

int xdp_filter_fd(const struct bpf_object *object)
{
	struct bpf_program *program = object ? bpf_object__next_program(object, NULL) : NULL;

	return program ? bpf_program__fd(program) : -1;
}
