/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "process_outcome.h"

/* How many comparisons may look for covered rules in one policy; beyond it the search stops, so
 * that no policy is read slowly. */
#define MAX_WORK 20000000

/* The parts that rules on processes and on memory have alike. */
struct view {
	const char *name;
	struct location at;
	const struct process_match *match, *except; /* except NULL: none */
	const struct process_outcome *outcome;
	const struct memory_rule *memory; /* NULL: a rule on processes */
};

/* All of them in one row, those on memory behind the others. */
static size_t nr_views(const struct policy *policy)
{
	return policy->nr_process_rules + policy->nr_memory_rules;
}

static struct view view_of(const struct policy *policy, size_t i)
{
	const struct process_rule *process;
	const struct memory_rule *memory;

	if (i >= policy->nr_process_rules) {
		memory = &policy->memory_rules[i - policy->nr_process_rules];
		return (struct view){memory->name,     memory->at,
				     &memory->match,   memory->has_except ? &memory->except : NULL,
				     &memory->outcome, memory};
	}
	process = &policy->process_rules[i];
	return (struct view){process->name,	process->at,
			     &process->match,	process->has_except ? &process->except : NULL,
			     &process->outcome, NULL};
}

/* Growth of more than 2 GiB in 5 seconds is growth of more than 1 GiB in 10. */
static bool event_covers(const struct memory_rule *outer, const struct memory_rule *inner)
{
	if (!outer || !inner)
		return !outer && !inner;
	return outer->event == inner->event && outer->over_bytes <= inner->over_bytes &&
	       outer->within_ns >= inner->within_ns;
}

/* Whether `earlier` decides all that `later` would match. */
static bool view_covers(const struct view *earlier, const struct view *later, uint64_t *work)
{
	if (earlier->outcome->action == SYNFW_PROCESS_SCORE || earlier->outcome->monitor)
		return false;
	if (earlier->except &&
	    !(later->except && process_match_covers(later->except, earlier->except, work)))
		return false;
	return event_covers(earlier->memory, later->memory) &&
	       process_match_covers(earlier->match, later->match, work);
}

static void warn_if_covered(struct parser *parser, size_t i, uint64_t *work)
{
	struct view later = view_of(parser->policy, i);
	struct diag *diag;

	for (size_t k = 0; k < i && *work <= MAX_WORK; k++) {
		struct view earlier = view_of(parser->policy, k);

		if (!view_covers(&earlier, &later, work))
			continue;
		diag = diag_warning(
			parser->diags, later.at,
			"rule \"%s\" can never match: an earlier one covers all it matches",
			later.name);
		diag_related(parser->diags, diag, earlier.at, "rule \"%s\" decides first",
			     earlier.name);
		return;
	}
}

bool process_rules_have_peers(const struct policy *policy, enum peers_kind kind)
{
	for (size_t i = 0; i < nr_views(policy); i++)
		if (view_of(policy, i).outcome->peers.kind == kind)
			return true;
	return false;
}

static void check_peers(struct parser *parser)
{
	const struct policy *policy = parser->policy;

	for (size_t i = 0; i < nr_views(policy) && !policy->scoring.written; i++) {
		struct view view = view_of(policy, i);

		if (view.outcome->peers.kind != PEERS_SCORE)
			continue;
		diag_warning(parser->diags, view.at,
			     "nothing comes of the points that rule \"%s\" gives to peers: the "
			     "policy has no \"scoring\"",
			     view.name);
		return;
	}
}

static void check_points(struct parser *parser)
{
	const struct policy *policy = parser->policy;
	bool thresholds = policy->process_scoring.decay.count;
	struct diag *diag;

	for (size_t i = 0; i < nr_views(policy); i++) {
		struct view view = view_of(policy, i);

		if (view.outcome->action != SYNFW_PROCESS_SCORE)
			continue;
		if (thresholds)
			return;
		diag = diag_warning(parser->diags, view.at,
				    "nothing comes of the points of rule \"%s\": the policy has no "
				    "thresholds in \"process-scoring\"",
				    view.name);
		diag_hint(diag, "as in process-scoring: {flag-at: 50, act-at: 100, action: "
				"isolate, decay: 5/min}");
		return;
	}
	if (thresholds)
		diag_warning(parser->diags, policy->process_scoring.at,
			     "\"process-scoring\" has thresholds, and no rule on processes or "
			     "memory gives points");
}

void process_rules_check(struct parser *parser)
{
	uint64_t work = 0;

	for (size_t i = 0; i < nr_views(parser->policy); i++)
		warn_if_covered(parser, i, &work);
	check_points(parser);
	check_peers(parser);
}
