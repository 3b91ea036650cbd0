/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PROCESS_ANSWER_H
#define SYNFW_AGENT_PROCESS_ANSWER_H

/* What the shadow program answers about a program, in words. */
#include <stdbool.h>

#include <synfw/process.h>

/* Notes that the rule which decided, whose action is `action`, does something else here: what the
 * program itself cannot know, see process_hooks_fall_back(). */
void process_answer_note_fallback(struct synfw_process_question *answer,
				  enum synfw_process_action action);

/* What is lacking here for a rule with that action, deny or isolate: "denies, and here ...". */
const char *process_lack_text(enum synfw_process_action action);

/* What becomes of a program by the shadow program's answer: "allow", "kill"... */
const char *process_answer_word(const struct synfw_process_question *answer);

/* Why, as the words behind that: " by rule", ", the fallback of rule", where the rule that decided
 * is to be named behind it, or all there is to say, as " by process-scoring". Empty: nothing
 * decided. */
const char *process_answer_cause(const struct synfw_process_question *answer, bool *ret_names_rule);

#endif
