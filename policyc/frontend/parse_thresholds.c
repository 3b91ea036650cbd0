/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "thresholds.h"

#include <string.h>

#include "process_outcome.h"
#include "rates.h"

#define NR_BLOCK_TIMES	    3
#define DEFAULT_IPV6_PREFIX 64
#define DEFAULT_SAMPLE	    100
#define DEFAULT_LIMIT	    50
#define MAX_SAMPLE	    1000000
#define NS_PER_S	    1000000000ULL

struct scoring_draft {
	struct scoring *scoring;
	const struct node *flag_at, *drop_at, *block_for;
	size_t nr_block_times;
};

void thresholds_default(struct policy *policy)
{
	policy->scoring.ipv6_prefixlen = DEFAULT_IPV6_PREFIX;
	policy->logging = (struct logging){
		.events = 1U << SYNFW_EVENT_BLOCK | 1U << SYNFW_EVENT_FLAG | 1U << SYNFW_EVENT_RULE,
		.process_events = true,
		.memory_events = true,
		.sample = DEFAULT_SAMPLE,
		.limit = {DEFAULT_LIMIT, NS_PER_S},
	};
}

static int parse_flag_at(struct parser *parser, const struct schema_key *key,
			 const struct node *value, void *target)
{
	struct scoring_draft *draft = target;

	draft->flag_at = value;
	return parse_count(parser, value, "a number of points", SYNFW_MAX_SCORE,
			   &draft->scoring->flag_at);
}

static int parse_drop_at(struct parser *parser, const struct schema_key *key,
			 const struct node *value, void *target)
{
	struct scoring_draft *draft = target;

	draft->drop_at = value;
	return parse_count(parser, value, "a number of points", SYNFW_MAX_SCORE,
			   &draft->scoring->drop_at);
}

static int parse_scoring_decay(struct parser *parser, const struct schema_key *key,
			       const struct node *value, void *target)
{
	struct scoring_draft *draft = target;

	return parse_decay(parser, key, value, &draft->scoring->decay);
}

static int parse_block_time(struct parser *parser, const struct schema_key *key,
			    const struct node *value, void *target)
{
	struct scoring_draft *draft = target;
	size_t at = draft->nr_block_times++;

	if (at < NR_BLOCK_TIMES)
		return parse_duration(parser, key, value, &draft->scoring->block_for_ns[at]);
	if (at == NR_BLOCK_TIMES)
		diag_error(parser->diags, location_of(parser, value),
			   "\"block-for\" has at most three times: of the 1st, the 2nd, and the "
			   "3rd and later ones");
	return 0;
}

static int parse_block_for(struct parser *parser, const struct schema_key *key,
			   const struct node *value, void *target)
{
	struct scoring_draft *draft = target;

	draft->block_for = value;
	return parse_list(parser, key, value, parse_block_time, draft);
}

static int parse_ipv6_prefix(struct parser *parser, const struct schema_key *key,
			     const struct node *value, void *target)
{
	struct scoring_draft *draft = target;

	return parse_count(parser, value, "a prefix length of IPv6", 128,
			   &draft->scoring->ipv6_prefixlen);
}

static void check_thresholds(struct parser *parser, const struct scoring_draft *draft)
{
	const struct scoring *scoring = draft->scoring;
	struct diag *diag;

	if (!draft->flag_at && !draft->drop_at)
		diag_error(parser->diags, scoring->at,
			   "scoring needs \"flag-at\", \"drop-at\" or both");
	if (draft->drop_at && !draft->block_for) {
		diag = diag_error(parser->diags, location_of(parser, draft->drop_at),
				  "\"drop-at\" without \"block-for\"");
		diag_hint(diag, "say for how long, as in block-for: [10m, 1h, 24h]");
	}
	if (draft->block_for && !draft->drop_at)
		diag_error(parser->diags, location_of(parser, draft->block_for),
			   "\"block-for\" without \"drop-at\": nothing would block");
	if (scoring->flag_at && scoring->drop_at && scoring->drop_at < scoring->flag_at) {
		diag = diag_error(parser->diags, location_of(parser, draft->drop_at),
				  "\"drop-at\" is less than \"flag-at\": a source would be "
				  "blocked before it is reported");
		diag_related(parser->diags, diag, location_of(parser, draft->flag_at),
			     "reported from here on");
	}
}

int parse_scoring(struct parser *parser, const struct schema_key *key, const struct node *value,
		  void *target)
{
	static const struct key_parser keys[] = {
		{"flag-at", parse_flag_at, 0},	       {"drop-at", parse_drop_at, 0},
		{"decay", parse_scoring_decay, 0},     {"block-for", parse_block_for, 0},
		{"ipv6-prefix", parse_ipv6_prefix, 0}, {NULL, NULL, 0},
	};
	struct scoring *scoring = &parser->policy->scoring;
	struct scoring_draft draft = {.scoring = scoring};
	int err;

	scoring->written = true;
	scoring->at = location_of(parser, value);
	err = parse_mapping(parser, SCHEMA_SCORING, value, keys, &draft);
	if (err || value->kind != NODE_MAPPING)
		return err;
	check_thresholds(parser, &draft);
	for (size_t i = draft.nr_block_times; i && i < NR_BLOCK_TIMES; i++)
		scoring->block_for_ns[i] = scoring->block_for_ns[i - 1];
	return 0;
}

static bool blocks_sources(const struct policy *policy)
{
	for (size_t i = 0; i < policy->nr_rules; i++)
		if (policy->rules[i].block_ns)
			return true;
	return policy->scoring.written || process_rules_have_peers(policy, PEERS_BLOCK);
}

static bool is_everybody(const struct policy *policy, const struct set_refs *refs)
{
	for (size_t i = 0; i < refs->count; i++) {
		const struct prefix_list *list = &policy->sets[refs->index[i]].prefixes;

		if (list->nr_v4 && !list->v4[0].prefixlen && list->nr_v6 && !list->v6[0].prefixlen)
			return true;
	}
	return false;
}

/* What protects everybody leaves nobody to be blocked, and looks harmless. */
static void warn_of_protected_sources(struct parser *parser)
{
	const struct policy *policy = parser->policy;
	struct diag *diag;

	for (size_t i = 0; i < policy->nr_protects; i++) {
		if (!is_everybody(policy, &policy->protects[i].match.from))
			continue;
		diag = diag_warning(parser->diags, policy->protects[i].at,
				    "no source is ever scored or blocked: this entry protects all "
				    "of them");
		diag_hint(diag, "name those who have to get in, or let a rule allow the others");
		return;
	}
}

void scoring_check(struct parser *parser)
{
	const struct policy *policy = parser->policy;
	const struct policy_rule *first = NULL;
	struct diag *diag;

	for (size_t i = 0; i < policy->nr_rules && !first; i++)
		if (policy->rules[i].action == SYNFW_ACTION_SCORE)
			first = &policy->rules[i];
	if (first && !policy->scoring.written) {
		diag = diag_warning(parser->diags, first->at,
				    "nothing comes of the points of rule \"%s\": the policy has no "
				    "\"scoring\"",
				    first->name);
		diag_hint(diag, "as in scoring: {flag-at: 50, drop-at: 100, decay: 10/min, "
				"block-for: 10m}");
	}
	if (blocks_sources(policy))
		warn_of_protected_sources(parser);
	if (!first && policy->scoring.written && !process_rules_have_peers(policy, PEERS_SCORE))
		diag_warning(parser->diags, policy->scoring.at,
			     "\"scoring\" without a rule that gives points");
}

static int parse_event(struct parser *parser, const struct schema_key *key,
		       const struct node *value, void *target)
{
	const char *text = parse_scalar(parser, value, "a kind of event");
	struct logging *logging = target;
	size_t errors = diags_errors(parser->diags);
	int kind = 0, err;

	if (!text)
		return 0;
	err = parse_word(parser, key, value, &kind);
	if (diags_errors(parser->diags) > errors)
		return err;
	if (kind == EVENTS_OF_PROCESSES)
		logging->process_events = true;
	else if (kind == EVENTS_OF_MEMORY)
		logging->memory_events = true;
	else
		logging->events |= 1U << kind;
	return err;
}

static int parse_events(struct parser *parser, const struct schema_key *key,
			const struct node *value, void *target)
{
	struct logging *logging = target;

	logging->events = 1U << SYNFW_EVENT_RULE;
	logging->process_events = logging->memory_events = false;
	return parse_list(parser, key, value, parse_event, logging);
}

static int parse_sample(struct parser *parser, const struct schema_key *key,
			const struct node *value, void *target)
{
	const char *text = parse_scalar(parser, value, "a ratio");
	struct logging *logging = target;
	struct diag *diag;
	uint32_t sample;

	if (!text)
		return 0;
	if (!strncmp(text, "1/", 2) &&
	    parse_number(text + 2, strlen(text + 2), MAX_SAMPLE, &sample) && sample) {
		logging->sample = sample;
		return 0;
	}
	diag = diag_error(parser->diags, location_of(parser, value), "\"%s\" is not a sample",
			  text);
	diag_hint(diag, "1/ and a number from 1 to %d, as in 1/100; 1/1 is all", MAX_SAMPLE);
	return 0;
}

int parse_logging(struct parser *parser, const struct schema_key *key, const struct node *value,
		  void *target)
{
	static const struct key_parser keys[] = {
		{"events", parse_events, 0},
		{"sample", parse_sample, 0},
		{"limit", parse_rate, offsetof(struct logging, limit)},
		{NULL, NULL, 0},
	};

	if (value->kind == NODE_SCALAR && !value->text[0])
		return 0;
	return parse_mapping(parser, SCHEMA_LOGGING, value, keys, &parser->policy->logging);
}
