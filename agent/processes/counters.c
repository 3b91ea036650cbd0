/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "counters.h"

#include <errno.h>

#include <synfw/cleanup.h>

#include "datapath/counters.h"

int process_counters_assign(const struct manifest *live, struct manifest *next)
{
	CLEANUP(cleanup_free) struct named_counter *old = NULL;
	CLEANUP(cleanup_free) struct named_counter *new = NULL;
	size_t nr_old = live ? live->nr_process_rules : 0, nr_new = next->nr_process_rules, i;
	int err;

	old = calloc(nr_old + 1, sizeof(*old));
	new = calloc(nr_new + 1, sizeof(*new));
	if (!old || !new)
		return -ENOMEM;
	for (i = 0; i < nr_old; i++)
		old[i] = (struct named_counter){live->process_rules[i].name,
						live->process_rules[i].counter};
	for (i = 0; i < nr_new; i++)
		new[i] = (struct named_counter){next->process_rules[i].name, 0};
	err = counters_hand_on(old, nr_old, new, nr_new, SYNFW_MAX_PROCESS_COUNTERS);
	for (i = 0; !err && i < nr_new; i++)
		next->process_rules[i].counter = new[i].counter;
	return err;
}

void process_counters_number(const struct manifest *manifest, struct process_tables *tables)
{
	const struct manifest_process_rule *rule;
	uint32_t bit;

	for (bit = 0; bit < tables->head.nr_bits; bit++) {
		rule = manifest_process_rule(manifest, tables->rules[bit].index);
		tables->rules[bit].counter =
			rule && bit < tables->head.nr_rules ? rule->counter : 0;
	}
}
