/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_RENUMBER_H
#define SYNFW_AGENT_RENUMBER_H

/*
 * Blocks and scores name rules by their counters. When a counter is given to another rule, what
 * names it must not say that the new rule did it.
 */
#include "manifest.h"
#include "object.h"

/* What each counter becomes; 0: no rule. RULE_NAMES_COUNTERS entries, which the caller frees; NULL
 * without memory. The rules of `next` keep those of the same name in `live`. */
uint16_t *renumber_by_name(const struct manifest *live, const struct manifest *next);

/* Renames in blocks and scores, beside the packet path; marks of rules that are gone go, too. */
int renumber_state(const struct object *object, const uint16_t *becomes, struct fault *fault);

/* Copies the blocks of another datapath, those that have ended too: offences stay remembered. Those
 * that find no room are left out. */
int renumber_copy_blocks(const struct object *from, const struct object *to,
			 const uint16_t *becomes, struct fault *fault);

#endif
