/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_SHARED_BPF_H
#define SYNFW_SHARED_BPF_H

/* Maps that several programs use: maps.bpf.h defines them, flow.bpf.c declares them extern with
 * the same shape, and the linker makes them one; the process programs are an object of their
 * own, and are given the same map when they are loaded. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include <synfw/abi.h>
#include <synfw/peer.h>
#include <synfw/state.h>

struct control_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct synfw_control);
};

struct flow_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SYNFW_MAX_FLOWS);
	__type(key, struct synfw_flow_key);
	__type(value, struct synfw_flow);
};

struct served_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SYNFW_SERVED_WORDS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
};

struct unconnected_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SYNFW_UNCONNECTED_WORDS);
	__type(key, __u32);
	__type(value, __u64);
};

struct tally_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SYNFW_NR_TALLIES);
	__type(key, __u32);
	__type(value, __u64);
};

struct block_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SYNFW_MAX_BLOCKS);
	__type(key, struct synfw_addr6);
	__type(value, struct synfw_block);
};

struct block_filter_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SYNFW_FILTER_ENTRIES(SYNFW_BLOCK_FILTER_WORDS));
	__uint(map_flags, BPF_F_MMAPABLE); /* user space sets bits, atomically as the programs */
	__type(key, __u32);
	__type(value, __u64);
};

struct exempt_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SYNFW_MAX_EXEMPT);
	__type(key, struct synfw_addr6);
	__type(value, __u32);
};

struct peer_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SYNFW_MAX_PEERS);
	__type(key, struct synfw_addr6);
	__type(value, struct synfw_peer);
};

struct runtime_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct synfw_runtime);
};

#endif
