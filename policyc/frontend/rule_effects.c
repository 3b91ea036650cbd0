/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "rule_effects.h"

#include <string.h>

#include "rates.h"
#include "suggest.h"

#define NS_PER_DAY    (86400 * 1000000000ULL)
#define MAX_BURST_NS  (36500 * NS_PER_DAY)
#define MAX_WITHIN_NS NS_PER_DAY

struct rate_draft {
	struct rate over;
	uint32_t burst;
	const struct node *burst_node;
	int per; /* enum synfw_limit_kind */
};

static int parse_burst(struct parser *parser, const struct schema_key *key,
		       const struct node *value, void *target)
{
	struct rate_draft *draft = target;

	draft->burst_node = value;
	return parse_count(parser, value, "a number of packets", MAX_BURST, &draft->burst);
}

int parse_rule_rate(struct parser *parser, const struct schema_key *key, const struct node *value,
		    void *target)
{
	static const struct key_parser keys[] = {
		{"over", parse_rate, offsetof(struct rate_draft, over)},
		{"burst", parse_burst, 0},
		{"per", parse_word, offsetof(struct rate_draft, per)},
		{NULL, NULL, 0},
	};
	struct rate_draft draft = {.per = SYNFW_LIMIT_SOURCE_RATE};
	struct effects_draft *effects = target;
	int err;

	effects->rate = value;
	err = parse_mapping(parser, SCHEMA_RATE, value, keys, &draft);
	if (err || !draft.over.count)
		return err;
	if (!draft.burst)
		draft.burst = draft.over.count;
	if (draft.burst_node && draft.burst > MAX_BURST_NS / rate_interval_ns(&draft.over))
		diag_error(parser->diags, location_of(parser, draft.burst_node),
			   "at this rate a burst of %u packets takes over a hundred years to be "
			   "there again",
			   draft.burst);
	effects->limit = (struct rule_limit){
		.kind = (enum synfw_limit_kind)draft.per,
		.rate = draft.over,
		.burst = draft.burst,
	};
	return 0;
}

static int parse_port_count(struct parser *parser, const struct schema_key *key,
			    const struct node *value, void *target)
{
	return parse_count(parser, value, "a number of ports", SYNFW_MAX_DISTINCT_PORTS, target);
}

/* The datapath remembers the times of ports in 32 bits of milliseconds. */
static int parse_within(struct parser *parser, const struct schema_key *key,
			const struct node *value, void *target)
{
	uint64_t within_ns = 0;
	int err = parse_duration(parser, key, value, &within_ns);

	if (within_ns > MAX_WITHIN_NS)
		diag_error(parser->diags, location_of(parser, value),
			   "\"%s\" is too long for \"within\": at most a day", value->text);
	*(uint64_t *)target = within_ns;
	return err;
}

int parse_distinct_ports(struct parser *parser, const struct schema_key *key,
			 const struct node *value, void *target)
{
	static const struct key_parser keys[] = {
		{"over", parse_port_count, offsetof(struct rule_limit, over)},
		{"within", parse_within, offsetof(struct rule_limit, within_ns)},
		{NULL, NULL, 0},
	};
	struct rule_limit limit = {.kind = SYNFW_LIMIT_PORTS};
	struct effects_draft *effects = target;
	int err;

	effects->ports = value;
	err = parse_mapping(parser, SCHEMA_DISTINCT_PORTS, value, keys, &limit);
	if (!err)
		effects->limit = limit;
	return err;
}

int parse_block(struct parser *parser, const struct schema_key *key, const struct node *value,
		void *target)
{
	struct effects_draft *draft = target;

	draft->block = value;
	return parse_duration(parser, key, value, &draft->block_ns);
}

static void report_no_set(struct parser *parser, const struct node *value)
{
	const struct policy *policy = parser->policy;
	struct suggestion near = suggest_start(value->text);
	struct diag *diag = diag_error(parser->diags, location_of(parser, value),
				       "no dynamic set is called \"%s\"", value->text);

	for (size_t i = 0; i < policy->nr_named_sets; i++)
		if (policy->sets[i].dynamic)
			suggest_offer(&near, policy->sets[i].name);
	if (near.best)
		diag_hint(diag, "did you mean \"%s\"?", near.best);
	else
		diag_hint(diag, "define it under sets, as in %s: {dynamic: true, timeout: 1h}",
			  value->text);
}

int parse_add_to(struct parser *parser, const struct schema_key *key, const struct node *value,
		 void *target)
{
	struct effects_draft *draft = target;
	const struct policy_set *set;
	struct diag *diag;
	uint32_t index;

	if (!check_name(parser, value, "the name of a dynamic set"))
		return 0;
	index = name_table_find(&parser->set_names, value->text, strlen(value->text));
	if (index == NAME_NOT_FOUND) {
		report_no_set(parser, value);
		return 0;
	}
	set = &parser->policy->sets[index];
	if (!set->dynamic) {
		diag = diag_error(parser->diags, location_of(parser, value),
				  "\"%s\" is not a dynamic set: its addresses are fixed",
				  value->text);
		diag_related(parser->diags, diag, set->at, "defined here");
		diag_hint(diag, "only a set with \"dynamic: true\" can be added to");
		return 0;
	}
	draft->add_to = value;
	draft->add_to_set = index;
	return 0;
}

void effects_check(struct parser *parser, const struct effects_draft *draft, bool allows)
{
	struct diag *diag;

	if (draft->rate && draft->ports) {
		diag = diag_error(parser->diags, location_of(parser, draft->ports),
				  "a rule has \"rate\" or \"distinct-ports\", not both");
		diag_related(parser->diags, diag, location_of(parser, draft->rate),
			     "the rate is here");
	}
	if (allows && (draft->rate || draft->ports)) {
		diag = diag_warning(parser->diags,
				    location_of(parser, draft->rate ? draft->rate : draft->ports),
				    "this rule allows only what exceeds the limit");
		diag_hint(diag, "to allow up to it, drop what exceeds it, and allow the rest in a "
				"rule behind that");
	}
	if (draft->block && allows) {
		diag = diag_error(parser->diags, location_of(parser, draft->block),
				  "a rule that allows a packet cannot block its source");
		diag_hint(diag, "\"block\" goes with \"action: drop\" or a score");
	}
}

/* Those whose connections are kept: TCP, UDP, SCTP, ICMP echo. */
static bool may_have_connections(const struct match *match)
{
	static const uint8_t protos[] = {1, 6, 17, 58, 132};

	if (!(match->keys & MATCH_PROTO))
		return true;
	for (size_t i = 0; i < sizeof(protos); i++)
		if (memchr(match->protos, protos[i], match->nr_protos))
			return true;
	return false;
}

void effects_check_match(struct parser *parser, const struct effects_draft *draft,
			 const struct match_draft *match)
{
	const struct policy *policy = parser->policy;
	struct diag *diag;

	if (draft->state && match->match.state == STATE_ESTABLISHED &&
	    policy->established == CHOICE_ALLOW) {
		diag = diag_error(parser->diags, location_of(parser, draft->state),
				  "%s can never match: defaults.established lets these packets "
				  "pass before the rules",
				  match->owner);
		if (policy->established_at.line)
			diag_related(parser->diags, diag, policy->established_at, "decided here");
		diag_hint(diag, "with \"established: rules\" under defaults the rules decide them");
	}
	if (draft->state && match->match.state == STATE_ESTABLISHED &&
	    !may_have_connections(&match->match))
		diag_error(parser->diags, location_of(parser, draft->state),
			   "%s can never match: its protocols have no connections", match->owner);
	if (draft->ports && !match_may_have_ports(&match->match))
		diag_error(parser->diags, location_of(parser, draft->ports),
			   "%s can never match: no packet that it asks for has ports",
			   match->owner);
}

void effects_finish(const struct effects_draft *draft, struct policy_rule *rule)
{
	rule->limit = draft->limit;
	rule->block_ns = draft->block_ns;
	rule->adds = draft->add_to;
	rule->add_to = draft->add_to_set;
	rule->log = draft->log;
}
