/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The section `process-scoring`. */
#include "rates.h"

struct process_scoring_draft {
	struct process_scoring *scoring;
	const struct node *flag_at, *act_at, *action, *fallback, *decay;
	int action_word, fallback_word; /* enum synfw_process_action */
	int on_peer_block;
};

static int parse_flag_at(struct parser *parser, const struct schema_key *key,
			 const struct node *value, void *target)
{
	struct process_scoring_draft *draft = target;

	draft->flag_at = value;
	return parse_count(parser, value, "a number of points", SYNFW_MAX_SCORE,
			   &draft->scoring->flag_at);
}

static int parse_act_at(struct parser *parser, const struct schema_key *key,
			const struct node *value, void *target)
{
	struct process_scoring_draft *draft = target;

	draft->act_at = value;
	return parse_count(parser, value, "a number of points", SYNFW_MAX_SCORE,
			   &draft->scoring->act_at);
}

static int parse_action(struct parser *parser, const struct schema_key *key,
			const struct node *value, void *target)
{
	struct process_scoring_draft *draft = target;

	draft->action = value;
	return parse_word(parser, key, value, &draft->action_word);
}

static int parse_fallback(struct parser *parser, const struct schema_key *key,
			  const struct node *value, void *target)
{
	struct process_scoring_draft *draft = target;

	draft->fallback = value;
	return parse_word(parser, key, value, &draft->fallback_word);
}

static int parse_scoring_decay(struct parser *parser, const struct schema_key *key,
			       const struct node *value, void *target)
{
	struct process_scoring_draft *draft = target;

	draft->decay = value;
	return parse_decay(parser, key, value, &draft->scoring->decay);
}

static void check_action(struct parser *parser, const struct process_scoring_draft *draft)
{
	struct diag *diag;

	if (draft->act_at && !draft->action) {
		diag = diag_error(parser->diags, location_of(parser, draft->act_at),
				  "\"act-at\" without \"action\"");
		diag_hint(diag, "say what is done then: flag, isolate or kill");
	}
	if (draft->action && !draft->act_at)
		diag_error(parser->diags, location_of(parser, draft->action),
			   "\"action\" without \"act-at\": nothing would lead to it");
	if (draft->fallback && (!draft->action || draft->action_word != SYNFW_PROCESS_ISOLATE))
		diag_error(parser->diags, location_of(parser, draft->fallback),
			   "\"fallback\" goes with what not every kernel can do: \"action: "
			   "isolate\"");
}

static void check_thresholds(struct parser *parser, const struct process_scoring_draft *draft)
{
	const struct process_scoring *scoring = draft->scoring;
	bool thresholds = draft->flag_at || draft->act_at;
	struct diag *diag;

	if (!thresholds && !draft->on_peer_block)
		diag_error(parser->diags, scoring->at,
			   "process-scoring needs \"flag-at\", \"act-at\" or \"on-peer-block\"");
	if (thresholds && !draft->decay)
		diag_error(parser->diags, scoring->at,
			   "process-scoring with thresholds needs \"decay\"");
	if (!thresholds && draft->decay)
		diag_error(parser->diags, location_of(parser, draft->decay),
			   "\"decay\" without \"flag-at\" and \"act-at\": there are no points");
	check_action(parser, draft);
	if (scoring->flag_at && scoring->act_at && scoring->act_at < scoring->flag_at) {
		diag = diag_error(parser->diags, location_of(parser, draft->act_at),
				  "\"act-at\" is less than \"flag-at\": a process would be acted "
				  "on before it is reported");
		diag_related(parser->diags, diag, location_of(parser, draft->flag_at),
			     "reported from here on");
	}
}

int parse_process_scoring(struct parser *parser, const struct schema_key *key,
			  const struct node *value, void *target)
{
	static const struct key_parser keys[] = {
		{"flag-at", parse_flag_at, 0},
		{"act-at", parse_act_at, 0},
		{"action", parse_action, 0},
		{"fallback", parse_fallback, 0},
		{"decay", parse_scoring_decay, 0},
		{"on-peer-block", parse_word,
		 offsetof(struct process_scoring_draft, on_peer_block)},
		{NULL, NULL, 0},
	};
	struct process_scoring *scoring = &parser->policy->process_scoring;
	struct process_scoring_draft draft = {.scoring = scoring};
	size_t errors = diags_errors(parser->diags);
	int err;

	scoring->written = true;
	scoring->at = location_of(parser, value);
	err = parse_mapping(parser, SCHEMA_PROCESS_SCORING, value, keys, &draft);
	if (err || value->kind != NODE_MAPPING)
		return err;
	if (diags_errors(parser->diags) == errors)
		check_thresholds(parser, &draft);
	scoring->action = (enum synfw_process_action)draft.action_word;
	scoring->fallback =
		draft.fallback ? (enum synfw_process_action)draft.fallback_word : scoring->action;
	scoring->has_fallback = draft.fallback;
	scoring->flag_on_peer_block = draft.on_peer_block;
	return 0;
}
