/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The manifest of a parsed policy. */
#include "manifest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <describe.h>
#include <synfw/cleanup.h>

static const char *const choice_words[] = {
	[CHOICE_ALLOW] = "allow",
	[CHOICE_DROP] = "drop",
	[CHOICE_RULES] = "rules",
	[CHOICE_ESSENTIAL] = "essential",
};

/* strdup that passes NULL on; *error becomes -ENOMEM when a copy fails. */
static char *copy(const char *text, int *error)
{
	char *copied = text ? strdup(text) : NULL;

	if (text && !copied)
		*error = -ENOMEM;
	return copied;
}

/* Of a normalised list, in which the whole address space is the first, and the only one. */
static bool has_everybody(const struct prefix_list *list)
{
	return (list->nr_v4 && !list->v4[0].prefixlen) || (list->nr_v6 && !list->v6[0].prefixlen);
}

/* Does it name sources, not just everybody, and none of them in a dynamic set? */
static bool lists_sources(const struct policy *policy, const struct match *match)
{
	const struct policy_set *set;
	size_t i;

	for (i = 0; i < match->from.count; i++) {
		set = &policy->sets[match->from.index[i]];
		if (set->dynamic || has_everybody(&set->prefixes))
			return false;
	}
	return match->keys & MATCH_FROM;
}

static int build_rules(const struct policy *policy, struct manifest *manifest)
{
	int error = 0;
	size_t i;

	manifest->rules = calloc(policy->nr_rules + 1, sizeof(*manifest->rules));
	if (!manifest->rules)
		return -ENOMEM;
	for (i = 0; i < policy->nr_rules; i++) {
		const struct policy_rule *rule = &policy->rules[i];

		manifest->rules[i] = (struct manifest_rule){
			.name = copy(rule->name, &error),
			.line = rule->at.line,
			.action = rule->action,
			.score = rule->score,
			.monitor = rule->monitor,
			.description = copy(rule->description, &error),
			.listed = lists_sources(policy, &rule->match),
			.remembered = rule->score || rule->block_ns ||
				      rule->limit.kind != SYNFW_LIMIT_NONE,
		};
		manifest->nr_rules++;
		if (error || policy_rule_describe(policy, rule, &manifest->rules[i].text))
			return -ENOMEM;
	}
	return 0;
}

static int build_process_rule(const struct process_rule *rule,
			      struct manifest_process_rule *ret_rule)
{
	int error = 0;

	*ret_rule = (struct manifest_process_rule){
		.name = copy(rule->name, &error),
		.line = rule->at.line,
		.trigger = SYNFW_ON_EXEC,
		.action = rule->outcome.action,
		.fallback = rule->outcome.fallback,
		.score = rule->outcome.score,
		.monitor = rule->outcome.monitor,
		.peers = rule->outcome.peers.kind != PEERS_NONE,
		.description = copy(rule->description, &error),
	};
	return error ? error : policy_process_rule_describe(rule, &ret_rule->text);
}

static int build_process_scoring(const struct policy *policy,
				 struct manifest_process_scoring *ret_scoring)
{
	const struct process_scoring *scoring = &policy->process_scoring;

	ret_scoring->line = scoring->at.line;
	ret_scoring->action = scoring->action;
	ret_scoring->fallback = scoring->fallback;
	return policy_process_scoring_describe(policy, &ret_scoring->text);
}

static int build_memory_rule(const struct memory_rule *rule, struct manifest_process_rule *ret_rule)
{
	int error = 0;

	*ret_rule = (struct manifest_process_rule){
		.name = copy(rule->name, &error),
		.line = rule->at.line,
		.trigger = rule->event,
		.action = rule->outcome.action,
		.fallback = rule->outcome.fallback,
		.score = rule->outcome.score,
		.monitor = rule->outcome.monitor,
		.peers = rule->outcome.peers.kind != PEERS_NONE,
		.description = copy(rule->description, &error),
	};
	return error ? error : policy_memory_rule_describe(rule, &ret_rule->text);
}

static int build_process_rules(const struct policy *policy, struct manifest *manifest)
{
	size_t count = policy->nr_process_rules + policy->nr_memory_rules, i;
	struct manifest_process_rule *rules = calloc(count + 1, sizeof(*rules));
	int err = 0;

	manifest->process_rules = rules;
	if (!rules)
		return -ENOMEM;
	for (i = 0; !err && i < policy->nr_process_rules; i++)
		err = build_process_rule(&policy->process_rules[i],
					 &rules[manifest->nr_process_rules++]);
	for (i = 0; !err && i < policy->nr_memory_rules; i++)
		err = build_memory_rule(&policy->memory_rules[i],
					&rules[manifest->nr_process_rules++]);
	return err;
}

static int build_protects(const struct policy *policy, struct manifest *manifest)
{
	size_t i;
	int err;

	manifest->protects = calloc(policy->nr_protects + 1, sizeof(*manifest->protects));
	if (!manifest->protects)
		return -ENOMEM;
	for (i = 0; i < policy->nr_protects; i++) {
		manifest->protects[i].line = policy->protects[i].at.line;
		manifest->protects[i].listed = !policy->protects[i].infrastructure &&
					       lists_sources(policy, &policy->protects[i].match);
		manifest->nr_protects++;
		err = policy_protect_describe(policy, &policy->protects[i],
					      &manifest->protects[i].text);
		if (err)
			return err;
	}
	return 0;
}

static int build_program_protects(const struct policy *policy, struct manifest *manifest)
{
	size_t i;
	int err = 0;

	manifest->program_protects =
		calloc(policy->nr_program_protects + 1, sizeof(*manifest->program_protects));
	if (!manifest->program_protects)
		return -ENOMEM;
	for (i = 0; !err && i < policy->nr_program_protects; i++) {
		manifest->program_protects[i].line = policy->program_protects[i].at.line;
		manifest->nr_program_protects++;
		err = policy_program_protect_describe(&policy->program_protects[i],
						      &manifest->program_protects[i].text);
	}
	return err;
}

static int build_sets(const struct policy *policy, struct manifest *manifest)
{
	int error = 0;
	size_t i;

	manifest->sets = calloc(policy->nr_named_sets + 1, sizeof(*manifest->sets));
	if (!manifest->sets)
		return -ENOMEM;
	for (i = 0; i < policy->nr_named_sets; i++) {
		const struct policy_set *set = &policy->sets[i];
		char digest[PREFIX_DIGEST_SIZE];

		prefix_list_digest(&set->prefixes, digest);
		manifest->sets[i] = (struct manifest_set){
			.name = copy(set->name, &error),
			.entries4 = set->prefixes.nr_v4,
			.entries6 = set->prefixes.nr_v6,
			.digest = copy(digest, &error),
			.file = copy(set->file, &error),
			.max_age_ns = set->max_age_ns,
			.mtime_ns = set->file_mtime_ns,
			.dynamic = set->dynamic,
			.size = set->size,
			.timeout_ns = set->timeout_ns,
		};
		manifest->nr_sets++;
		if (error)
			return error;
	}
	return 0;
}

static int build_defaults(const struct policy *policy, struct manifest *manifest)
{
	const struct {
		const char *name;
		enum default_choice choice;
	} defaults[] = {
		{"incoming", policy->incoming},	  {"established", policy->established},
		{"icmp", policy->icmp},		  {"fragments", policy->fragments},
		{"malformed", policy->malformed}, {"ethertypes", policy->ethertypes},
	};
	const size_t count = sizeof(defaults) / sizeof(*defaults);
	int error = 0;
	size_t i;

	manifest->defaults = calloc(count, sizeof(*manifest->defaults));
	if (!manifest->defaults)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		manifest->defaults[i] = (struct manifest_default){
			.name = copy(defaults[i].name, &error),
			.choice = copy(choice_words[defaults[i].choice], &error),
		};
		manifest->nr_defaults++;
	}
	return error;
}

int manifest_from_policy(const struct policy *policy, struct manifest **ret_manifest)
{
	CLEANUP(manifest_freep) struct manifest *manifest = calloc(1, sizeof(*manifest));
	int err = 0;

	if (!manifest)
		return -ENOMEM;
	manifest->policy = copy(policy->name, &err);
	manifest->description = copy(policy->description, &err);
	manifest->file = realpath(policy->file, NULL);
	if (!manifest->file)
		manifest->file = copy(policy->file, &err);
	manifest->monitor = policy->monitor;
	manifest->hides_process_events = !policy->logging.process_events;
	manifest->hides_memory_events = !policy->logging.memory_events;
	if (!err)
		err = build_rules(policy, manifest);
	if (!err)
		err = build_process_rules(policy, manifest);
	if (!err)
		err = build_protects(policy, manifest);
	if (!err)
		err = build_program_protects(policy, manifest);
	if (!err)
		err = build_sets(policy, manifest);
	if (!err)
		err = build_defaults(policy, manifest);
	if (!err)
		err = policy_scoring_describe(policy, &manifest->scoring);
	if (!err)
		err = policy_logging_describe(policy, &manifest->logging);
	if (!err && policy->process_scoring.written)
		err = build_process_scoring(policy, &manifest->process_scoring);
	if (err)
		return err;
	*ret_manifest = TAKE_PTR(manifest);
	return 0;
}
