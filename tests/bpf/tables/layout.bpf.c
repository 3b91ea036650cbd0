/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One variable of each structure of abi.h. clang writes into BTF only what a map or a variable
 * names, and the structures inside of lines are named by neither in the real object; this one is
 * compiled with the same flags.
 */
#include <linux/bpf.h>

#include <synfw/abi.h>
#include <synfw/peer.h>
#include <synfw/process.h>
#include <synfw/state.h>
#include <synfw/talk.h>
#include <synfw/trie.h>

struct synfw_line layout_line;
struct synfw_header layout_header;
struct synfw_class_tables layout_class_tables;
struct synfw_dynamic layout_dynamic;
struct synfw_member layout_member;
struct synfw_rule layout_rule;
struct synfw_trie_line layout_trie_line;
struct synfw_trie_step layout_trie_step;
struct synfw_trie6_list layout_trie6_list;
struct synfw_trie6_tail layout_trie6_tail;
struct synfw_scoring layout_scoring;
struct synfw_logging layout_logging;
struct synfw_effect layout_effect;
struct synfw_source layout_source;
struct synfw_more_parts layout_more_parts;
struct synfw_port_scan layout_port_scan;
struct synfw_event layout_event;
struct synfw_peer layout_peer;
struct synfw_talk layout_talk;
struct synfw_trie_line layout_trie_line;
struct synfw_process_rule layout_process_rule;
struct synfw_process_head layout_process_head;
struct synfw_path_class layout_path_class;
struct synfw_path_key layout_path_key;
struct synfw_pattern_key layout_pattern_key;
struct synfw_process_id_value layout_process_id_value;
struct synfw_process_id layout_process_id;
struct synfw_process layout_process;
struct synfw_process_event layout_process_event;
struct synfw_process_state layout_process_state;
struct synfw_process_runtime layout_process_runtime;
struct synfw_process_question layout_process_question;
