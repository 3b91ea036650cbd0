/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "answer.h"

#include "policy/manifest.h"

void process_answer_note_fallback(struct synfw_process_question *answer,
				  enum synfw_process_action action)
{
	if (answer->action != action)
		answer->causes |= SYNFW_CAUSE_FALLBACK;
}

const char *process_lack_text(enum synfw_process_action action)
{
	return action == SYNFW_PROCESS_DENY ? "denies, and here no exec can be made to fail"
					    : "isolates, and here that cannot be done in full";
}

const char *process_answer_word(const struct synfw_process_question *answer)
{
	return answer->effect == SYNFW_PROCESS_SCORE || answer->effect >= SYNFW_NR_PROCESS_ACTIONS
		       ? "allow"
		       : manifest_process_action_word(answer->effect);
}

const char *process_answer_cause(const struct synfw_process_question *answer, bool *ret_names_rule)
{
	*ret_names_rule = false;
	if (answer->causes & SYNFW_CAUSE_PROTECTED)
		return ", as it is protected";
	if (answer->causes & SYNFW_CAUSE_SCORING)
		return " by process-scoring";
	*ret_names_rule = answer->bit != SYNFW_NO_PROCESS_BIT;
	if (!*ret_names_rule)
		return "";
	return answer->causes & SYNFW_CAUSE_FALLBACK ? ", the fallback of rule" : " by rule";
}
