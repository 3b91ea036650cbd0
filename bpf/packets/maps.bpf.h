/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_MAPS_BPF_H
#define SYNFW_MAPS_BPF_H

/*
 * All maps of the packet path. Five kinds:
 *
 * - the tables of a generation, pages that are an inner map each. How many is decided by apply
 *   and never changes, so "full" cannot happen in the kernel. Without them there is no policy
 *   and packets pass (NO_POLICY); apply reads all of a generation back before it becomes active,
 *   so no part of one is missing.
 * - members of dynamic sets, inner maps that outlive a generation, filled from user space and by
 *   `add-to`. All memory is theirs from the beginning, and a full one refuses: what the packet
 *   path does with a set otherwise never depends on how full it is.
 * - counters, plain arrays indexed by what apply handed out: no insertion, never full.
 * - ways to maps of the process half, of one entry each. Empty where there is none: then nobody
 *   talks with anybody, as far as is known.
 * - what is remembered of sources and connections, see <synfw/state.h>, which says of each what
 *   becomes of a packet when it is full.
 */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include <synfw/abi.h>
#include <synfw/process.h>
#include <synfw/reasons.h>
#include <synfw/state.h>
#include <synfw/talk.h>

#include "common/shared.bpf.h"

struct control_map synfw_control SEC(".maps");

struct page {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, SYNFW_PAGE_BYTES);
	__uint(map_flags, BPF_F_MMAPABLE); /* begins at a page: a line is one cache line */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, SYNFW_PAGE_ENTRIES);
	__type(key, __u32);
	__array(values, struct page);
} synfw_pages SEC(".maps");

/* Sizes instead of types: clang writes a type that only an inner map names as a forward declaration
 * into BTF, and libbpf then cannot size it. */
struct members {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct synfw_addr6));
	__uint(value_size, sizeof(struct synfw_member));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, SYNFW_DYNAMIC_ENTRIES);
	__type(key, __u32);
	__array(values, struct members);
} synfw_members SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SYNFW_NR_GENERATION_SLOTS);
	__type(key, __u32);
	__type(value, struct synfw_dynamic_sets);
} synfw_dynamic_sets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SYNFW_INTERFACE_ENTRIES);
	__type(key, __u32);
	__type(value, struct synfw_interface);
} synfw_interfaces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SYNFW_REASON_ENTRIES);
	__type(key, __u32);
	__type(value, struct synfw_reason_counter);
} synfw_reason_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SYNFW_MAX_RULE_COUNTERS);
	__type(key, __u32);
	__type(value, struct synfw_rule_counter);
} synfw_rule_counters SEC(".maps");

struct block_map synfw_blocks SEC(".maps");

/* Ways to maps of the process half, see <synfw/talk.h>; empty while there is none. */
struct talks {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct synfw_addr6));
	__uint(value_size, sizeof(struct synfw_talk));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct talks);
} synfw_link_talks SEC(".maps");

struct processes {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct synfw_process));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct processes);
} synfw_link_processes SEC(".maps");

struct process_events {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct process_events);
} synfw_link_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SYNFW_MAX_BLOCKS);
	__type(key, __u32);
	__type(value, struct synfw_block_place);
} synfw_block_ring SEC(".maps");

struct block_filter_map synfw_block_filter SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SYNFW_FILTER_ENTRIES(SYNFW_MEMBER_FILTER_WORDS));
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} synfw_member_filter SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SYNFW_FILTER_ENTRIES(SYNFW_EXEMPT_FILTER_WORDS));
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} synfw_exempt_filter SEC(".maps");

struct exempt_map synfw_exempt SEC(".maps");
struct peer_map synfw_peers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SYNFW_MAX_SOURCES);
	__uint(map_flags, BPF_F_MMAPABLE); /* begins at a page: its values at cache lines */
	__type(key, __u32);
	__type(value, struct synfw_source);
} synfw_sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SYNFW_MAX_SOURCES);
	__type(key, __u32);
	__type(value, struct synfw_more_parts);
} synfw_more_parts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SYNFW_MAX_RULE_COUNTERS);
	__type(key, __u32);
	__type(value, struct synfw_rule_rate);
} synfw_rule_rates SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SYNFW_RATE_SETS);
	__uint(map_flags, BPF_F_MMAPABLE); /* begins at a page: its values at cache lines */
	__type(key, __u32);
	__type(value, struct synfw_rate_set);
} synfw_source_rates SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SYNFW_PORT_SCANS);
	__uint(map_flags, BPF_F_MMAPABLE); /* begins at a page: its values at cache lines */
	__type(key, __u32);
	__type(value, struct synfw_port_scan);
} synfw_port_scans SEC(".maps");

struct flow_map synfw_flows SEC(".maps");
struct flow_map synfw_udp_flows SEC(".maps");
struct served_map synfw_served_udp SEC(".maps");
struct unconnected_map synfw_unconnected_udp SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, SYNFW_EVENT_BYTES);
} synfw_events SEC(".maps");

/* Tags of those (source, rule) whose first event was sent, at tag % SYNFW_EVENT_FIRSTS. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SYNFW_EVENT_FIRSTS);
	__type(key, __u32);
	__type(value, __u64);
} synfw_event_firsts SEC(".maps");

struct runtime_map synfw_runtime SEC(".maps");

struct tally_map synfw_tallies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct synfw_trace);
} synfw_trace SEC(".maps");

#endif
