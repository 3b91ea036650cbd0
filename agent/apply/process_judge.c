/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "process_judge.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <process_question.h>
#include <synfw/cleanup.h>

#include "base/paths.h"
#include "policy/manifest.h"
#include "processes/answer.h"
#include "processes/security.h"
#include "processes/shadow.h"
#include "processes/text.h"

/* ---- means ---- */

/* Why nothing can be refused. */
static const char *lack_of_refusal(void)
{
	return process_security_programs_are_called()
		       ? "the kernel takes no program of BPF LSM, and none of fmod_ret"
		       : "kernel.ftrace_enabled is 0, so the kernel calls no program of BPF LSM "
			 "or fmod_ret: set it to 1 and apply again";
}

/* What a kernel can do of what rules ask for. */
struct means {
	bool can_refuse, isolates_fully;
};

static bool gives_points(const struct process_outcome *outcome)
{
	return outcome->action == SYNFW_PROCESS_SCORE && !outcome->monitor;
}

/* Points that no rule gives lead nowhere. */
static bool has_points(const struct policy *policy)
{
	size_t i;

	for (i = 0; i < policy->nr_process_rules; i++)
		if (gives_points(&policy->process_rules[i].outcome))
			return true;
	for (i = 0; i < policy->nr_memory_rules; i++)
		if (gives_points(&policy->memory_rules[i].outcome))
			return true;
	return false;
}

static struct process_outcome scoring_outcome(const struct policy *policy)
{
	const struct process_scoring *scoring = &policy->process_scoring;

	if (!has_points(policy))
		return (struct process_outcome){0};
	return (struct process_outcome){.action = scoring->action,
					.fallback = scoring->fallback,
					.has_fallback = scoring->has_fallback};
}

/* What takes programs that refuse and names no fallback. */
struct refusal {
	enum synfw_process_action action; /* of the first; 0: there is none */
	const char *name;		  /* of its rule, or NULL: process-scoring */
	struct location at;
	size_t count; /* how many there are */
};

static void note_refusal(const char *name, struct location at,
			 const struct process_outcome *outcome, struct refusal *refusal)
{
	bool refuses =
		outcome->action == SYNFW_PROCESS_DENY || outcome->action == SYNFW_PROCESS_ISOLATE;

	if (!refuses || outcome->has_fallback || outcome->monitor)
		return;
	if (!refusal->count++) {
		refusal->action = outcome->action;
		refusal->name = name;
		refusal->at = at;
	}
}

static struct refusal find_refusal(const struct policy *policy)
{
	const struct process_outcome scoring = scoring_outcome(policy);
	struct refusal refusal = {0};
	size_t i;

	for (i = 0; i < policy->nr_process_rules; i++)
		note_refusal(policy->process_rules[i].name, policy->process_rules[i].at,
			     &policy->process_rules[i].outcome, &refusal);
	for (i = 0; i < policy->nr_memory_rules; i++)
		note_refusal(policy->memory_rules[i].name, policy->memory_rules[i].at,
			     &policy->memory_rules[i].outcome, &refusal);
	note_refusal(NULL, policy->process_scoring.at, &scoring, &refusal);
	return refusal;
}

/* The caller frees; NULL: no memory. */
static char *refusal_text(const struct refusal *refusal)
{
	bool denies = refusal->action == SYNFW_PROCESS_DENY;
	const char *name = refusal->name;
	char others[80] = "";

	if (refusal->count > 1)
		snprintf(others, sizeof(others), "; %zu more that deny or isolate have no `fallback`",
			 refusal->count - 1);
	return path_format(
		"%s:%u: %s%s%s %s (%s); %s`fallback: kill` or `fallback: flag` kills or flags "
		"instead%s",
		refusal->at.file, refusal->at.line, name ? "rule \"" : "process-scoring",
		name ? name : "", name ? "\"" : "",
		denies ? "denies, and here no exec can be made to fail"
		       : "isolates, and here accept(2) and listen(2), and what raw, ping and SCTP "
			 "sockets do, cannot be refused",
		lack_of_refusal(), denies ? "" : "`fallback: partial` isolates without that, ",
		others);
}

int process_judge_means(const struct policy *policy, bool can_refuse, struct fault *fault)
{
	const struct refusal refusal = find_refusal(policy);
	CLEANUP(cleanup_free) char *text = NULL;

	if (can_refuse || policy->monitor || !refusal.count)
		return 0;
	text = refusal_text(&refusal);
	return fault_refuse(fault, EXIT_KERNEL, "%s", text ? text : refusal.at.file);
}

/* `name`: of a rule, or NULL for process-scoring. */
static void note_fallback(const char *name, const struct process_outcome *outcome,
			  const struct means *means, struct notes *notes)
{
	bool done =
		outcome->action == SYNFW_PROCESS_DENY ? means->can_refuse : means->isolates_fully;

	if (outcome->fallback != outcome->action && !outcome->monitor && !done)
		notes_add(notes, "%s%s%s %s: its fallback, %s, is in force",
			  name ? "rule \"" : "process-scoring", name ? name : "", name ? "\"" : "",
			  process_lack_text(outcome->action),
			  manifest_process_action_word(outcome->fallback));
}

/* Does it isolate without what programs that refuse would add? */
static bool isolates_in_part(const struct process_outcome *outcome)
{
	return outcome->action == SYNFW_PROCESS_ISOLATE &&
	       outcome->fallback == SYNFW_PROCESS_ISOLATE && !outcome->monitor;
}

#define PARTLY                                                                                   \
	"isolates in part, as its fallback says: here accept(2) and listen(2) cannot be refused" \
	" (%s), so what is isolated gets no socket, and may not connect, bind or send, but with" \
	" sockets that it had it goes on to accept, and to use raw ones, ping and SCTP"

/* The first rule that isolates in part, and how many more there are. */
static void note_partial_rules(const struct policy *policy, struct notes *notes)
{
	const char *first = NULL;
	size_t count = 0, i;
	char more[40] = "";

	for (i = 0; i < policy->nr_process_rules; i++)
		if (isolates_in_part(&policy->process_rules[i].outcome) && !count++)
			first = policy->process_rules[i].name;
	for (i = 0; i < policy->nr_memory_rules; i++)
		if (isolates_in_part(&policy->memory_rules[i].outcome) && !count++)
			first = policy->memory_rules[i].name;
	if (count > 1)
		snprintf(more, sizeof(more), " (and %zu more)", count - 1);
	if (count)
		notes_add(notes, "rule \"%s\"%s " PARTLY, first, more, lack_of_refusal());
}

static void note_partial(const struct policy *policy, const struct process_outcome *scoring,
			 struct notes *notes)
{
	note_partial_rules(policy, notes);
	if (isolates_in_part(scoring))
		notes_add(notes, "process-scoring " PARTLY, lack_of_refusal());
}

static void note_what_would_be_refused(const struct policy *policy, struct notes *notes)
{
	const struct refusal refusal = find_refusal(policy);
	CLEANUP(cleanup_free) char *text = refusal.count ? refusal_text(&refusal) : NULL;

	if (text)
		notes_add(notes, "in mode block this policy would be refused: %s", text);
}

void process_judge_note(const struct policy *policy, bool can_refuse, bool isolates_fully,
			struct notes *notes)
{
	const struct means means = {can_refuse, isolates_fully};
	const struct process_outcome scoring = scoring_outcome(policy);
	size_t i;

	if (policy->monitor) {
		if (!can_refuse)
			note_what_would_be_refused(policy, notes);
		return;
	}
	for (i = 0; i < policy->nr_process_rules; i++)
		note_fallback(policy->process_rules[i].name, &policy->process_rules[i].outcome,
			      &means, notes);
	for (i = 0; i < policy->nr_memory_rules; i++)
		note_fallback(policy->memory_rules[i].name, &policy->memory_rules[i].outcome,
			      &means, notes);
	note_fallback(NULL, &scoring, &means, notes);
	/* where anything else is lacking, what isolates in part was refused */
	if (!can_refuse)
		note_partial(policy, &scoring, notes);
}

/* ---- tests ---- */

static const char *action_word(unsigned int action)
{
	return action == SYNFW_PROCESS_SCORE || action >= SYNFW_NR_PROCESS_ACTIONS
		       ? "allow"
		       : manifest_process_action_word(action);
}

/* The rule that decided, or NULL. */
static const struct process_rule *deciding_rule(const struct policy *policy,
						const struct process_tables *tables,
						const struct synfw_process_question *question)
{
	uint32_t index;

	if (!tables || question->bit >= tables->head.nr_rules)
		return NULL;
	index = tables->rules[question->bit].index;
	return index < policy->nr_process_rules ? &policy->process_rules[index] : NULL;
}

static void report_failed(const struct process_test *test, const struct process_rule *rule,
			  const struct synfw_process_question *answer, struct diags *diags)
{
	CLEANUP(cleanup_free) char *text = process_spec_text(&test->process);
	bool names_rule;
	const char *cause = process_answer_cause(answer, &names_rule);
	struct diag *diag;

	names_rule = names_rule && rule;
	diag = diag_error(diags, test->at, "test failed: %s: expected %s%s%s%s, got %s%s%s%s%s",
			  text ? text : "exec", action_word(test->expect),
			  test->rule ? " by rule \"" : "", test->rule ? test->rule : "",
			  test->rule ? "\"" : "", process_answer_word(answer), cause,
			  names_rule ? " \"" : "", names_rule ? rule->name : "",
			  names_rule ? "\"" : "");
	if (rule)
		diag_related(diags, diag, rule->at, "this rule decided");
	else
		diag_hint(diag, "no rule decided");
}

static int run_test(const struct policy *policy, const struct process_tables *tables,
		    const struct process_shadow *shadow, bool can_refuse,
		    const struct process_test *test, struct diags *diags, struct fault *fault)
{
	CLEANUP(cleanup_free)
	struct synfw_process_question *question = calloc(1, sizeof(*question));
	const struct process_rule *rule;
	int err = 0;

	if (!question)
		return fault_system(fault, -ENOMEM, "cannot run a test");
	process_question(&test->process, 0, can_refuse, question);
	if (shadow)
		err = process_shadow_ask(shadow, fault, question);
	if (err)
		return err;
	rule = deciding_rule(policy, tables, question);
	if (rule)
		process_answer_note_fallback(question, rule->outcome.action);
	if (question->effect == test->expect &&
	    (!test->rule || (rule && !strcmp(rule->name, test->rule))))
		return 0;
	report_failed(test, rule, question, diags);
	return 0;
}

int process_judge_tests(const struct policy *policy, const struct process_tables *tables,
			const struct process_inner *inner, bool can_refuse, struct diags *diags,
			struct fault *fault)
{
	CLEANUP(process_shadow_close) struct process_shadow shadow = PROCESS_SHADOW_NONE;
	size_t before = diags_errors(diags), i;
	bool has_rules = tables && tables->head.nr_bits;
	int err = 0;

	if (!policy->nr_process_tests)
		return 0;
	if (has_rules)
		err = process_shadow_open(inner, &tables->head, fault, &shadow);
	for (i = 0; !err && i < policy->nr_process_tests; i++)
		err = run_test(policy, has_rules ? tables : NULL, has_rules ? &shadow : NULL,
			       can_refuse, &policy->process_tests[i], diags, fault);
	if (err)
		return err;
	return diags_errors(diags) > before ? -EINVAL : 0;
}
