/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_RENUMBER_H
#define SYNFW_AGENT_RENUMBER_H

/*
 * Blocks, scores, rates and ports tried name rules by their counters. When a counter is given to
 * another rule, what names it must not say that the new rule did it, nor be held against a source
 * by it.
 */
#include "datapath/object.h"
#include "policy/manifest.h"

/* What each counter becomes; 0: no rule. RULE_NAMES_COUNTERS entries, which the caller frees; NULL
 * without memory. The rules of `next` keep those of the same name in `live`. */
uint16_t *renumber_by_name(const struct manifest *live, const struct manifest *next);

/* Whether a rule of `live`, of either kind, that may be named by what is remembered has a counter
 * that no rule of `next` has. */
int renumber_has_lost(const struct manifest *live, const struct manifest *next,
		      struct fault *fault, bool *ret_lost);

/* Takes the names of all rules that are not in `policy`, the one in force, out of what is
 * remembered, beside the packet path; marks of peers that such a rule left go altogether. Called
 * when such rules have gone, and after an apply that may have been killed before it had done so. */
int renumber_forget(const struct object *object, const struct manifest *policy,
		    struct fault *fault);

/* Copies the blocks of another datapath, those that have ended too: offences stay remembered. Those
 * that find no room are left out. */
int renumber_copy_blocks(const struct object *from, const struct object *to,
			 const uint16_t *becomes, struct fault *fault);

#endif
