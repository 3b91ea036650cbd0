/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_COUNTERS_H
#define SYNFW_AGENT_COUNTERS_H

/* Counters live outside the generations. A rule's counter belongs to its name, an interface's
 * counters to its slot. */
#include <synfw/reasons.h>

#include "object.h"
#include "policy/manifest.h"

struct named_counter {
	const char *name;
	uint32_t counter; /* slot; 0: none */
};

/* Gives every name of `next` a slot below `nr_slots`: that of the same name in `live`, which is
 * sorted on the way, else one that nobody of `live` has. A slot that this apply frees is thus
 * reused by the next one at the earliest, when nothing can be counting there any more. 0, -ENOMEM,
 * or -ENOSPC when both together have too many names. */
int counters_hand_on(struct named_counter *live, size_t nr_live, struct named_counter *next,
		     size_t nr_next, uint32_t nr_slots);

/* Gives every rule of `next` its counter slot, see counters_hand_on(), and says since when it has
 * it; `next` has its revision already. `live` NULL: nothing is live. */
int counters_assign(const struct manifest *live, struct manifest *next);

/* Tells every bit of the vectors of an image which counter its rule has. */
void counters_number(const struct manifest *manifest, struct image *image);

/* Finds a rule by name among rules sorted by counters_sort_rules(). */
const struct manifest_rule **counters_sort_rules(const struct manifest *manifest);
const struct manifest_rule *counters_find_rule(const struct manifest_rule **sorted, size_t count,
					       const char *name);

/* Sums over all CPUs. */
int counters_read_rule(const struct object *object, uint32_t slot, struct fault *fault,
		       struct synfw_rule_counter *ret_sum);
int counters_read_reason(const struct object *object, uint32_t interface_slot,
			 enum synfw_reason reason, struct fault *fault,
			 struct synfw_reason_counter *ret_sum);

/* Sets a counter to zero on all CPUs, without writing when it is zero already; of a rule, its rate,
 * too. */
int counters_reset_rule(const struct object *object, uint32_t slot, struct fault *fault);
int counters_reset_interface(const struct object *object, uint32_t interface_slot,
			     struct fault *fault);

/* Copies a counter between datapaths, CPU by CPU. */
int counters_copy_rule(const struct object *from, uint32_t from_slot, const struct object *to,
		       uint32_t to_slot, struct fault *fault);
int counters_copy_interface(const struct object *from, uint32_t from_slot, const struct object *to,
			    uint32_t to_slot, struct fault *fault);

#endif
