/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "growth.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#include "inner.h"

/* By the place of a rule in `memory`: the time of the rule on growth there, or 0. */
struct growth_rules {
	uint64_t within_ns[SYNFW_MAX_MEMORY_RULES];
};

static void note_rules(const struct synfw_process_rule *rules, uint32_t count,
		       struct growth_rules *growth)
{
	const struct synfw_process_rule *rule;

	for (rule = rules; rule < rules + count; rule++)
		if (rule->trigger == SYNFW_ON_GROWTH)
			growth->within_ns[rule->index % SYNFW_MAX_MEMORY_RULES] = rule->within_ns;
}

/* A slot that is empty has no rules. */
static int read_live(const struct process_half *half, uint32_t slot, struct fault *fault,
		     struct growth_rules *growth)
{
	CLEANUP(process_inner_close) struct process_inner inner = PROCESS_INNER_NONE;
	CLEANUP(cleanup_free) struct synfw_process_rule *rules = NULL;
	struct synfw_process_head head;
	int err = process_half_read_head(half, slot, fault, &head);

	if (err || !head.nr_bits)
		return err;
	err = process_inner_open(&half->object, slot, fault, &inner);
	if (err == -ENOENT)
		return 0;
	if (!err)
		err = process_inner_read_rules(&inner, &head, fault, &rules);
	if (!err)
		note_rules(rules, head.nr_rules, growth);
	return err;
}

static int forget_windows(const struct process_object *object)
{
	CLEANUP(cleanup_free)
	struct synfw_growth_key *keys = calloc(SYNFW_MAX_GROWTH_WINDOWS, sizeof(*keys));
	CLEANUP(cleanup_free)
	struct synfw_growth_window *windows = calloc(SYNFW_MAX_GROWTH_WINDOWS, sizeof(*windows));
	uint32_t count = SYNFW_MAX_GROWTH_WINDOWS, token;

	if (!keys || !windows)
		return -ENOMEM;
	if (bpf_map_lookup_and_delete_batch(object->map_fd[PROCESS_GROWTH], NULL, &token, keys,
					    windows, &count, NULL) &&
	    errno != ENOENT)
		return -errno;
	return 0;
}

int process_growth_begin(const struct process_half *half, uint32_t live_slot,
			 const struct process_tables *tables, struct fault *fault)
{
	struct growth_rules live = {0}, next = {0};
	int err = read_live(half, live_slot, fault, &live);
	uint32_t i;

	if (err)
		return err;
	note_rules(tables->rules, tables->head.nr_rules, &next);
	for (i = 0; i < SYNFW_MAX_MEMORY_RULES; i++)
		if (next.within_ns[i] && next.within_ns[i] != live.within_ns[i])
			break;
	if (i < SYNFW_MAX_MEMORY_RULES)
		err = forget_windows(&half->object);
	return err ? fault_system(fault, err, "cannot measure growth anew") : 0;
}
