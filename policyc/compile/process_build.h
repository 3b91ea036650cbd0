/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_PROCESS_BUILD_H
#define POLICYC_PROCESS_BUILD_H

/*
 * From the rules on processes and memory to the tables of include/synfw/process.h, step by step:
 * bits, what each pattern says, what each id says, tables.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <synfw/process.h>

#include "compile/intern.h"
#include "policyc.h"
#include "process_tables.h"

#define NO_TERM UINT32_MAX

/* A rule, or its `except`. */
struct process_bit {
	const struct process_match *match;
	struct synfw_process_rule rule;
	uint32_t parent_term, ancestor_term; /* NO_TERM: any */
	uint32_t arg[SYNFW_MAX_RULE_ARGS];   /* numbers in process_build.args */
};

/* What one pattern of a policy says of the paths that it matches. */
struct process_saying {
	struct synfw_process_vector exec; /* bits whose `exec` it stands in */
	uint64_t term[SYNFW_LINEAGE_WORDS];
	uint32_t flags; /* SYNFW_PATH_* */
};

/* What a user or group says. A number is in no more than one of both for one bit. */
struct process_id_saying {
	struct synfw_process_vector set;   /* bits that ask for it */
	struct synfw_process_vector clear; /* bits with `not` */
};

/* A list of `parent` or `ancestor`: the sorted numbers of its patterns, each once. */
struct process_term {
	uint32_t *pattern;
	size_t count;
};

struct process_build {
	const struct policy *policy;
	struct process_bit *bit;
	uint32_t nr_bits, nr_rules; /* bits from nr_rules on are of `except` */

	struct intern patterns;		/* struct synfw_path_key, of all kinds but ARGUMENT */
	struct process_saying *sayings; /* of each */
	uint32_t sayings_room;
	uint32_t *sorted; /* numbers of the patterns in the order of their keys; NULL: not yet */

	struct process_term *terms;
	uint32_t nr_terms, terms_room; /* may pass SYNFW_MAX_LINEAGE_TERMS until that is refused */

	struct intern args; /* numbers may pass SYNFW_MAX_ARGS until that is refused; struct
			       synfw_path_key of the kind ARGUMENT */

	struct intern ids; /* struct synfw_process_id */
	struct process_id_saying *id_sayings;
	uint32_t id_sayings_room;

	struct intern vectors; /* struct synfw_process_vector; number 0 has no bit */
};

static inline void process_vector_set(struct synfw_process_vector *vector, uint32_t bit)
{
	vector->word[bit / 64] |= 1ULL << bit % 64;
}

static inline void process_vector_add(struct synfw_process_vector *vector,
				      const struct synfw_process_vector *other)
{
	for (int i = 0; i < SYNFW_PROCESS_WORDS; i++)
		vector->word[i] |= other->word[i];
}

/* Bytes of the text of a key: texts have no NUL. */
static inline size_t process_text_bytes(const struct synfw_path_key *key)
{
	return strnlen((const char *)key->text, sizeof(key->text));
}

/* Each step: 0, -ENOMEM, or -EINVAL with a diagnostic. */

/* process_bits.c. There is room for the bits: the front end knows the limit. */
int process_bits_make(struct process_build *build);

/* process_patterns.c: patterns, terms and arguments of all bits, and the programs that are
 * protected by the policy and by the caller. Afterwards what a longer PREFIX or SUFFIX says
 * includes what the shorter ones say. */
int process_patterns_collect(struct process_build *build, const struct path_list *protected);

/* process_ids.c */
int process_ids_collect(struct process_build *build);

/* process_layout.c. Nothing passes a limit. */
int process_layout(struct process_build *build, struct process_tables *tables);

#endif
