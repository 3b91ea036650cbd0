/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_ASK_BPF_H
#define SYNFW_PROCESS_ASK_BPF_H

/* The shadow program's part: a question instead of a process. */
#include "process_act.bpf.h"

static __always_inline struct synfw_process_question *question_at_hand(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&synfw_process_question, &zero);
}

enum ask_part { ASK_PATH, ASK_PARENT, ASK_ANCESTOR };

/* The terms of a path of the question, and for the subject's own its vectors. A path of no bytes is none. */
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

static __always_inline void process_ask(struct process_scratch *scratch,
					struct synfw_process_question *question)
{
	const struct synfw_process_head *head;

	scratch->slot = question->slot % SYNFW_NR_GENERATION_SLOTS;
	head = process_head(scratch->slot);
	if (!head)
		return;
	subject_words(scratch, head);
	scratch->trigger = question->trigger;
	scratch->uid = question->uid;
	scratch->gid = question->gid;
	scratch->cred = 0;
	scratch->bytes = question->bytes;
	scratch->unsure = 0;
	scratch->args_state = ARGS_UNREAD;
	scratch->args_first = false;
	scratch->args_at = (__u64)question->args;
	scratch->args_end = scratch->args_at + question->args_bytes;

	ask_class(scratch, ASK_PARENT);
	terms_copy(scratch->parent, scratch->self);
	ask_class(scratch, ASK_ANCESTOR);
	terms_copy(scratch->ancestors, scratch->self);
	terms_or(scratch->ancestors, scratch->parent);
	ask_class(scratch, ASK_PATH);
	exec_finish(scratch, head->exec_default);
	judge(scratch);
	question->score = scratch->points;
	question->bit = scratch->bit;
	question->action = scratch->action;
	question->answered = true;
}

#endif
