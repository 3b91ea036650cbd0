/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/over_time_model.h"

#include <string.h>

#include "base/must.h"

#define NS_PER_S  1000000000ULL
#define NS_PER_MS 1000000ULL

/* A packet on its way through the model. */
struct step {
	struct model *model;
	struct model_source *source;
	uint8_t proto;
	uint16_t port;
	uint64_t now_ns;
	struct model_part parts[SYNFW_SCORE_PARTS];	    /* what it gives */
	uint16_t last_scoring, logging, blocking, deciding; /* number + 1 */
	uint64_t block_ns;
	bool adds;
	struct model_result result;
};

void model_begin(struct model *model, const struct model_policy *policy)
{
	memset(model, 0, sizeof(*model));
	model->policy = policy;
}

static uint32_t points_of(unsigned __int128 level)
{
	return level / SYNFW_SCORE_UNIT;
}

static void event_add(struct step *step, uint8_t kind, uint16_t counter, uint64_t block_expires_ns)
{
	struct model_result *result = &step->result;

	MUST(result->nr_events < MODEL_MAX_EVENTS);
	result->events[result->nr_events++] = (struct model_event){
		.kind = kind,
		.reason = result->reason,
		.verdict = result->verdict,
		.counter = counter,
		.before = result->before,
		.after = result->after,
		.block_expires_ns = block_expires_ns,
	};
}

/* ---- limits ------------------------------------------------------------------------------- */

static bool rate_exceeded(const struct model_rule *rule, uint64_t *tat_ns, uint64_t now_ns)
{
	uint64_t interval_ns = NS_PER_S / rule->per_second;
	uint64_t tolerance_ns = (rule->burst - 1) * interval_ns;

	if (*tat_ns > now_ns + tolerance_ns)
		return true;
	*tat_ns = (*tat_ns > now_ns ? *tat_ns : now_ns) + interval_ns;
	return false;
}

static bool ports_exceeded(const struct model_rule *rule, struct model_limit *limit, uint16_t port,
			   uint64_t now_ns)
{
	uint64_t now_ms = now_ns / NS_PER_MS;
	uint32_t distinct = 0;
	bool known = false;

	for (uint32_t i = 0; i < limit->nr_tries; i++)
		if (limit->tries[i].port == port) {
			limit->tries[i].at_ms = now_ms;
			known = true;
		}
	if (!known) {
		MUST(limit->nr_tries < MODEL_MAX_PORTS);
		limit->tries[limit->nr_tries++] = (struct model_try){port, now_ms};
	}
	for (uint32_t i = 0; i < limit->nr_tries; i++)
		distinct += now_ms - limit->tries[i].at_ms < rule->within_ns / NS_PER_MS;
	return distinct > rule->over;
}

static bool limit_lets_match(struct step *step, uint32_t number)
{
	const struct model_rule *rule = &step->model->policy->rules[number];
	struct model_limit *limit = &step->source->limits[number];

	switch (rule->limit) {
	case SYNFW_LIMIT_RATE:
		return rate_exceeded(rule, &step->model->rule_tat_ns[number], step->now_ns);
	case SYNFW_LIMIT_SOURCE_RATE:
		return rate_exceeded(rule, &limit->tat_ns, step->now_ns);
	case SYNFW_LIMIT_PORTS:
		return ports_exceeded(rule, limit, step->port, step->now_ns);
	default:
		return true;
	}
}

/* ---- the walk ----------------------------------------------------------------------------- */

static void parts_add(struct model_part parts[SYNFW_SCORE_PARTS], uint16_t rule, uint64_t hits,
		      uint64_t points)
{
	for (int i = 0; i < SYNFW_SCORE_PARTS; i++)
		if (parts[i].rule == rule || !parts[i].rule) {
			parts[i].rule = rule;
			parts[i].hits += hits;
			parts[i].points += points;
			return;
		}
}

static void rule_acts(struct step *step, uint32_t number)
{
	const struct model_rule *rule = &step->model->policy->rules[number];

	if (rule->score) {
		step->result.score += rule->score;
		step->last_scoring = number + 1;
		parts_add(step->parts, number + 1, 1, rule->score);
	}
	if (rule->block_ns > step->block_ns) {
		step->block_ns = rule->block_ns;
		step->blocking = number + 1;
	}
	step->adds |= rule->adds;
	if (rule->log && !step->logging)
		step->logging = number + 1;
}

static void walk(struct step *step)
{
	const struct model_policy *policy = step->model->policy;

	step->result.verdict = policy->drops_by_default ? SYNFW_DROP : SYNFW_ALLOW;
	step->result.reason =
		policy->drops_by_default ? SYNFW_REASON_DEFAULT_DROP : SYNFW_REASON_DEFAULT_ALLOW;
	for (uint32_t i = 0; i < policy->nr_rules; i++) {
		const struct model_rule *rule = &policy->rules[i];

		if (rule->proto != step->proto || step->port < rule->first_port ||
		    step->port > rule->last_port || !limit_lets_match(step, i))
			continue;
		step->result.matched |= 1U << i;
		if (rule->monitor)
			continue;
		rule_acts(step, i);
		if (rule->score)
			continue;
		step->result.verdict = rule->action == SYNFW_ACTION_DROP ? SYNFW_DROP : SYNFW_ALLOW;
		step->result.reason = rule->action == SYNFW_ACTION_DROP ? SYNFW_REASON_RULE_DROP
									: SYNFW_REASON_RULE_ALLOW;
		step->deciding = i + 1;
		return;
	}
}

/* ---- what comes of it --------------------------------------------------------------------- */

static bool block_holds(const struct step *step)
{
	const struct model_source *source = step->source;

	return source->has_block &&
	       (!source->block.expires_boot_ns || source->block.expires_boot_ns > step->now_ns);
}

static void block(struct step *step, uint64_t for_ns, uint8_t cause, uint16_t counter)
{
	struct synfw_block *made = &step->source->block;
	uint64_t expires_ns = step->now_ns + for_ns;

	if (block_holds(step) && expires_ns <= made->expires_boot_ns)
		return;
	if (!step->source->has_block)
		*made = (struct synfw_block){};
	step->source->has_block = true;
	made->offences += cause == SYNFW_BLOCK_SCORE;
	made->expires_boot_ns = expires_ns;
	made->since_boot_ns = step->now_ns;
	made->score = step->result.after;
	made->counter = counter;
	made->cause = cause;
	made->flags = step->model->policy->monitor ? SYNFW_BLOCK_MONITOR : 0;
	memset(made->part, 0, sizeof(made->part));
	for (int i = 0; i < SYNFW_SCORE_PARTS && step->result.score; i++) {
		const struct model_part *part = &step->source->parts[i];

		made->part[i] = (struct synfw_score_part){part->rule, part->hits, part->points};
	}
	event_add(step, SYNFW_EVENT_BLOCK, counter, expires_ns);
}

/* Exact: 128 bits hold the product of any times and rates. */
static void leak(struct model_source *source, uint64_t decay, uint64_t now_ns)
{
	/* in the units that are remembered */
	uint64_t moment_ns = synfw_entry_moment_ns(now_ns);
	unsigned __int128 lost = (unsigned __int128)(moment_ns - source->updated_ns) * decay;

	source->level = source->level > lost ? source->level - lost : 0;
	source->updated_ns = moment_ns;
	if (!source->level)
		memset(source->parts, 0, sizeof(source->parts));
}

static void score(struct step *step)
{
	const struct model_policy *policy = step->model->policy;
	struct model_source *source = step->source;
	unsigned __int128 before, most = (unsigned __int128)SYNFW_MAX_SCORE * SYNFW_SCORE_UNIT;
	uint32_t offences = source->has_block ? source->block.offences : 0;

	leak(source, policy->decay, step->now_ns);
	before = source->level;
	source->level += (unsigned __int128)step->result.score * SYNFW_SCORE_UNIT;
	if (source->level > most)
		source->level = most;
	for (int i = 0; i < SYNFW_SCORE_PARTS; i++)
		if (step->parts[i].rule)
			parts_add(source->parts, step->parts[i].rule, step->parts[i].hits,
				  step->parts[i].points);
	step->result.before = points_of(before);
	step->result.after = points_of(source->level);
	if (policy->drop_at && step->result.after >= policy->drop_at) {
		step->result.verdict = SYNFW_DROP;
		step->result.reason = SYNFW_REASON_SCORE;
	}
	if (policy->flag_at && step->result.before < policy->flag_at &&
	    step->result.after >= policy->flag_at)
		event_add(step, SYNFW_EVENT_FLAG, step->last_scoring, 0);
	if (policy->drop_at && step->result.after >= policy->drop_at)
		block(step, policy->block_for_ns[offences < 2 ? offences : 2], SYNFW_BLOCK_SCORE,
		      step->last_scoring);
}

static void hold_against_source(struct step *step)
{
	if (step->source->spared)
		return;
	if (step->result.score)
		score(step);
	if (step->block_ns)
		block(step, step->block_ns, SYNFW_BLOCK_RULE, step->blocking);
	if (step->adds)
		step->source->member_ns = step->now_ns + step->model->policy->member_timeout_ns;
}

struct model_result model_packet(struct model *model, uint32_t source, uint8_t proto, uint16_t port,
				 uint64_t now_ns)
{
	struct step step = {
		.model = model,
		.source = &model->sources[source],
		.proto = proto,
		.port = port,
		.now_ns = now_ns,
	};
	uint16_t counter;

	if (block_holds(&step) && !step.source->spared) {
		step.result.verdict = SYNFW_DROP;
		step.result.reason = SYNFW_REASON_BLOCKED;
		event_add(&step, SYNFW_EVENT_DROP, step.source->block.counter, 0);
		return step.result;
	}
	walk(&step);
	hold_against_source(&step);
	counter = step.result.reason == SYNFW_REASON_SCORE ? step.last_scoring : step.deciding;
	if (step.logging)
		event_add(&step, SYNFW_EVENT_RULE, step.logging, 0);
	else if (step.result.verdict == SYNFW_DROP)
		event_add(&step, SYNFW_EVENT_DROP, counter, 0);
	return step.result;
}
