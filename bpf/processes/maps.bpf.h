/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_MAPS_BPF_H
#define SYNFW_PROCESS_MAPS_BPF_H

/*
 * All maps of the process programs; <synfw/process.h> says what they hold, and of each that can
 * be full what becomes of a process then. Tables of a generation are inner maps whose size is
 * decided by apply, and do not change.
 *
 * Sizes instead of types where only an inner map names a type, see maps.bpf.h, and where a map
 * becomes an inner one of the packet half (synfw_link_*): before 6.2 a map with types is not taken
 * in the place of a template without.
 */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include <synfw/process.h>
#include <synfw/talk.h>

#include "common/shared.bpf.h"

struct control_map synfw_control SEC(".maps");
struct runtime_map synfw_runtime SEC(".maps");
struct block_map synfw_blocks SEC(".maps");
struct block_filter_map synfw_block_filter SEC(".maps");
struct exempt_map synfw_exempt SEC(".maps");
struct peer_map synfw_peers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SYNFW_NR_GENERATION_SLOTS);
	__type(key, __u32);
	__type(value, struct synfw_process_head);
} synfw_process_heads SEC(".maps");

struct process_vectors {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct synfw_process_vector));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, SYNFW_NR_GENERATION_SLOTS);
	__type(key, __u32);
	__array(values, struct process_vectors);
} synfw_process_vectors SEC(".maps");

struct process_rules {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct synfw_process_rule));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, SYNFW_NR_GENERATION_SLOTS);
	__type(key, __u32);
	__array(values, struct process_rules);
} synfw_process_rules SEC(".maps");

struct process_paths {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct synfw_path_key));
	__uint(value_size, sizeof(struct synfw_path_class));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, SYNFW_NR_GENERATION_SLOTS);
	__type(key, __u32);
	__array(values, struct process_paths);
} synfw_process_paths SEC(".maps");

struct process_patterns {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(key_size, sizeof(struct synfw_pattern_key));
	__uint(value_size, sizeof(struct synfw_path_class));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, SYNFW_NR_GENERATION_SLOTS);
	__type(key, __u32);
	__array(values, struct process_patterns);
} synfw_process_patterns SEC(".maps");

struct process_ids {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct synfw_process_id));
	__uint(value_size, sizeof(struct synfw_process_id_value));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, SYNFW_NR_GENERATION_SLOTS);
	__type(key, __u32);
	__array(values, struct process_ids);
} synfw_process_ids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SYNFW_MAX_PROCESSES);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct synfw_process));
} synfw_processes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SYNFW_MAX_EXECUTABLES);
	__type(key, struct synfw_executable_key);
	__type(value, struct synfw_executable);
} synfw_executables SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SYNFW_MAX_TALKS);
	__uint(key_size, sizeof(struct synfw_addr6));
	__uint(value_size, sizeof(struct synfw_talk));
} synfw_talks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SYNFW_MAX_GROWTH_WINDOWS);
	__type(key, struct synfw_growth_key);
	__type(value, struct synfw_growth_window);
} synfw_growth_windows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct synfw_process_state);
} synfw_process_state SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct synfw_process_runtime);
} synfw_process_runtime SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SYNFW_MAX_PROCESS_COUNTERS);
	__type(key, __u32);
	__type(value, struct synfw_process_counter);
} synfw_process_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SYNFW_NR_PROCESS_TALLIES);
	__type(key, __u32);
	__type(value, __u64);
} synfw_process_tallies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, SYNFW_PROCESS_EVENT_BYTES);
} synfw_process_events SEC(".maps");

/* The shadow program's question and answer. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct synfw_process_question);
} synfw_process_question SEC(".maps");

#endif
