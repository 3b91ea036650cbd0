/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_PROCESS_BY_HAND_H
#define TESTS_BPF_PROCESS_BY_HAND_H

/*
 * Tables of process rules, made by hand: what <synfw/process.h> asks of a compiler, as simply as it
 * can be done. Aborts on whatever fails.
 */
#include <stdbool.h>
#include <stdint.h>

#include <synfw/process.h>

#include "synfw_process.skel.h"

#define RULE_WORDS 4

struct rule_fields {
	/* patterns as the language has them: "/a/b", "/dir/" "**" (everything below), "**" "/b",
	 * "memfd" */
	const char *exec[RULE_WORDS];
	const char *parent, *ancestor;
	const char *user, *group; /* numbers; with '!' before: not this one */
	const char *args[RULE_WORDS];
	bool args_all;
};

struct rule_spec {
	struct rule_fields match;
	const struct rule_fields *except;
	enum synfw_process_trigger trigger;
	enum synfw_process_action action;
	uint8_t fallback; /* of SYNFW_PROCESS_DENY */
	uint8_t flags;	  /* SYNFW_PROCESS_MONITOR, SYNFW_PROCESS_PEERS_BLOCK */
	uint32_t score;
	uint64_t over_bytes, within_ns;
	uint64_t peers_block_ns;
	uint32_t peers_score;
};

/* Puts the rules into a slot: inner maps, and `head` with its bits and vectors filled in. Rule i
 * counts in slot i + 1. Does not switch. */
void process_tables_fill(struct synfw_process_bpf *bpf, uint32_t slot,
			 const struct rule_spec *rules, uint32_t nr_rules,
			 struct synfw_process_head *head);

/* The file behind a path, as synfw_identify sees it, becomes the path's inode in a slot that is
 * filled. */
void process_tables_add_file(struct synfw_process_bpf *bpf, uint32_t slot, const char *path);

/* What the slot says of exactly this path: SYNFW_PATH_*. */
void process_tables_protect(struct synfw_process_bpf *bpf, uint32_t slot, const char *path);

#endif
