/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_DYNAMIC_H
#define POLICYC_DYNAMIC_H

/*
 * Dynamic sets in matches. `from: [listed, live]` is an OR over two fields (SRC and DYNAMIC), and
 * a bit can only say AND: such a match is split into cases that exclude one another, each of which
 * says of every key whether a dynamic set is what satisfies it. Disjoint, so that a rule that
 * scores or counts does so once (docs/decisions/0010).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policyc.h"

/* The (dynamic set, direction) that some rule or protect entry asks for, as in abi.h. */
struct dynamic_pairs {
	uint8_t pair[SYNFW_MAX_DYNAMIC_PAIRS];
	uint32_t count;
};

/* The keys that may name dynamic sets: from and to-address, of a match and of its except. */
#define DYNAMIC_KEYS 4

/* What is asked of the pairs that hold for a packet. All 0: nothing. */
struct dynamic_condition {
	uint8_t any_of[DYNAMIC_KEYS]; /* of each that is not 0, one pair holds */
	uint8_t none_of;	      /* none of these holds */
};

bool dynamic_condition_constrains(const struct dynamic_condition *condition);
bool dynamic_condition_holds(const struct dynamic_condition *condition, uint8_t held);

/* One case of a match. Keys that a dynamic set satisfies are to be left out of it. */
struct dynamic_case {
	struct dynamic_condition condition;
	uint32_t match_keys;  /* MATCH_FROM, MATCH_TO_ADDRESS: to leave out of the match */
	uint32_t except_keys; /* and of the except */
	bool without_except;  /* its addresses do not match in this case, so it takes out nothing */
};

#define DYNAMIC_MAX_CASES (1 << DYNAMIC_KEYS)

/* 0, or -EINVAL with a diagnostic when there are more than SYNFW_MAX_DYNAMIC_PAIRS. */
int dynamic_pairs_find(const struct policy *policy, struct diags *diags,
		       struct dynamic_pairs *ret_pairs);

/* The cases of a match and its except (NULL: none) in which something can match. Returns how many:
 * one that asks for nothing when no dynamic set is named. */
size_t dynamic_cases(const struct policy *policy, const struct dynamic_pairs *pairs,
		     const struct match *match, const struct match *except,
		     struct dynamic_case cases[DYNAMIC_MAX_CASES]);

/* At most so many cases has a match; from its keys alone. */
size_t dynamic_cases_room(const struct policy *policy, const struct match *match,
			  const struct match *except);

#endif
