/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The layout that clang gave the structures of abi.h in the BPF object, read from its BTF, is the
 * one that this compiler gives them in user space. Argument: layout.bpf.o, for those structures
 * that the object itself does not name.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <synfw/abi.h>
#include <synfw/peer.h>
#include <synfw/process.h>
#include <synfw/reasons.h>
#include <synfw/state.h>
#include <synfw/talk.h>
#include <synfw/trie.h>

#include "synfw.skel.h"

struct member {
	const char *structure, *name;
	size_t structure_size, offset, size;
};

#define MEMBER(type, field)                                                       \
	{                                                                         \
#type, #field, sizeof(struct type), offsetof(struct type, field), \
			sizeof(((struct type *)NULL)->field)                      \
	}

static const struct member members[] = {
	MEMBER(synfw_header, abi_version),
	MEMBER(synfw_header, nr_bits),
	MEMBER(synfw_header, nr_agg),
	MEMBER(synfw_header, refs_at),
	MEMBER(synfw_header, record_lines),
	MEMBER(synfw_header, fields),
	MEMBER(synfw_header, flag_rules),
	MEMBER(synfw_header, monitor),
	MEMBER(synfw_header, incoming),
	MEMBER(synfw_header, ethertypes),
	MEMBER(synfw_header, malformed),
	MEMBER(synfw_header, record_base),
	MEMBER(synfw_header, rule_base),
	MEMBER(synfw_header, nr_lines),
	MEMBER(synfw_header, manifest_base),
	MEMBER(synfw_header, manifest_bytes),
	MEMBER(synfw_class_tables, l4dst),
	MEMBER(synfw_class_tables, l4src),
	MEMBER(synfw_class_tables, attr),
	MEMBER(synfw_class_tables, ifvlan),
	MEMBER(synfw_class_tables, ifvlan_lines),
	MEMBER(synfw_class_tables, group_base),
	MEMBER(synfw_class_tables, counting_word),
	MEMBER(synfw_class_tables, trie4),
	MEMBER(synfw_class_tables, trie6),
	MEMBER(synfw_class_tables, trie4_rest),
	MEMBER(synfw_class_tables, trie6_rest),
	MEMBER(synfw_class_tables, trie4_outline),
	MEMBER(synfw_class_tables, trie6_outline),
	MEMBER(synfw_class_tables, trie6_outline_bits),
	MEMBER(synfw_class_tables, trie4_root),
	MEMBER(synfw_class_tables, trie6_lists_bits),
	MEMBER(synfw_trie_line, change),
	MEMBER(synfw_trie_line, class_id),
	MEMBER(synfw_trie_line, which),
	MEMBER(synfw_dynamic, record_base),
	MEMBER(synfw_dynamic, table),
	MEMBER(synfw_dynamic, pairs),
	MEMBER(synfw_dynamic, nr_pairs),
	MEMBER(synfw_dynamic, protect_pairs),
	MEMBER(synfw_member, expires_ns),
	MEMBER(synfw_dynamic_set, name),
	MEMBER(synfw_dynamic_set, timeout_ns),
	MEMBER(synfw_dynamic_set, size),
	MEMBER(synfw_rule, counter),
	MEMBER(synfw_rule, order),
	MEMBER(synfw_rule, score),
	MEMBER(synfw_rule, action),
	MEMBER(synfw_rule, reason),
	MEMBER(synfw_rule, flags),
	MEMBER(synfw_rule, index),
	MEMBER(synfw_trie6_list, key),
	MEMBER(synfw_trie6_list, to),
	MEMBER(synfw_trie6_list, class_id),
	MEMBER(synfw_trie6_list, base),
	MEMBER(synfw_trie6_list, gaps),
	MEMBER(synfw_trie6_tail, high),
	MEMBER(synfw_trie6_tail, low),
	MEMBER(synfw_trie6_tail, below),
	MEMBER(synfw_trie6_tail, within),
	MEMBER(synfw_trie6_tail, above),
	MEMBER(synfw_trie6_tail, reserved),
	MEMBER(synfw_trie_step, value),
	MEMBER(synfw_trie_step, bits),
	MEMBER(synfw_trie_step, below),
	MEMBER(synfw_trie_step, within),
	MEMBER(synfw_trie_step, above),
	MEMBER(synfw_control, active),
	MEMBER(synfw_control, abi_version),
	MEMBER(synfw_control, program_digest),
	MEMBER(synfw_control, generation),
	MEMBER(synfw_control, applied_at_ns),
	MEMBER(synfw_interface, ifindex),
	MEMBER(synfw_interface, slot),
	MEMBER(synfw_reason_counter, packets),
	MEMBER(synfw_reason_counter, bytes),
	MEMBER(synfw_reason_counter, dropped),
	MEMBER(synfw_rule_counter, packets),
	MEMBER(synfw_rule_counter, bytes),
	MEMBER(synfw_rule_counter, would_drop),
	MEMBER(synfw_trace, slot_in),
	MEMBER(synfw_trace, score),
	MEMBER(synfw_trace, bit),
	MEMBER(synfw_trace, verdict),
	MEMBER(synfw_trace, reason),
	MEMBER(synfw_trace, monitor),
	MEMBER(synfw_header, established),
	MEMBER(synfw_header, on_peer_block),
	MEMBER(synfw_header, effect_base),
	MEMBER(synfw_header, source_flags),
	MEMBER(synfw_rule, effect),
	MEMBER(synfw_scoring, decay),
	MEMBER(synfw_scoring, block_for_ns),
	MEMBER(synfw_scoring, flag_at),
	MEMBER(synfw_scoring, drop_at),
	MEMBER(synfw_scoring, longest_ns),
	MEMBER(synfw_scoring, ipv6_prefixlen),
	MEMBER(synfw_logging, limit_interval_ns),
	MEMBER(synfw_logging, limit_tolerance_ns),
	MEMBER(synfw_logging, sample),
	MEMBER(synfw_logging, events),
	MEMBER(synfw_effect, interval_ns),
	MEMBER(synfw_effect, tolerance_ns),
	MEMBER(synfw_effect, block_ns),
	MEMBER(synfw_effect, over),
	MEMBER(synfw_effect, limit),
	MEMBER(synfw_effect, add_to),
	MEMBER(synfw_effect, log),
	MEMBER(synfw_effect, since),
	MEMBER(synfw_source, lock),
	MEMBER(synfw_source, port_at_boot_ms),
	MEMBER(synfw_source, source),
	MEMBER(synfw_source, level),
	MEMBER(synfw_source, times),
	MEMBER(synfw_source, tat_boot_ns),
	MEMBER(synfw_source, part),
	MEMBER(synfw_source, rate_counter),
	MEMBER(synfw_source, port_counter),
	MEMBER(synfw_source, port),
	MEMBER(synfw_source, flags),
	MEMBER(synfw_source, touched),
	MEMBER(synfw_more_parts, part),
	MEMBER(synfw_score_part, counter),
	MEMBER(synfw_score_part, hits),
	MEMBER(synfw_score_part, points),
	MEMBER(synfw_block, expires_boot_ns),
	MEMBER(synfw_block, since_boot_ns),
	MEMBER(synfw_block, score),
	MEMBER(synfw_block, offences),
	MEMBER(synfw_block, counter),
	MEMBER(synfw_block, cause),
	MEMBER(synfw_block, flags),
	MEMBER(synfw_block, pid),
	MEMBER(synfw_peer, start_boot_ns),
	MEMBER(synfw_peer, until_boot_ns),
	MEMBER(synfw_peer, points),
	MEMBER(synfw_peer, pid),
	MEMBER(synfw_peer, pending),
	MEMBER(synfw_peer, counter),
	MEMBER(synfw_peer, flags),
	MEMBER(synfw_block, part),
	MEMBER(synfw_block_place, source),
	MEMBER(synfw_block_place, expires_boot_ns),
	MEMBER(synfw_rule_rate, lock),
	MEMBER(synfw_rule_rate, tat_boot_ns),
	MEMBER(synfw_source_rate, tag),
	MEMBER(synfw_source_rate, tat_boot_ns),
	MEMBER(synfw_rate_set, lock),
	MEMBER(synfw_rate_set, way),
	MEMBER(synfw_port_try, port),
	MEMBER(synfw_port_try, used),
	MEMBER(synfw_port_try, at_boot_ms),
	MEMBER(synfw_port_scan, lock),
	MEMBER(synfw_port_scan, nr_ports),
	MEMBER(synfw_port_scan, until_boot_ns),
	MEMBER(synfw_port_scan, tag),
	MEMBER(synfw_port_scan, port),
	MEMBER(synfw_flow_tuple, remote),
	MEMBER(synfw_flow_tuple, local),
	MEMBER(synfw_flow_tuple, remote_port_be),
	MEMBER(synfw_flow_tuple, local_port_be),
	MEMBER(synfw_flow_tuple, protocol),
	MEMBER(synfw_flow_key, remote),
	MEMBER(synfw_flow_key, local),
	MEMBER(synfw_flow_key, remote_port_be),
	MEMBER(synfw_flow_key, local_port_be),
	MEMBER(synfw_flow, tuple),
	MEMBER(synfw_flow, expires_ns),
	MEMBER(synfw_flow, state),
	MEMBER(synfw_flow, fin_sent),
	MEMBER(synfw_flow, fin_received),
	MEMBER(synfw_flow, seeded),
	MEMBER(synfw_flow, closed_s),
	MEMBER(synfw_event, time_boot_ns),
	MEMBER(synfw_event, src),
	MEMBER(synfw_event, dst),
	MEMBER(synfw_event, ifindex),
	MEMBER(synfw_event, bytes),
	MEMBER(synfw_event, sample),
	MEMBER(synfw_event, score_before),
	MEMBER(synfw_event, score_after),
	MEMBER(synfw_event, vlan),
	MEMBER(synfw_event, counter),
	MEMBER(synfw_event, sport),
	MEMBER(synfw_event, dport),
	MEMBER(synfw_event, kind),
	MEMBER(synfw_event, reason),
	MEMBER(synfw_event, verdict),
	MEMBER(synfw_event, flags),
	MEMBER(synfw_event, family),
	MEMBER(synfw_event, protocol),
	MEMBER(synfw_event, tcp_flags),
	MEMBER(synfw_event, block_expires_boot_ns),
	MEMBER(synfw_event, part),
	MEMBER(synfw_process_rule, over_bytes),
	MEMBER(synfw_process_rule, within_ns),
	MEMBER(synfw_process_rule, peers_block_ns),
	MEMBER(synfw_process_rule, peers_score),
	MEMBER(synfw_process_rule, score),
	MEMBER(synfw_process_rule, counter),
	MEMBER(synfw_process_rule, index),
	MEMBER(synfw_process_rule, except_bit),
	MEMBER(synfw_process_rule, parent_term),
	MEMBER(synfw_process_rule, ancestor_term),
	MEMBER(synfw_process_rule, action),
	MEMBER(synfw_process_rule, fallback),
	MEMBER(synfw_process_rule, trigger),
	MEMBER(synfw_process_rule, flags),
	MEMBER(synfw_process_rule, nr_args),
	MEMBER(synfw_process_rule, arg),
	MEMBER(synfw_process_head, nr_bits),
	MEMBER(synfw_process_head, nr_rules),
	MEMBER(synfw_process_head, exec_default),
	MEMBER(synfw_process_head, user_default),
	MEMBER(synfw_process_head, group_default),
	MEMBER(synfw_process_head, trigger),
	MEMBER(synfw_process_head, fields),
	MEMBER(synfw_process_head, actions),
	MEMBER(synfw_process_head, monitor),
	MEMBER(synfw_process_head, on_peer_block),
	MEMBER(synfw_process_head, decay),
	MEMBER(synfw_process_head, flag_at),
	MEMBER(synfw_process_head, act_at),
	MEMBER(synfw_process_head, act),
	MEMBER(synfw_process_head, allocation_min_bytes),
	MEMBER(synfw_process_head, serial),
	MEMBER(synfw_process_head, exec_unreadable),
	MEMBER(synfw_process_head, exec_unnamed),
	MEMBER(synfw_process_head, unreadable_term),
	MEMBER(synfw_process_head, unnamed_term),
	MEMBER(synfw_process_head, limit_interval_ns),
	MEMBER(synfw_process_head, limit_tolerance_ns),
	MEMBER(synfw_talker, start_boot_ns),
	MEMBER(synfw_talker, seen_boot_ns),
	MEMBER(synfw_talker, pid),
	MEMBER(synfw_talker, uid),
	MEMBER(synfw_talker, gid),
	MEMBER(synfw_talk, talker),
	MEMBER(synfw_talk, next),
	MEMBER(synfw_talk, ipv6_prefixlen),
	MEMBER(synfw_path_class, exec),
	MEMBER(synfw_path_class, flags),
	MEMBER(synfw_path_class, term),
	MEMBER(synfw_path_key, kind),
	MEMBER(synfw_path_key, text),
	MEMBER(synfw_pattern_key, prefixlen),
	MEMBER(synfw_pattern_key, kind),
	MEMBER(synfw_pattern_key, text),
	MEMBER(synfw_process_id_value, class),
	MEMBER(synfw_process_id_value, not_vector),
	MEMBER(synfw_process_id, kind),
	MEMBER(synfw_process_id, number),
	MEMBER(synfw_process_id, inode),
	MEMBER(synfw_process_id, device),
	MEMBER(synfw_lineage, serial),
	MEMBER(synfw_lineage, self),
	MEMBER(synfw_lineage, parent),
	MEMBER(synfw_lineage, ancestors),
	MEMBER(synfw_lineage, unsure),
	MEMBER(synfw_lineage, path_flags),
	MEMBER(synfw_process, start_boot_ns),
	MEMBER(synfw_process, parent_start_boot_ns),
	MEMBER(synfw_process, parent),
	MEMBER(synfw_process, flags),
	MEMBER(synfw_process, lineage),
	MEMBER(synfw_process, file),
	MEMBER(synfw_process, level),
	MEMBER(synfw_process, level_boot_ns),
	MEMBER(synfw_process, resident_bytes),
	MEMBER(synfw_process, growth_bytes),
	MEMBER(synfw_process, largest_bytes),
	MEMBER(synfw_process, mapped_bytes),
	MEMBER(synfw_process, peers_block_ns),
	MEMBER(synfw_process, told_serial),
	MEMBER(synfw_process, told),
	MEMBER(synfw_process, wx_mappings),
	MEMBER(synfw_process, peers_score),
	MEMBER(synfw_process, counter),
	MEMBER(synfw_process, counter_peers),
	MEMBER(synfw_process, lock),
	MEMBER(synfw_process, flagged_boot_ns),
	MEMBER(synfw_process, comm),
	MEMBER(synfw_process, talked_with),
	MEMBER(synfw_process, talked_prefixlen),
	MEMBER(synfw_process_head, peers),
	MEMBER(synfw_process_head, ipv6_prefixlen),
	MEMBER(synfw_process_head, act_fallback),
	MEMBER(synfw_process_event, time_boot_ns),
	MEMBER(synfw_process_event, start_boot_ns),
	MEMBER(synfw_process_event, pid),
	MEMBER(synfw_process_event, parent),
	MEMBER(synfw_process_event, uid),
	MEMBER(synfw_process_event, gid),
	MEMBER(synfw_process_event, score_before),
	MEMBER(synfw_process_event, score_after),
	MEMBER(synfw_process_event, counter),
	MEMBER(synfw_process_event, trigger),
	MEMBER(synfw_process_event, action),
	MEMBER(synfw_process_event, flags),
	MEMBER(synfw_process_event, bytes),
	MEMBER(synfw_process_event, comm),
	MEMBER(synfw_process_event, path_bytes),
	MEMBER(synfw_process_event, peer_prefixlen),
	MEMBER(synfw_process_event, path),
	MEMBER(synfw_process_event, peer),
	MEMBER(synfw_process_state, fill_slot),
	MEMBER(synfw_process_state, fill_pass),
	MEMBER(synfw_process_runtime, event_tat_boot_ns),
	MEMBER(synfw_process_runtime, isolated_lost),
	MEMBER(synfw_process_state, fd),
	MEMBER(synfw_process_state, error),
	MEMBER(synfw_process_state, file),
	MEMBER(synfw_process_state, host_mounts),
	MEMBER(synfw_process_question, slot),
	MEMBER(synfw_process_question, uid),
	MEMBER(synfw_process_question, gid),
	MEMBER(synfw_process_question, memfd),
	MEMBER(synfw_process_question, path_bytes),
	MEMBER(synfw_process_question, parent_bytes),
	MEMBER(synfw_process_question, ancestor_bytes),
	MEMBER(synfw_process_question, args_bytes),
	MEMBER(synfw_process_question, trigger),
	MEMBER(synfw_process_question, bytes),
	MEMBER(synfw_process_question, path),
	MEMBER(synfw_process_question, parent),
	MEMBER(synfw_process_question, ancestor),
	MEMBER(synfw_process_question, args),
	MEMBER(synfw_process_question, score),
	MEMBER(synfw_process_question, bit),
	MEMBER(synfw_process_question, action),
	MEMBER(synfw_process_question, answered),
	MEMBER(synfw_runtime, seed),
	MEMBER(synfw_runtime, event_tat_boot_ns),
	MEMBER(synfw_runtime, test_now_ns),
	MEMBER(synfw_runtime, peers_marked),
	MEMBER(synfw_runtime, block_cursor),
	MEMBER(synfw_runtime, set_swept_ms),
	MEMBER(synfw_runtime, block_swept_ms),
	MEMBER(synfw_trace, established),
	MEMBER(synfw_trace, score_before),
	MEMBER(synfw_trace, score_after),
	MEMBER(synfw_trace, part),
};

static const struct btf_member *find_member(const struct btf *btf, const struct btf_type *type,
					    const char *name)
{
	const struct btf_member *member = btf_members(type);

	for (int i = 0; i < btf_vlen(type); i++)
		if (strcmp(btf__name_by_offset(btf, member[i].name_off), name) == 0)
			return &member[i];
	return NULL;
}

static bool member_agrees(const struct btf *btf, const struct btf *layout,
			  const struct member *expected)
{
	int id = btf__find_by_name_kind(btf, expected->structure, BTF_KIND_STRUCT);
	const struct btf_type *type;
	const struct btf_member *found;

	if (id <= 0) {
		btf = layout;
		id = btf__find_by_name_kind(btf, expected->structure, BTF_KIND_STRUCT);
	}
	type = id > 0 ? btf__type_by_id(btf, id) : NULL;
	found = type ? find_member(btf, type, expected->name) : NULL;
	if (!found) {
		fprintf(stderr, "struct %s has no member %s in the BPF object\n",
			expected->structure, expected->name);
		return false;
	}
	if (type->size == expected->structure_size && found->offset == expected->offset * 8 &&
	    btf__resolve_size(btf, found->type) == (__s64)expected->size)
		return true;
	fprintf(stderr, "struct %s is %u bytes, %s %lld at bit %u; expected %zu, %zu at %zu\n",
		expected->structure, type->size, expected->name,
		(long long)btf__resolve_size(btf, found->type), found->offset,
		expected->structure_size, expected->size, expected->offset * 8);
	return false;
}

struct map_shape {
	const char *name;
	uint32_t key_size, value_size, inner_key_size, entries;
};

static const struct map_shape maps[] = {
	{"synfw_control", 4, sizeof(struct synfw_control), 0, 1},
	{"synfw_pages", 4, 4, 4, SYNFW_PAGE_ENTRIES},
	{"synfw_members", 4, 4, sizeof(struct synfw_addr6), SYNFW_DYNAMIC_ENTRIES},
	{"synfw_dynamic_sets", 4, sizeof(struct synfw_dynamic_sets), 0, SYNFW_NR_GENERATION_SLOTS},
	{"synfw_interfaces", 4, sizeof(struct synfw_interface), 0, SYNFW_INTERFACE_ENTRIES},
	{"synfw_reason_counters", 4, sizeof(struct synfw_reason_counter), 0, SYNFW_REASON_ENTRIES},
	{"synfw_rule_counters", 4, sizeof(struct synfw_rule_counter), 0, SYNFW_MAX_RULE_COUNTERS},
	{"synfw_trace", 4, sizeof(struct synfw_trace), 0, 1},
};

static bool map_agrees(const struct bpf_object *object, const struct map_shape *expected)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, expected->name);
	struct bpf_map *inner = map ? bpf_map__inner_map(map) : NULL;

	if (map && bpf_map__key_size(map) == expected->key_size &&
	    bpf_map__value_size(map) == expected->value_size &&
	    bpf_map__max_entries(map) == expected->entries &&
	    (inner ? bpf_map__key_size(inner) : 0) == expected->inner_key_size)
		return true;
	fprintf(stderr, "map %s is not there, or not of the shape that abi.h gives it\n",
		expected->name);
	return false;
}

int main(int argc, char **argv)
{
	struct synfw_bpf *bpf = synfw_bpf__open();
	struct btf *layout = argc == 2 ? btf__parse(argv[1], NULL) : NULL;
	bool agree = true;

	if (!layout) {
		fprintf(stderr, "usage: %s layout.bpf.o\n", argv[0]);
		return 2;
	}
	if (!bpf) {
		fprintf(stderr, "the BPF object cannot be opened: %s\n", strerror(errno));
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		agree &= member_agrees(bpf_object__btf(bpf->obj), layout, &members[i]);
	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		agree &= map_agrees(bpf->obj, &maps[i]);
	printf("%zu members and %zu maps: %s\n", sizeof(members) / sizeof(members[0]),
	       sizeof(maps) / sizeof(maps[0]), agree ? "agree" : "FAILED");
	btf__free(layout);
	synfw_bpf__destroy(bpf);
	return agree ? EXIT_SUCCESS : EXIT_FAILURE;
}
