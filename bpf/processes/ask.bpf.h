/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_ASK_BPF_H
#define SYNFW_PROCESS_ASK_BPF_H

/* The shadow program's part: a question instead of a process. */
#include "act.bpf.h"

static __always_inline struct synfw_process_question *question_at_hand(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&synfw_process_question, &zero);
}

enum ask_part { ASK_PATH, ASK_PARENT, ASK_ANCESTOR };

/* The terms of a path of the question, and for the subject's own its vectors. A path of no bytes
 * is none. */
__noinline int ask_class(struct process_scratch *scratch, __u32 part)
{
	const struct synfw_process_question *question = question_at_hand();
	bool judged = part == ASK_PATH;

	if (!scratch || !question)
		return 0;
	class_reset(scratch);
	if (judged && question->memfd) {
		class_of_memfd(scratch, true);
		return 0;
	}
	if (part == ASK_PATH)
		path_from_text(&scratch->path, question->path, question->path_bytes);
	else if (part == ASK_PARENT)
		path_from_text(&scratch->path, question->parent, question->parent_bytes);
	else
		path_from_text(&scratch->path, question->ancestor, question->ancestor_bytes);
	if (scratch->path.total)
		class_of_text(scratch, judged);
	return 0;
}

static __always_inline void ask_judge(struct process_scratch *scratch,
				      const struct synfw_process_question *question,
				      __u32 args_state)
{
	scratch->args_state = args_state;
	scratch->args_at = (__u64)question->args;
	scratch->args_end = scratch->args_at + question->args_bytes;
	judge(scratch);
}

/* What act() would do, to a process without points. A rule that denies and has no fallback does
 * so where it is in force at all. */
static __always_inline void ask_effect(struct process_scratch *scratch,
				       struct synfw_process_question *question,
				       const struct synfw_process_head *head, bool denied)
{
	__u8 action;

	question->causes = 0;
	if (scratch->action == SYNFW_PROCESS_DENY && !denied &&
	    (question->denies || scratch->fallback != SYNFW_PROCESS_DENY)) {
		deny_fall_back(scratch);
		question->causes |= SYNFW_CAUSE_FALLBACK;
	}
	action = scratch->action;
	scratch->score_after = scratch->points;
	if (scratch->points && head->decay)
		score_weigh(scratch, head);
	if (scratch->action != action)
		question->causes |= SYNFW_CAUSE_SCORING;
	question->effect = scratch->action;
	if (scratch->flags & SYNFW_PATH_PROTECTED) {
		question->causes |= SYNFW_CAUSE_PROTECTED;
		question->effect = SYNFW_PROCESS_SCORE;
	}
}

static __always_inline void process_ask(struct process_scratch *scratch,
					struct synfw_process_question *question)
{
	const struct synfw_process_head *head;
	bool denied;

	head = subject_begin(scratch, question->slot, question->trigger);
	if (!head)
		return;
	scratch->uid = question->uid;
	scratch->gid = question->gid;
	scratch->bytes = question->bytes;
	scratch->args_first = false;

	ask_class(scratch, ASK_PARENT);
	terms_copy(scratch->parent, scratch->self);
	ask_class(scratch, ASK_ANCESTOR);
	terms_copy(scratch->ancestors, scratch->self);
	terms_or(scratch->ancestors, scratch->parent);
	ask_class(scratch, ASK_PATH);
	exec_finish(scratch, head->exec_default);
	/* as where it is denied, before the arguments are known */
	ask_judge(scratch, question, ARGS_UNKNOWN);
	denied = question->denies && scratch->action == SYNFW_PROCESS_DENY && !scratch->undecided;
	ask_judge(scratch, question, ARGS_UNREAD);
	question->score = scratch->points;
	question->bit = scratch->bit;
	question->action = scratch->action;
	ask_effect(scratch, question, head, denied);
	question->answered = true;
}

#endif
