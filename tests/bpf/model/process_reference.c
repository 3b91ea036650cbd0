/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/process_reference.h"

#include <string.h>

static bool pattern_matches(const struct path_pattern *pattern, const struct subject_file *file)
{
	size_t length;

	if (file->memfd || !file->path)
		return file->memfd && pattern->kind == PATH_MEMFD;
	length = strlen(file->path);
	switch (pattern->kind) {
	case PATH_EXACT:
		return !strcmp(file->path, pattern->path);
	case PATH_UNDER:
		return length > pattern->length &&
		       !strncmp(file->path, pattern->path, pattern->length);
	case PATH_NAME:
		return length >= pattern->length &&
		       !strcmp(file->path + length - pattern->length, pattern->path);
	case PATH_MEMFD:
		break;
	}
	return false;
}

static bool in_paths(const struct path_list *list, const struct subject_file *file)
{
	for (size_t i = 0; i < list->count; i++)
		if (pattern_matches(&list->pattern[i], file))
			return true;
	return false;
}

static bool is_descendant(const struct path_list *list, const struct process_subject *subject)
{
	if (in_paths(list, &subject->parent))
		return true;
	for (size_t i = 0; i < subject->nr_ancestors; i++)
		if (in_paths(list, &subject->ancestor[i]))
			return true;
	return false;
}

/* `ids` are all that the process has. */
static bool ids_match(const struct id_match *match, const uint32_t *ids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < match->count; k++)
			if (ids[i] == match->id[k])
				return !match->negated;
	return match->negated;
}

static bool has_arg(const struct process_subject *subject, const char *wanted)
{
	for (size_t i = 0; i < subject->nr_args; i++)
		if (!strcmp(subject->arg[i], wanted))
			return true;
	return false;
}

static bool args_match(const struct args_match *match, const struct process_subject *subject)
{
	size_t found = 0;

	for (size_t i = 0; i < match->count; i++)
		found += has_arg(subject, match->arg[i]);
	return match->all ? found == match->count : found > 0;
}

static bool match_matches(const struct process_match *match, const struct process_subject *subject)
{
	uint32_t keys = match->keys;

	if (keys & PROCESS_EXEC && !in_paths(&match->exec, &subject->file))
		return false;
	if (keys & PROCESS_PARENT && !in_paths(&match->parent, &subject->parent))
		return false;
	if (keys & PROCESS_ANCESTOR && !is_descendant(&match->ancestor, subject))
		return false;
	if (keys & PROCESS_USER && !ids_match(&match->user, &subject->uid, 1))
		return false;
	if (keys & PROCESS_GROUP && !ids_match(&match->group, subject->gid, subject->nr_gids))
		return false;
	return !(keys & PROCESS_ARGS) || args_match(&match->args, subject);
}

/* One rule, whatever section it stands in. */
struct any_rule {
	const struct process_match *match, *except; /* except NULL: none */
	const struct process_outcome *outcome;
	enum synfw_process_trigger trigger;
	uint64_t over_bytes;
};

static struct any_rule rule_at(const struct policy *policy, size_t bit)
{
	const struct process_rule *process;
	const struct memory_rule *memory;

	if (bit < policy->nr_process_rules) {
		process = &policy->process_rules[bit];
		return (struct any_rule){&process->match,
					 process->has_except ? &process->except : NULL,
					 &process->outcome, SYNFW_ON_EXEC, 0};
	}
	memory = &policy->memory_rules[bit - policy->nr_process_rules];
	return (struct any_rule){&memory->match, memory->has_except ? &memory->except : NULL,
				 &memory->outcome, memory->event, memory->over_bytes};
}

static bool rule_matches(const struct any_rule *rule, const struct process_subject *subject)
{
	if (rule->trigger != subject->trigger)
		return false;
	if ((rule->trigger == SYNFW_ON_ALLOCATION || rule->trigger == SYNFW_ON_GROWTH) &&
	    subject->bytes <= rule->over_bytes)
		return false;
	return match_matches(rule->match, subject) &&
	       !(rule->except && match_matches(rule->except, subject));
}

struct process_judgement process_reference_judge(const struct policy *policy,
						 const struct path_list *protected,
						 const struct process_subject *subject,
						 struct process_counted *ret_counted)
{
	size_t nr_rules = policy->nr_process_rules + policy->nr_memory_rules;
	struct process_judgement judgement = {
		.bit = SYNFW_NO_PROCESS_BIT,
		.action = SYNFW_PROCESS_SCORE,
		.is_protected = protected && in_paths(protected, &subject->file),
	};

	ret_counted->count = 0;
	for (size_t bit = 0; bit < nr_rules; bit++) {
		const struct any_rule rule = rule_at(policy, bit);

		if (!rule_matches(&rule, subject))
			continue;
		ret_counted->bit[ret_counted->count++] = bit;
		if (rule.outcome->monitor)
			continue;
		if (rule.outcome->action == SYNFW_PROCESS_SCORE) {
			judgement.score += rule.outcome->score;
			continue;
		}
		judgement.action = rule.outcome->action;
		judgement.bit = bit;
		break;
	}
	return judgement;
}

/* False: no room. */
static bool put_path(const struct subject_file *file, uint8_t *path, uint32_t *ret_bytes)
{
	size_t length = file->path && !file->memfd ? strlen(file->path) : 0;

	if (length > sizeof(((struct synfw_process_question *)0)->path))
		return false;
	memcpy(path, file->path ? file->path : "", length);
	*ret_bytes = length;
	return true;
}

bool process_subject_question(const struct process_subject *subject, uint32_t slot,
			      struct synfw_process_question *question)
{
	static const struct subject_file nothing;
	const struct subject_file *ancestor = subject->nr_ancestors ? subject->ancestor : &nothing;

	if (subject->nr_gids != 1 || subject->nr_ancestors > 1 || subject->parent.memfd ||
	    ancestor->memfd)
		return false;
	memset(question, 0, sizeof(*question));
	question->slot = slot;
	question->uid = subject->uid;
	question->gid = subject->gid[0];
	question->memfd = subject->file.memfd;
	question->trigger = subject->trigger;
	question->bytes = subject->bytes;
	for (size_t i = 0; i < subject->nr_args; i++) {
		size_t length = strlen(subject->arg[i]) + 1;

		if (question->args_bytes + length > sizeof(question->args))
			return false;
		memcpy(question->args + question->args_bytes, subject->arg[i], length);
		question->args_bytes += length;
	}
	return put_path(&subject->file, question->path, &question->path_bytes) &&
	       put_path(&subject->parent, question->parent, &question->parent_bytes) &&
	       put_path(ancestor, question->ancestor, &question->ancestor_bytes);
}

static struct subject_file file_of(const uint8_t *path, uint32_t bytes, char *text)
{
	memcpy(text, path, bytes);
	text[bytes] = '\0';
	return (struct subject_file){.path = bytes ? text : NULL};
}

bool process_question_subject(const struct synfw_process_question *question,
			      struct process_question_texts *texts, struct process_subject *subject)
{
	const char *arg = (const char *)question->args, *end = arg + question->args_bytes;

	*subject = (struct process_subject){
		.trigger = question->trigger,
		.bytes = question->bytes,
		.file = file_of(question->path, question->path_bytes, texts->file),
		.parent = file_of(question->parent, question->parent_bytes, texts->parent),
		.ancestor = {file_of(question->ancestor, question->ancestor_bytes,
				     texts->ancestor)},
		.nr_ancestors = 1,
		.uid = question->uid,
		.gid = {question->gid},
		.nr_gids = 1,
	};
	subject->file.memfd = question->memfd;
	for (; arg < end; arg += strlen(arg) + 1) {
		if (subject->nr_args == SUBJECT_MAX_ARGS)
			return false;
		subject->arg[subject->nr_args++] = arg;
	}
	return true;
}
