/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_JUDGE_BPF_H
#define SYNFW_PROCESS_JUDGE_BPF_H

/*
 * Which rules a process matches, and what they come to: the candidates that the vectors leave,
 * in the order of the policy, are asked for lineage, arguments and sizes; points add up, the
 * first action decides. The subject is in the scratch area, wherever it comes from: a process,
 * or the shadow program's question.
 */
#include "args.bpf.h"
#include "class.bpf.h"
#include "common/bits.bpf.h"
#include "scratch.bpf.h"

/* The shadow program: judges, changes nothing. */
const volatile bool read_only = false;

struct judge_loop {
	struct process_scratch *scratch;
	struct synfw_process_head *head;
	void *rules; /* the inner map */
};

/* `list` is the number of one + 1 (0: any), `terms` those that the process has. */
static __always_inline bool terms_have(const __u64 *terms, __u32 list)
{
	if (!list)
		return true;
	list--;
	return terms[list / 64 % SYNFW_LINEAGE_WORDS] >> (list & 63) & 1;
}

/* Do the arguments hold? Of an `except` only what is certain counts. */
static __always_inline bool args_hold(struct process_scratch *scratch,
				      const struct synfw_process_rule *rule, bool except)
{
	bool all = rule->flags & SYNFW_PROCESS_ARGS_ALL;
	__u32 i;

	args_read(scratch);
	if (scratch->args_state == ARGS_UNKNOWN) {
		scratch->undecided = true;
		return false;
	}
	if (!except && scratch->args_state == ARGS_UNREADABLE)
		return true;
#pragma clang loop unroll(disable)
	for (i = 0; i < SYNFW_MAX_RULE_ARGS && i < rule->nr_args; i++) {
		__u32 arg = rule->arg[i];
		bool has = scratch->args[arg / 64 % (SYNFW_MAX_ARGS / 64)] >> (arg & 63) & 1;

		if (has != all)
			return has;
	}
	return all;
}

static __always_inline bool lineage_holds(const struct process_scratch *scratch,
					  const struct synfw_process_rule *rule)
{
	return terms_have(scratch->parent, rule->parent_term) &&
	       terms_have(scratch->ancestors, rule->ancestor_term);
}

/* Is the subject, in what vectors do not tell, what the `except` means? */
static __always_inline bool except_holds(struct process_scratch *scratch, void *rules, __u32 bit)
{
	const struct synfw_process_rule *rule;
	__u32 word = bit / 64 % SYNFW_PROCESS_WORDS;

	if (!(scratch->sure.word[word] & scratch->who.word[word] & 1ULL << (bit & 63)))
		return false;
	rule = bpf_map_lookup_elem(rules, &bit);
	if (!rule || !lineage_holds(scratch, rule))
		return false;
	if ((rule->parent_term && scratch->unsure & SYNFW_UNSURE_PARENT) ||
	    (rule->ancestor_term && scratch->unsure & SYNFW_UNSURE_ANCESTORS))
		return false;
	return !rule->nr_args || args_hold(scratch, rule, true);
}

static __always_inline void rule_count(const struct synfw_process_rule *rule, bool would)
{
	__u32 key = rule->counter;
	struct synfw_process_counter *counter;

	if (read_only || !key)
		return;
	counter = bpf_map_lookup_elem(&synfw_process_counters, &key);
	if (!counter)
		return;
	counter->matches++;
	counter->would += would;
}

static __always_inline void peers_note(struct process_scratch *scratch,
				       const struct synfw_process_rule *rule)
{
	if (!(rule->flags & SYNFW_PROCESS_PEERS_BLOCK) && !rule->peers_score)
		return;
	if (!scratch->has_peers)
		scratch->counter_peers = rule->counter;
	scratch->has_peers = true;
	if (rule->flags & SYNFW_PROCESS_PEERS_BLOCK && !rule->peers_block_ns)
		scratch->peers_block_ns = ~0ULL;
	else if (rule->peers_block_ns > scratch->peers_block_ns)
		scratch->peers_block_ns = rule->peers_block_ns;
	if (rule->peers_score > scratch->peers_score)
		scratch->peers_score = rule->peers_score;
}

/* A rule matched. True: it decides. */
static __always_inline bool rule_apply(struct process_scratch *scratch,
				       const struct synfw_process_rule *rule, __u32 bit,
				       bool monitor)
{
	__u32 points;

	if (!scratch->trial)
		rule_count(rule, monitor || rule->flags & SYNFW_PROCESS_MONITOR);
	if (rule->flags & SYNFW_PROCESS_MONITOR)
		return false;
	peers_note(scratch, rule);
	scratch->counter = rule->counter;
	if (rule->action == SYNFW_PROCESS_SCORE) {
		points = scratch->points + rule->score;
		scratch->points = points < scratch->points ? ~0U : points;
		return false;
	}
	scratch->bit = bit;
	scratch->index = rule->index;
	scratch->action = rule->action;
	scratch->fallback = rule->fallback;
	return true;
}

/* Is it enough for the rule? Of growth its window has been asked; the shadow program has none. */
static __always_inline bool size_holds(const struct process_scratch *scratch,
				       const struct synfw_process_rule *rule)
{
	if (scratch->trigger == SYNFW_ON_GROWTH && !read_only)
		return scratch->grown >> (rule->index % SYNFW_MAX_MEMORY_RULES) & 1;
	return scratch->trigger < SYNFW_ON_ALLOCATION || scratch->bytes > rule->over_bytes;
}

/* A rule that would have to know arguments which nobody can know yet. It ends the walk if it
 * could decide; one that gives points, or monitors, is passed over: it is asked again when they
 * are known, if the exec goes on, and otherwise what it would have noted is lost. */
static __always_inline bool rule_is_in_the_way(struct process_scratch *scratch,
					       const struct synfw_process_rule *rule)
{
	if (rule->action == SYNFW_PROCESS_SCORE || rule->flags & SYNFW_PROCESS_MONITOR)
		scratch->undecided = false;
	return scratch->undecided;
}

/* Takes one candidate, or goes to the next word. 1: the end. */
static long judge_step(__u32 index, struct judge_loop *loop)
{
	struct process_scratch *scratch = loop->scratch;
	const struct synfw_process_rule *rule;
	__u64 bits = scratch->bits;
	__u32 bit, word;

	if (!bits) {
		word = scratch->word + 1;
		if (word >= SYNFW_PROCESS_WORDS || word >= scratch->nr_words)
			return 1;
		scratch->word = word;
		scratch->bits = scratch->exec.word[word] & scratch->who.word[word];
		return 0;
	}
	scratch->bits = bits & (bits - 1);
	bit = scratch->word * 64 + lowest_bit(bits);
	if (bit >= loop->head->nr_rules)
		return 1;
	rule = bpf_map_lookup_elem(loop->rules, &bit);
	if (!rule || rule->trigger != scratch->trigger || !size_holds(scratch, rule) ||
	    !lineage_holds(scratch, rule))
		return 0;
	if (rule->nr_args && !args_hold(scratch, rule, false))
		return rule_is_in_the_way(scratch, rule);
	if (rule->except_bit != SYNFW_NO_PROCESS_BIT &&
	    except_holds(scratch, loop->rules, rule->except_bit))
		return 0;
	if (scratch->undecided)
		return rule_is_in_the_way(scratch, rule);
	return rule_apply(scratch, rule, bit, loop->head->monitor);
}

static __always_inline void judge_reset(struct process_scratch *scratch)
{
	scratch->points = 0;
	scratch->peers_block_ns = 0;
	scratch->peers_score = 0;
	scratch->bit = SYNFW_NO_PROCESS_BIT;
	scratch->counter = 0;
	scratch->counter_peers = 0;
	scratch->action = SYNFW_PROCESS_SCORE;
	scratch->fallback = SYNFW_PROCESS_DENY;
	scratch->has_peers = false;
	scratch->undecided = false;
	scratch->crossed = false;
	scratch->score_before = 0;
	scratch->score_after = 0;
}

/*
 * Judges the subject whose path and lineage are in the scratch area. What was decided is there
 * afterwards: bit, action, points, counter, peers.
 */
__noinline int judge(struct process_scratch *scratch)
{
	struct judge_loop loop = {.scratch = scratch};
	const struct synfw_process_vector *trigger;
	__u32 slot;

	if (!scratch)
		return 0;
	judge_reset(scratch);
	slot = scratch->slot % SYNFW_NR_GENERATION_SLOTS;
	loop.head = process_head(slot);
	loop.rules = bpf_map_lookup_elem(&synfw_process_rules, &slot);
	if (!loop.head || !loop.rules)
		return 0;
	class_of_user(scratch);
	trigger = vector_at(slot, loop.head->trigger[scratch->trigger % SYNFW_NR_PROCESS_TRIGGERS]);
	if (!trigger)
		return 0;
	vector_and(&scratch->exec, trigger, scratch->nr_words);
	scratch->word = 0;
	scratch->bits = scratch->exec.word[0] & scratch->who.word[0];
	bpf_loop(SYNFW_PROCESS_BITS + SYNFW_PROCESS_WORDS, judge_step, &loop, 0);
	return 0;
}

#endif
