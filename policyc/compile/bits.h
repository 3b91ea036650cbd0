/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_BITS_H
#define POLICYC_BITS_H

/*
 * The bits of the vectors, in the order in which they decide: protect entries, what the defaults
 * decide outright, the rules, what the defaults decide last (docs/decisions/0002). A rule with an
 * `except` on several fields becomes several disjoint bits (docs/decisions/0003), and so does one
 * that names listed and dynamic sets in one key (compile/dynamic.h).
 */
#include <stdbool.h>
#include <stdint.h>

#include <synfw/abi.h>

#include "compile/dynamic.h"
#include "policyc.h"

/* How the `except` of a bit takes part in one field. */
enum except_mode {
	EXCEPT_IGNORED = 0,
	EXCEPT_NEGATED,	 /* the field must not match the except */
	EXCEPT_REQUIRED, /* the field must match the except as well */
};

#define SHAPE(name)  (1 << SYNFW_SHAPE_##name)
#define SHAPES_RULES (SHAPE(NORMAL) | SHAPE(FRAGMENT)) /* what rules may judge */

struct bit {
	const struct match *match;  /* NULL: padding between groups, matches nothing */
	const struct match *except; /* NULL unless some mode is set */
	uint8_t except_modes[SYNFW_NR_FIELDS];
	struct dynamic_condition dynamic;
	uint8_t shapes;	  /* 1 << enum synfw_shape: those it may match */
	bool whole_rule;  /* the only bit of a rule */
	bool limited;	  /* matches only what exceeds a limit */
	const char *name; /* of the rule, for diagnostics; NULL: protect or default */
	struct location at;
	struct synfw_rule rule;
};

/* Never copied: matches point into it. */
struct bits {
	struct bit *bit;
	uint32_t count;
	struct match *owned; /* matches of infrastructure, and those with a key left out */
	uint32_t nr_owned;
	struct dynamic_pairs pairs;
	uint32_t infrastructure[2];   /* indices into `sets`: gateways, resolvers */
	struct synfw_effect *effects; /* number n is that of rules whose `effect` is n + 1 */
	uint32_t nr_effects;
	/* policy->sets and, behind them, the infrastructure's: what indices in set_refs mean */
	const struct prefix_list **sets;
	uint32_t nr_sets;
	/* more than 512 bits: entry w is what synfw_header says of `group_base`, else NULL */
	uint32_t *groups;
	uint32_t counting_word;
};

/* Fills *bits, which is zeroed, and which the caller ends with bits_done even after a failure. The
 * policy and the options must outlive it. 0, -ENOMEM, or -EINVAL with a diagnostic when the policy
 * needs more than SYNFW_MAX_BITS or SYNFW_MAX_DYNAMIC_PAIRS. */
int bits_init(struct bits *bits, const struct policy *policy, const struct policyc_options *options,
	      struct diags *diags);
void bits_done(struct bits *bits);

/* Reorders the bits as abi.h says when they do not fit into one line (SYNFW_LINE_BYTES * 8). Their
 * rule.order stays. A step of bits_init. 0 or -ENOMEM. */
int bits_arrange(struct bits *bits);

/* Does a rule with this bit score or count, or ask a limit, instead of simply deciding? */
static inline bool bit_counts(const struct bit *bit)
{
	return bit->rule.flags & SYNFW_RULE_MONITOR || bit->rule.action == SYNFW_ACTION_SCORE ||
	       bit->limited;
}

/* Notes the effect of a rule; there is room. Its number (synfw_rule.effect), 0: it has none. */
uint16_t bits_add_effect(struct bits *bits, const struct policy *policy,
			 const struct policy_rule *rule);

/* Does any key of `match` belong to the field? ATTR: TCP flags and state, shapes apart. DYNAMIC:
 * no, what is asked of it stands in the bit. */
bool match_constrains(const struct match *match, enum synfw_field field);

/* A bit that no vector may ever set. */
static inline bool bit_is_padding(const struct bit *bit)
{
	return !bit->match;
}

/* Must the packet's value in this field be looked at for this bit? */
bool bit_constrains(const struct bit *bit, enum synfw_field field);

/* Joins what `match` and `except` say of one value of a field. */
static inline bool except_apply(enum except_mode mode, bool matches, bool excepted)
{
	return matches && (mode == EXCEPT_IGNORED || excepted == (mode == EXCEPT_REQUIRED));
}

#endif
