/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_PROCESS_REFERENCE_H
#define TESTS_BPF_PROCESS_REFERENCE_H

/*
 * The reference model of rules on processes and memory: it loops over the rules and compares each
 * path, id and argument with each that a rule names, in the words of policy-language.yaml. It knows
 * nothing of classes, vectors and tries and exists to disagree with them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <policyc.h>

#define SUBJECT_MAX_ANCESTORS 4
#define SUBJECT_MAX_GROUPS    6
#define SUBJECT_MAX_ARGS      12

/* A file that runs. No path and no memfd: there is none, as in the kernel's own threads. */
struct subject_file {
	const char *path; /* resolved */
	bool memfd;
};

/* What is asked about: a process that runs a new file, or that does something with its memory. */
struct process_subject {
	enum synfw_process_trigger trigger;
	uint64_t bytes; /* ALLOCATION, GROWTH */
	struct subject_file file, parent;
	struct subject_file ancestor[SUBJECT_MAX_ANCESTORS]; /* besides the parent */
	size_t nr_ancestors;
	uint32_t uid;
	uint32_t gid[SUBJECT_MAX_GROUPS]; /* the effective one, then the supplementary ones */
	size_t nr_gids;
	const char *arg[SUBJECT_MAX_ARGS]; /* argv[1], argv[2] ... */
	size_t nr_args;
};

/* What it comes to. Also what the tables and the BPF program are asked for. */
struct process_judgement {
	uint16_t bit; /* of the rule that decided: those of `processes`, then those of `memory`;
		       * SYNFW_NO_PROCESS_BIT: none */
	enum synfw_process_action action; /* SYNFW_PROCESS_SCORE: none decided */
	uint32_t score;
	bool is_protected; /* nothing is done */
};

/* And what is counted on the way: rules with points and monitoring ones, then the one that decided.
 */
struct process_counted {
	uint16_t bit[SYNFW_MAX_PROCESS_RULES];
	size_t count;
};

/* `protected` may be NULL. */
struct process_judgement process_reference_judge(const struct policy *policy,
						 const struct path_list *protected,
						 const struct process_subject *subject,
						 struct process_counted *ret_counted);

/* The question that asks the shadow program of a generation slot the same. False when it cannot be
 * asked: with several groups or further ancestors, or of lineage that a memfd is in. */
bool process_subject_question(const struct process_subject *subject, uint32_t slot,
			      struct synfw_process_question *ret_question);

/* What a subject made of a question borrows. */
struct process_question_texts {
	char file[4097], parent[4097], ancestor[4097];
};

/* What a question asks about; borrows from it and from `texts`. False: more arguments than a
 * subject has. */
bool process_question_subject(const struct synfw_process_question *question,
			      struct process_question_texts *texts,
			      struct process_subject *ret_subject);

#endif
