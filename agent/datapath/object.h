/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_OBJECT_H
#define SYNFW_AGENT_OBJECT_H

/* The BPF object inside this binary. object.c is the only file that includes its skeleton. */
#include <stdint.h>

#include <linux/bpf.h>

#include "base/fault.h"

/* The maps that outlive a command, in the order of object_maps[]. */
enum object_map {
	OBJECT_CONTROL,
	OBJECT_PAGES,
	OBJECT_MEMBERS,
	OBJECT_DYNAMIC_SETS,
	OBJECT_INTERFACES,
	OBJECT_LINK_TALKS,
	OBJECT_LINK_PROCESSES,
	OBJECT_LINK_EVENTS,
	OBJECT_REASON_COUNTERS,
	OBJECT_RULE_COUNTERS,
	OBJECT_BLOCKS,
	OBJECT_BLOCK_RING,
	OBJECT_BLOCK_FILTER,
	OBJECT_MEMBER_FILTER,
	OBJECT_EXEMPT_FILTER,
	OBJECT_EXEMPT,
	OBJECT_PEERS,
	OBJECT_SOURCES,
	OBJECT_MORE_PARTS,
	OBJECT_RULE_RATES,
	OBJECT_SOURCE_RATES,
	OBJECT_PORT_SCANS,
	OBJECT_FLOWS,
	OBJECT_UDP_FLOWS,
	OBJECT_SERVED_UDP,
	OBJECT_UNCONNECTED_UDP,
	OBJECT_EVENTS,
	OBJECT_EVENT_FIRSTS,
	OBJECT_RUNTIME,
	OBJECT_TALLIES,
	OBJECT_NR_MAPS,
	OBJECT_FIRST_STATE = OBJECT_BLOCKS, /* from here on: what <synfw/state.h> describes */
};

/* What a map must look like for this binary to read it. */
struct object_map_spec {
	const char *name; /* in the object and as a pin */
	enum bpf_map_type type;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	bool filters; /* stands in front of another map, see filter.h */
};

extern const struct object_map_spec object_maps[OBJECT_NR_MAPS];

/* A loaded object. Descriptors are -1 when absent and belong to the holder. */
struct object {
	int map_fd[OBJECT_NR_MAPS];
	int trace_fd; /* synfw_trace; read-only objects */
	int prog_fd;
	int egress_fd; /* of the tc egress filter; not of read-only objects */
};

#define OBJECT_NONE                                                                         \
	{                                                                                   \
		.map_fd = {[0 ... OBJECT_NR_MAPS - 1] = -1}, .trace_fd = -1, .prog_fd = -1, \
		.egress_fd = -1                                                             \
	}

/* Identifies the object's bytes: differs between builds whose program differs. Never 0. */
uint64_t object_digest(void);

/* Loads the programs. With `reuse`, on those maps and only the new programs are returned; without,
 * with maps of its own. A refusal carries the end of the verifier's log as its detail. */
int object_load(const struct object *reuse, struct fault *fault, struct object *ret_object);

/* Loads the shadow program: it judges and changes nothing but its own trace map. It sees what the
 * datapath `state` remembers of sources and connections; NULL: nothing is remembered. */
int object_load_shadow(const struct object *state, struct fault *fault, struct object *ret_object);

void object_close(struct object *object);

/* Opens the map that an entry of a map of maps refers to. -ENOENT, without a fault, when there is
 * none, or when it ended meanwhile; `what` it is goes into a fault. */
int object_open_inner(int outer_fd, uint32_t key, const char *what, struct fault *fault,
		      int *ret_fd);

/* Puts maps into entries of a map of maps, in that order; when it ends half-way the first of them
 * are there. 0 or -errno. */
int object_put_inner(int outer_fd, const uint32_t *keys, const int *inner_fds, uint32_t count);

/* The kernel's id of a map; 0 when it cannot be told. */
uint32_t object_map_id(int map_fd);

/* Kernel memory that a map takes, in bytes, by the kernel's own account (of those before 6.4 an
 * estimate of the kernel's); 0 when it cannot be told. */
uint64_t object_map_bytes(int map_fd);

#endif
