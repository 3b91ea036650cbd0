/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "object.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <synfw/abi.h>
#include <synfw/cleanup.h>
#include <synfw/peer.h>
#include <synfw/state.h>

#include "base/paths.h"
#include "bpf_log.h"
#include "synfw.skel.h"

const struct object_map_spec object_maps[OBJECT_NR_MAPS] = {
	[OBJECT_CONTROL] = {"synfw_control", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct synfw_control),
			    1},
	[OBJECT_PAGES] = {"synfw_pages", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, SYNFW_PAGE_ENTRIES},
	[OBJECT_MEMBERS] = {"synfw_members", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4,
			    SYNFW_DYNAMIC_ENTRIES},
	[OBJECT_DYNAMIC_SETS] = {"synfw_dynamic_sets", BPF_MAP_TYPE_ARRAY, 4,
				 sizeof(struct synfw_dynamic_sets), SYNFW_NR_GENERATION_SLOTS},
	[OBJECT_INTERFACES] = {"synfw_interfaces", BPF_MAP_TYPE_ARRAY, 4,
			       sizeof(struct synfw_interface), SYNFW_INTERFACE_ENTRIES},
	[OBJECT_LINK_TALKS] = {"synfw_link_talks", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 1},
	[OBJECT_LINK_PROCESSES] = {"synfw_link_processes", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 1},
	[OBJECT_LINK_EVENTS] = {"synfw_link_events", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 1},
	[OBJECT_REASON_COUNTERS] = {"synfw_reason_counters", BPF_MAP_TYPE_PERCPU_ARRAY, 4,
				    sizeof(struct synfw_reason_counter), SYNFW_REASON_ENTRIES},
	[OBJECT_RULE_COUNTERS] = {"synfw_rule_counters", BPF_MAP_TYPE_PERCPU_ARRAY, 4,
				  sizeof(struct synfw_rule_counter), SYNFW_MAX_RULE_COUNTERS},
	[OBJECT_BLOCKS] = {"synfw_blocks", BPF_MAP_TYPE_HASH, sizeof(struct synfw_addr6),
			   sizeof(struct synfw_block), SYNFW_MAX_BLOCKS},
	[OBJECT_BLOCK_RING] = {"synfw_block_ring", BPF_MAP_TYPE_ARRAY, 4,
			       sizeof(struct synfw_block_place), SYNFW_MAX_BLOCKS},
	[OBJECT_BLOCK_FILTER] = {"synfw_block_filter", BPF_MAP_TYPE_ARRAY, 4, 8,
				 SYNFW_FILTER_ENTRIES(SYNFW_BLOCK_FILTER_WORDS), .filters = true},
	[OBJECT_MEMBER_FILTER] = {"synfw_member_filter", BPF_MAP_TYPE_ARRAY, 4, 8,
				  SYNFW_FILTER_ENTRIES(SYNFW_MEMBER_FILTER_WORDS), .filters = true},
	[OBJECT_EXEMPT_FILTER] = {"synfw_exempt_filter", BPF_MAP_TYPE_ARRAY, 4, 8,
				  SYNFW_FILTER_ENTRIES(SYNFW_EXEMPT_FILTER_WORDS), .filters = true},
	[OBJECT_EXEMPT] = {"synfw_exempt", BPF_MAP_TYPE_HASH, sizeof(struct synfw_addr6), 4,
			   SYNFW_MAX_EXEMPT},
	[OBJECT_PEERS] = {"synfw_peers", BPF_MAP_TYPE_LRU_HASH, sizeof(struct synfw_addr6),
			  sizeof(struct synfw_peer), SYNFW_MAX_PEERS},
	[OBJECT_SOURCES] = {"synfw_sources", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct synfw_source),
			    SYNFW_MAX_SOURCES},
	[OBJECT_MORE_PARTS] = {"synfw_more_parts", BPF_MAP_TYPE_ARRAY, 4,
			       sizeof(struct synfw_more_parts), SYNFW_MAX_SOURCES},
	[OBJECT_RULE_RATES] = {"synfw_rule_rates", BPF_MAP_TYPE_ARRAY, 4,
			       sizeof(struct synfw_rule_rate), SYNFW_MAX_RULE_COUNTERS},
	[OBJECT_SOURCE_RATES] = {"synfw_source_rates", BPF_MAP_TYPE_ARRAY, 4,
				 sizeof(struct synfw_rate_set), SYNFW_RATE_SETS},
	[OBJECT_PORT_SCANS] = {"synfw_port_scans", BPF_MAP_TYPE_ARRAY, 4,
			       sizeof(struct synfw_port_scan), SYNFW_PORT_SCANS},
	[OBJECT_FLOWS] = {"synfw_flows", BPF_MAP_TYPE_LRU_HASH, sizeof(struct synfw_flow_key),
			  sizeof(struct synfw_flow), SYNFW_MAX_FLOWS},
	[OBJECT_UDP_FLOWS] = {"synfw_udp_flows", BPF_MAP_TYPE_LRU_HASH,
			      sizeof(struct synfw_flow_key), sizeof(struct synfw_flow),
			      SYNFW_MAX_FLOWS},
	[OBJECT_SERVED_UDP] = {"synfw_served_udp", BPF_MAP_TYPE_ARRAY, 4, 8, SYNFW_SERVED_WORDS},
	[OBJECT_UNCONNECTED_UDP] = {"synfw_unconnected_udp", BPF_MAP_TYPE_ARRAY, 4, 8,
				    SYNFW_UNCONNECTED_WORDS},
	[OBJECT_EVENTS] = {"synfw_events", BPF_MAP_TYPE_RINGBUF, 0, 0, SYNFW_EVENT_BYTES},
	[OBJECT_EVENT_FIRSTS] = {"synfw_event_firsts", BPF_MAP_TYPE_ARRAY, 4, 8,
				 SYNFW_EVENT_FIRSTS},
	[OBJECT_RUNTIME] = {"synfw_runtime", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct synfw_runtime),
			    1},
	[OBJECT_TALLIES] = {"synfw_tallies", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, SYNFW_NR_TALLIES},
};

uint64_t object_digest(void)
{
	uint8_t hash[SHA256_DIGEST_SIZE];
	uint64_t digest;
	struct sha256_ctx context;
	const void *bytes;
	size_t size;

	bytes = synfw_bpf__elf_bytes(&size);
	sha256_init(&context);
	sha256_update(&context, size, bytes);
	sha256_digest(&context, sizeof(hash), hash);
	memcpy(&digest, hash, sizeof(digest));
	return digest ? digest : 1;
}

static void destroy_skeleton(struct synfw_bpf **skeleton)
{
	synfw_bpf__destroy(*skeleton);
}

/* Those from `first` on. */
static int reuse_maps(struct synfw_bpf *skeleton, const struct object *reuse, int first,
		      struct fault *fault)
{
	struct bpf_map *map;
	int i, err;

	for (i = first; i < OBJECT_NR_MAPS; i++) {
		map = bpf_object__find_map_by_name(skeleton->obj, object_maps[i].name);
		err = map ? bpf_map__reuse_fd(map, reuse->map_fd[i]) : -ENOENT;
		if (err)
			return fault_system(fault, err, "cannot reuse the map \"%s\"",
					    object_maps[i].name);
	}
	return 0;
}

static int take_fd(int borrowed, struct fault *fault, int *ret_fd)
{
	int fd = fcntl(borrowed, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return fault_system(fault, -errno, "cannot keep a descriptor of the BPF object");
	*ret_fd = fd;
	return 0;
}

static int take_descriptors(struct synfw_bpf *skeleton, bool with_maps, struct fault *fault,
			    struct object *ret_object)
{
	CLEANUP(object_close) struct object object = OBJECT_NONE;
	int i, err;

	err = take_fd(bpf_program__fd(skeleton->progs.synfw_xdp), fault, &object.prog_fd);
	if (!err && bpf_program__autoload(skeleton->progs.synfw_egress))
		err = take_fd(bpf_program__fd(skeleton->progs.synfw_egress), fault,
			      &object.egress_fd);
	if (!err)
		err = take_fd(bpf_map__fd(skeleton->maps.synfw_trace), fault, &object.trace_fd);
	for (i = 0; with_maps && !err && i < OBJECT_NR_MAPS; i++)
		err = take_fd(bpf_object__find_map_fd_by_name(skeleton->obj, object_maps[i].name),
			      fault, &object.map_fd[i]);
	if (err)
		return err;

	*ret_object = object;
	object = (struct object)OBJECT_NONE;
	return 0;
}

/* The shadow program counts nothing and remembers nothing: it must not pay for room that it does
 * not use. What it looks for in its own maps is not there, as in a datapath that has seen no
 * packet. Entries of sources have to be: the points of a packet are added up there, though never
 * stored. */
static int shrink_maps(struct synfw_bpf *skeleton, const struct object *state, struct fault *fault)
{
	static const struct {
		enum object_map map;
		uint32_t entries;
	} sizes[] = {
		{OBJECT_REASON_COUNTERS, 1}, {OBJECT_RULE_COUNTERS, 1}, {OBJECT_BLOCKS, 1},
		{OBJECT_BLOCK_RING, 1},	     {OBJECT_BLOCK_FILTER, 1},	{OBJECT_MEMBER_FILTER, 1},
		{OBJECT_EXEMPT_FILTER, 1},   {OBJECT_EXEMPT, 1},	{OBJECT_RULE_RATES, 1},
		{OBJECT_PEERS, 1},	     {OBJECT_SOURCE_RATES, 1},	{OBJECT_PORT_SCANS, 1},
		{OBJECT_FLOWS, 1},	     {OBJECT_UDP_FLOWS, 1},	{OBJECT_EVENTS, 4096},
		{OBJECT_EVENT_FIRSTS, 1},
	};
	struct bpf_map *map;
	size_t i;
	int err;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		if (state && sizes[i].map >= OBJECT_FIRST_STATE)
			continue;
		map = bpf_object__find_map_by_name(skeleton->obj, object_maps[sizes[i].map].name);
		err = map ? bpf_map__set_max_entries(map, sizes[i].entries) : -ENOENT;
		if (err)
			return fault_system(fault, err, "cannot size the map \"%s\"",
					    object_maps[sizes[i].map].name);
	}
	return 0;
}

/* What is to be loaded, and on whose maps. */
struct loading {
	const struct object *maps;  /* all maps, or NULL */
	const struct object *state; /* those from OBJECT_FIRST_STATE on, or NULL */
	bool read_only;
};

static int prepare_maps(struct synfw_bpf *skeleton, const struct loading *loading,
			struct fault *fault)
{
	int err = 0;

	if (loading->maps)
		err = reuse_maps(skeleton, loading->maps, 0, fault);
	if (!err && loading->state)
		err = reuse_maps(skeleton, loading->state, OBJECT_FIRST_STATE, fault);
	if (!err && loading->read_only)
		err = shrink_maps(skeleton, loading->state, fault);
	return err;
}

/* Opens and loads; the log is kept by the caller. */
static int load(const struct loading *loading, struct fault *fault, struct object *ret_object)
{
	CLEANUP(destroy_skeleton) struct synfw_bpf *skeleton = synfw_bpf__open();
	int err;

	if (!skeleton)
		return fault_system(fault, -errno, "cannot open the BPF object of this binary");
	skeleton->rodata->read_only = loading->read_only;
	bpf_program__set_autoload(skeleton->progs.synfw_egress, !loading->read_only);
	err = prepare_maps(skeleton, loading, fault);
	if (err)
		return err;
	err = synfw_bpf__load(skeleton);
	if (err) {
		fault_system(fault, err, "the kernel refused the %s program",
			     loading->read_only ? "shadow" : "packet");
		/* the verifier's word for an access that it cannot prove safe */
		if (err == -EACCES)
			fault->exit_code = EXIT_KERNEL;
		return err;
	}
	return take_descriptors(skeleton, !loading->maps, fault, ret_object);
}

int object_load(const struct object *reuse, struct fault *fault, struct object *ret_object)
{
	const struct loading loading = {.maps = reuse};
	int err;

	bpf_log_begin();
	err = load(&loading, fault, ret_object);
	bpf_log_end(fault);
	return err;
}

int object_load_shadow(const struct object *state, struct fault *fault, struct object *ret_object)
{
	const struct loading loading = {.state = state, .read_only = true};
	int err;

	bpf_log_begin();
	err = load(&loading, fault, ret_object);
	bpf_log_end(fault);
	return err;
}

void object_close(struct object *object)
{
	int i;

	for (i = 0; i < OBJECT_NR_MAPS; i++)
		cleanup_fd(&object->map_fd[i]);
	cleanup_fd(&object->trace_fd);
	cleanup_fd(&object->prog_fd);
	cleanup_fd(&object->egress_fd);
	*object = (struct object)OBJECT_NONE;
}

int object_open_inner(int outer_fd, uint32_t key, const char *what, struct fault *fault,
		      int *ret_fd)
{
	uint32_t map_id;
	int fd = -1;

	/* what is there may end between the two calls */
	if (!bpf_map_lookup_elem(outer_fd, &key, &map_id))
		fd = bpf_map_get_fd_by_id(map_id);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT
				       : fault_system(fault, -errno, "cannot open %s", what);
	*ret_fd = fd;
	return 0;
}

/* One call for all where the kernel can: it waits for a grace period at the end of each, and before
 * 6.8 at each entry. */
int object_put_inner(int outer_fd, const uint32_t *keys, const int *inner_fds, uint32_t count)
{
	uint32_t done = count, i;

	if (!count ||
	    (!bpf_map_update_batch(outer_fd, keys, inner_fds, &done, NULL) && done == count))
		return 0;
	for (i = 0; i < count; i++)
		if (bpf_map_update_elem(outer_fd, &keys[i], &inner_fds[i], BPF_ANY))
			return -errno;
	return 0;
}

uint32_t object_map_id(int map_fd)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(map_fd, &info, &size) ? 0 : info.id;
}

uint64_t object_map_bytes(int map_fd)
{
	CLEANUP(cleanup_free) char *path = path_format("/proc/self/fdinfo/%d", map_fd);
	FILE *file = path ? fopen(path, "re") : NULL;
	unsigned long long bytes = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file) &&
	       sscanf(line, "memlock: %llu", &bytes) != 1)
		;
	if (file)
		fclose(file);
	return bytes;
}
