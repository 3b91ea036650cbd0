/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_RANDOM_PROCESS_H
#define TESTS_BPF_RANDOM_PROCESS_H

/*
 * Random rules on processes and memory, and random questions about them. Both are about the same
 * few files, users and arguments, so that patterns nest and overlap and questions hit them.
 * Policies are made as policyc_parse() returns them.
 */
#include <policyc.h>

#include "model/process_reference.h"
#include "base/random.h"

#define RANDOM_MAX_FILES 256
#define RANDOM_LINEAGES	 SYNFW_MAX_LINEAGE_TERMS

struct random_process {
	struct rng *rng;
	struct policy *policy;
	struct path_list protected;
	struct path_list lineage[RANDOM_LINEAGES]; /* lists of `parent` and `ancestor` */
	char *file[RANDOM_MAX_FILES];		   /* that patterns and questions are about */
	size_t nr_files;
	char text[SUBJECT_MAX_ANCESTORS + 2][4096]; /* what the last subject borrows */
};

/* The policy has up to so many rules: process_text_parse() drops some. Aborts without memory. */
void random_process(struct rng *rng, size_t nr_process_rules, size_t nr_memory_rules,
		    struct diags *diags, struct random_process *ret_random);
void random_process_done(struct random_process *random);

/* Borrows from `random` until the next one is made. Half of them are such as
 * process_subject_question() can ask. */
void random_subject(struct random_process *random, struct process_subject *ret_subject);

#endif
