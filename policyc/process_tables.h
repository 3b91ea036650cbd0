/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_PROCESS_TABLES_H
#define POLICYC_PROCESS_TABLES_H

/*
 * The process half of a compiled policy: what the maps of include/synfw/process.h receive, entry by
 * entry. The same policy gives the same bytes: entries stand in the order of their keys (patterns
 * in that of kind and text), as memcmp() has it, and what is not said is zero.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <synfw/process.h>

/* Of synfw_process_paths. Of the kind EXACT the agent makes entries of kind SYNFW_ID_FILE, too,
 * with the same class. */
struct process_path {
	struct synfw_path_key key;
	struct synfw_path_class class;
};

/* Of synfw_process_patterns. The key has no byte behind its prefixlen. */
struct process_pattern {
	struct synfw_pattern_key key;
	struct synfw_path_class class;
};

/* Of synfw_process_ids: users and groups. */
struct process_id {
	struct synfw_process_id key;
	struct synfw_process_id_value value;
};

/*
 * Left for apply to fill in: synfw_process_rule.counter and synfw_process_head.serial, which are 0,
 * and the files.
 */
struct process_tables {
	struct synfw_process_head head;
	struct synfw_process_rule *rules;     /* head.nr_bits: by bit */
	struct synfw_process_vector *vectors; /* the first has no bit */
	uint32_t nr_vectors;
	struct process_path *paths;
	uint32_t nr_paths;
	struct process_pattern *patterns;
	uint32_t nr_patterns;
	struct process_id *ids;
	uint32_t nr_ids;
	uint64_t kernel_bytes; /* estimate of the kernel memory that loading them takes */
};

/* NULL is accepted. */
void process_tables_free(struct process_tables *tables);
void process_tables_freep(struct process_tables **tables);

#endif
