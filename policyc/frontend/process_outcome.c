/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "process_outcome.h"

#include <stdlib.h>
#include <string.h>

#include "../duration.h"

/* What stands behind the word and its blanks, or NULL when the text begins otherwise. */
static const char *behind(const char *text, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(text, word, length) || text[length] != ' ')
		return NULL;
	return text + length + strspn(text + length, " ");
}

static bool peers_read(const char *text, struct peers_effect *ret)
{
	const char *time = behind(text, "block"), *points = behind(text, "score");
	struct peers_effect peers = {.kind = time ? PEERS_BLOCK : PEERS_SCORE};

	if (time && !duration_parse(time, &peers.block_ns))
		return false;
	if (points &&
	    (!parse_number(points, strlen(points), SYNFW_MAX_SCORE, &peers.score) || !peers.score))
		return false;
	if (!time && !points)
		return false;
	*ret = peers;
	return true;
}

int parse_peers(struct parser *parser, const struct schema_key *key, const struct node *value,
		void *target)
{
	const char *text = parse_scalar(parser, value, "two words");
	struct diag *diag;

	if (!text || peers_read(text, target))
		return 0;
	diag = diag_error(parser->diags, location_of(parser, value),
			  "\"%s\" does not say what happens to peers", text);
	diag_hint(diag, "block and a duration, as in block 10m, or score and 1 to %d points",
		  SYNFW_MAX_SCORE);
	return 0;
}

int process_parse_fallback(struct parser *parser, const struct schema_key *key,
			   const struct node *value, void *target)
{
	struct process_draft *draft = target;

	draft->fallback_node = value;
	return parse_word(parser, key, value, &draft->fallback);
}

/* Is it an action that takes programs which refuse, in part or whole? */
static bool can_fall_back(const struct rule_head *head)
{
	return head->action_node &&
	       (head->action == SYNFW_PROCESS_DENY || head->action == SYNFW_PROCESS_ISOLATE);
}

void process_check_outcome(struct parser *parser, const struct process_draft *draft,
			   const struct node *node, const char *hint)
{
	rule_check_outcome(parser, &draft->head, node, hint);
	if (draft->fallback_node && !can_fall_back(&draft->head))
		diag_error(
			parser->diags, location_of(parser, draft->fallback_node),
			"\"fallback\" goes with what not every kernel can do: \"action: isolate\""
			", and, of an exec, \"action: deny\"");
	else if (draft->fallback_node && draft->fallback == SYNFW_PROCESS_ISOLATE &&
		 draft->head.action != SYNFW_PROCESS_ISOLATE)
		diag_error(parser->diags, location_of(parser, draft->fallback_node),
			   "\"fallback: partial\" goes with \"action: isolate\": an exec is denied "
			   "or it is not");
}

int process_parse_except(struct parser *parser, enum schema_section section,
			 const struct schema_key *key, const struct node *value,
			 struct process_draft *draft)
{
	static const struct key_parser keys[] = {PROCESS_KEY_PARSERS(0), {NULL, NULL, 0}};

	if (value->kind == NODE_MAPPING && !value->first) {
		diag_error(parser->diags, location_of(parser, value), "\"%s\" is empty", key->name);
		return 0;
	}
	draft->except_node = value;
	return parse_mapping(parser, section, value, keys, &draft->except);
}

void process_check_except(struct parser *parser, const struct process_draft *draft)
{
	uint64_t work = 0;

	if (draft->except_node && process_match_covers(&draft->except, &draft->match, &work))
		diag_error(parser->diags, location_of(parser, draft->except_node),
			   "rule \"%s\" can never match: \"except\" takes out all that it matches",
			   rule_name_of(&draft->head));
}

struct process_outcome process_outcome_of(const struct process_draft *draft)
{
	enum synfw_process_action action = draft->head.score_node
						   ? SYNFW_PROCESS_SCORE
						   : (enum synfw_process_action)draft->head.action;

	return (struct process_outcome){
		.action = action,
		.fallback =
			draft->fallback_node ? (enum synfw_process_action)draft->fallback : action,
		.has_fallback = draft->fallback_node,
		.score = draft->head.score,
		.monitor = draft->head.monitor,
		.peers = draft->peers,
	};
}

void process_draft_done(struct process_draft *draft)
{
	free(draft->head.description);
	process_match_done(&draft->match);
	process_match_done(&draft->except);
}

bool process_rules_have_room(struct parser *parser, const struct node *value)
{
	const struct policy *policy = parser->policy;
	const char *what = NULL;
	int limit = 0;

	if (policy->nr_process_rules + policy->nr_memory_rules == SYNFW_MAX_PROCESS_RULES) {
		what = "processes and memory";
		limit = SYNFW_MAX_PROCESS_RULES;
	} else if (policy->nr_memory_rules == SYNFW_MAX_MEMORY_RULES) {
		what = "memory";
		limit = SYNFW_MAX_MEMORY_RULES;
	}
	if (what && !parser->process_rules_full)
		diag_error(parser->diags, location_of(parser, value), "more than %d rules on %s",
			   limit, what);
	parser->process_rules_full = what;
	return !what;
}
