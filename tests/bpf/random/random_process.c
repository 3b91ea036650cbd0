/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "random/random_process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "random/process_text.h"

#define NR(array)	 (sizeof(array) / sizeof((array)[0]))
#define PICK(rng, array) ((array)[rng_below(rng, NR(array))])
#define MAX_DEPTH	 6
#define MAX_COMPONENT	 255
#define NS_PER_S	 1000000000ULL

static const uint32_t ids[] = {0, 1, 33, 1000, 1001, 1002, 65534, 4294967294};
static const char *const args[] = {"-e",  "-c", "/bin/sh",  "-",   "--exec",
				   "-ee", "e",	"\xc3\xbf", "a b", "\"\\"};
static const char *const components[] = {"a",  "b",    "aa", "bin",	 "usr", "tmp",
					 "nc", "ncat", "sh", "\xc3\xbf", "a b", "\"\\"};
/* What only questions have: no policy can write it. */
static const char *const odd_components[] = {"\xff\xfe", "**", "a\n"};

/* ---- paths ---- */

static void random_component(struct rng *rng, bool odd, char out[MAX_COMPONENT + 1])
{
	size_t length;

	if (!rng_percent(rng, 10)) {
		strcpy(out, odd && rng_percent(rng, 10) ? PICK(rng, odd_components)
							: PICK(rng, components));
		return;
	}
	/* One letter, so that many of these begin and end alike. */
	length = rng_percent(rng, 50) ? rng_between(rng, 60, 90)
				      : rng_between(rng, 200, MAX_COMPONENT);
	memset(out, 'x', length);
	out[length] = '\0';
}

/* Often below the directory of a file that there is. */
static void random_path(struct random_process *random, bool odd, char *out, size_t size)
{
	struct rng *rng = random->rng;
	size_t depth = rng_between(rng, 1, MAX_DEPTH), length = 0;
	char component[MAX_COMPONENT + 1];

	if (random->nr_files && rng_percent(rng, 60)) {
		const char *file = random->file[rng_below(rng, random->nr_files)];

		length = strlen(file);
		while (rng_percent(rng, 60) && length)
			while (file[--length] != '/')
				;
		memcpy(out, file, length);
		depth = rng_between(rng, length ? 0 : 1, 3);
	}
	while (depth-- && length + MAX_COMPONENT + 2 < size) {
		random_component(rng, odd, component);
		length += sprintf(out + length, "/%s", component);
	}
	out[length] = '\0';
}

static char *copy(const char *text, size_t length)
{
	char *copied = strndup(text, length);

	MUST(copied);
	return copied;
}

static struct path_pattern exact_pattern(const char *file)
{
	return (struct path_pattern){PATH_EXACT, copy(file, strlen(file)), strlen(file), false};
}

static struct path_pattern under_pattern(struct rng *rng, const char *file)
{
	size_t length = strlen(file);

	do
		while (file[--length] != '/')
			;
	while (length && rng_percent(rng, 50));
	return (struct path_pattern){PATH_UNDER, copy(file, length + 1), length + 1, false};
}

static struct path_pattern name_pattern(struct rng *rng, const char *file)
{
	size_t length = strlen(file), start = length;

	do
		while (file[--start] != '/')
			;
	while (start && rng_percent(rng, 40));
	return (struct path_pattern){PATH_NAME, copy(file + start, length - start), length - start,
				     false};
}

static struct path_pattern random_pattern(struct random_process *random)
{
	const char *file = random->file[rng_below(random->rng, random->nr_files)];
	uint32_t dice = rng_below(random->rng, 100);

	if (dice < 8)
		return (struct path_pattern){PATH_MEMFD, copy("", 0), 0, false};
	if (dice < 40)
		return exact_pattern(file);
	return dice < 70 ? under_pattern(random->rng, file) : name_pattern(random->rng, file);
}

static bool in_list(const struct path_list *list, const struct path_pattern *pattern)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->pattern[i].kind == pattern->kind &&
		    !strcmp(list->pattern[i].path, pattern->path))
			return true;
	return false;
}

static void random_paths(struct random_process *random, size_t most, struct path_list *ret_list)
{
	size_t wanted = rng_percent(random->rng, 3) ? 8 * most : rng_between(random->rng, 1, most);

	ret_list->pattern = calloc(wanted, sizeof(*ret_list->pattern));
	MUST(ret_list->pattern);
	while (wanted--) {
		struct path_pattern pattern = random_pattern(random);

		if (pattern.length <= SYNFW_MAX_PATTERN && !in_list(ret_list, &pattern))
			ret_list->pattern[ret_list->count++] = pattern;
		else
			free(pattern.path);
	}
	if (!ret_list->count)
		ret_list->pattern[ret_list->count++] =
			(struct path_pattern){PATH_UNDER, copy("/", 1), 1, false};
}

/* One of the lists that all rules share: only so many distinct ones fit. In another order it is the
 * same. */
static void random_lineage(struct random_process *random, struct path_list *ret_list)
{
	const struct path_list *list = &random->lineage[rng_below(random->rng, RANDOM_LINEAGES)];
	size_t first = rng_below(random->rng, list->count);

	ret_list->pattern = calloc(list->count, sizeof(*ret_list->pattern));
	MUST(ret_list->pattern);
	for (; ret_list->count < list->count; ret_list->count++) {
		const struct path_pattern *from =
			&list->pattern[(first + ret_list->count) % list->count];

		ret_list->pattern[ret_list->count] = *from;
		ret_list->pattern[ret_list->count].path = copy(from->path, from->length);
	}
}

static void paths_done(struct path_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->pattern[i].path);
	free(list->pattern);
}

/* ---- rules ---- */

static void random_ids(struct rng *rng, struct id_match *ret_match)
{
	size_t count = rng_between(rng, 1, 4);

	ret_match->negated = rng_percent(rng, 50);
	ret_match->id = calloc(count, sizeof(*ret_match->id));
	MUST(ret_match->id);
	while (ret_match->count < count)
		ret_match->id[ret_match->count++] = PICK(rng, ids);
}

static void random_args(struct rng *rng, struct args_match *ret_match)
{
	size_t first = rng_below(rng, NR(args)), count = rng_between(rng, 1, 3);

	ret_match->all = rng_percent(rng, 40);
	ret_match->arg = calloc(count, sizeof(*ret_match->arg));
	MUST(ret_match->arg);
	for (; ret_match->count < count; first++) {
		const char *arg = args[first % NR(args)];

		ret_match->arg[ret_match->count++] = copy(arg, strlen(arg));
	}
}

static void random_match(struct random_process *random, uint32_t allowed,
			 struct process_match *ret_match)
{
	struct rng *rng = random->rng;

	ret_match->keys = 0;
	for (uint32_t key = 1; key <= PROCESS_ARGS; key <<= 1)
		if (rng_percent(rng, key == PROCESS_EXEC ? 60 : 25))
			ret_match->keys |= key & allowed;
	if (ret_match->keys & PROCESS_EXEC)
		random_paths(random, 4, &ret_match->exec);
	if (ret_match->keys & PROCESS_PARENT)
		random_lineage(random, &ret_match->parent);
	if (ret_match->keys & PROCESS_ANCESTOR)
		random_lineage(random, &ret_match->ancestor);
	if (ret_match->keys & PROCESS_USER)
		random_ids(rng, &ret_match->user);
	if (ret_match->keys & PROCESS_GROUP)
		random_ids(rng, &ret_match->group);
	if (ret_match->keys & PROCESS_ARGS)
		random_args(rng, &ret_match->args);
}

#define ALL_KEYS	   (2 * PROCESS_ARGS - 1)
#define MEMORY_KEYS	   (PROCESS_EXEC | PROCESS_USER | PROCESS_GROUP)
#define MEMORY_EXCEPT_KEYS (ALL_KEYS & ~PROCESS_ARGS)

static void random_written_match(struct random_process *random, uint32_t allowed,
				 struct process_match *ret_match)
{
	do
		random_match(random, allowed, ret_match);
	while (!ret_match->keys);
}

static bool can_fall_back(enum synfw_process_action action)
{
	return action == SYNFW_PROCESS_DENY || action == SYNFW_PROCESS_ISOLATE;
}

static void random_outcome(struct rng *rng, enum synfw_process_action last,
			   struct process_outcome *ret_outcome)
{
	*ret_outcome = (struct process_outcome){
		.action = rng_percent(rng, 50) ? SYNFW_PROCESS_SCORE
					       : rng_between(rng, SYNFW_PROCESS_FLAG, last),
		.monitor = rng_percent(rng, 15),
		.peers.kind = rng_below(rng, 3),
	};
	ret_outcome->fallback = ret_outcome->action;
	ret_outcome->has_fallback = can_fall_back(ret_outcome->action) && rng_percent(rng, 50);
	/* what isolates may do so in part, which is where its fallback is the action */
	if (ret_outcome->has_fallback &&
	    (ret_outcome->action == SYNFW_PROCESS_DENY || rng_percent(rng, 66)))
		ret_outcome->fallback =
			rng_percent(rng, 50) ? SYNFW_PROCESS_KILL : SYNFW_PROCESS_FLAG;
	if (ret_outcome->action == SYNFW_PROCESS_SCORE)
		ret_outcome->score = rng_between(rng, 1, 1000);
	if (ret_outcome->peers.kind == PEERS_BLOCK)
		ret_outcome->peers.block_ns = rng_between(rng, 1, 100000) * NS_PER_S;
	if (ret_outcome->peers.kind == PEERS_SCORE)
		ret_outcome->peers.score = rng_between(rng, 1, 1000);
}

static char *rule_name(size_t number)
{
	char *name = NULL;

	MUST(asprintf(&name, "r%zu", number) > 0);
	return name;
}

static void random_process_rule(struct random_process *random, size_t number,
				struct process_rule *rule)
{
	rule->name = rule_name(number);
	random_written_match(random, ALL_KEYS, &rule->match);
	rule->has_except = rng_percent(random->rng, 25);
	if (rule->has_except)
		random_written_match(random, ALL_KEYS, &rule->except);
	random_outcome(random->rng, SYNFW_PROCESS_DENY, &rule->outcome);
}

static uint64_t random_bytes(struct rng *rng)
{
	return rng_percent(rng, 50) ? rng_between(rng, 1, 8) : 1ULL << rng_between(rng, 1, 50);
}

static void random_memory_rule(struct random_process *random, size_t number,
			       struct memory_rule *rule)
{
	rule->name = rule_name(number);
	rule->event = rng_between(random->rng, SYNFW_ON_WX_MAPPING, SYNFW_ON_GROWTH);
	if (rule->event != SYNFW_ON_WX_MAPPING)
		rule->over_bytes = random_bytes(random->rng);
	if (rule->event == SYNFW_ON_GROWTH)
		rule->within_ns = rng_between(random->rng, 1, 86400) * NS_PER_S;
	random_match(random, MEMORY_KEYS, &rule->match);
	rule->has_except = rng_percent(random->rng, 40);
	if (rule->has_except)
		random_written_match(random, MEMORY_EXCEPT_KEYS, &rule->except);
	random_outcome(random->rng, SYNFW_PROCESS_KILL, &rule->outcome);
}

void random_process(struct rng *rng, size_t nr_process_rules, size_t nr_memory_rules,
		    struct diags *diags, struct random_process *ret_random)
{
	struct random_process *random = ret_random;
	struct policy *drawn = calloc(1, sizeof(*drawn));

	MUST(drawn);
	*random = (struct random_process){.rng = rng};
	for (size_t wanted = nr_process_rules > 64 ? RANDOM_MAX_FILES : 12;
	     random->nr_files < wanted;) {
		random_path(random, false, random->text[0], sizeof(random->text[0]));
		random->file[random->nr_files++] = copy(random->text[0], strlen(random->text[0]));
	}
	for (size_t i = 0; i < RANDOM_LINEAGES; i++)
		random_paths(random, 3, &random->lineage[i]);
	random_paths(random, 2, &random->protected);
	drawn->process_rules = calloc(nr_process_rules + 1, sizeof(*drawn->process_rules));
	drawn->memory_rules = calloc(nr_memory_rules + 1, sizeof(*drawn->memory_rules));
	MUST(drawn->process_rules && drawn->memory_rules);
	for (size_t i = 0; i < nr_process_rules; i++, drawn->nr_process_rules++)
		random_process_rule(random, i, &drawn->process_rules[i]);
	for (size_t i = 0; i < nr_memory_rules; i++, drawn->nr_memory_rules++)
		random_memory_rule(random, nr_process_rules + i, &drawn->memory_rules[i]);
	random->policy = process_text_parse(drawn, diags);
	policy_free(drawn);
}

void random_process_done(struct random_process *random)
{
	policy_free(random->policy);
	paths_done(&random->protected);
	for (size_t i = 0; i < RANDOM_LINEAGES; i++)
		paths_done(&random->lineage[i]);
	for (size_t i = 0; i < random->nr_files; i++)
		free(random->file[i]);
	*random = (struct random_process){};
}

/* ---- questions ---- */

static struct subject_file random_file(struct random_process *random, char *text)
{
	uint32_t dice = rng_below(random->rng, 100);

	if (dice < 8)
		return (struct subject_file){.memfd = true};
	if (dice < 12)
		return (struct subject_file){};
	if (dice < 65)
		return (struct subject_file){
			.path = random->file[rng_below(random->rng, random->nr_files)]};
	random_path(random, true, text, sizeof(random->text[0]));
	return (struct subject_file){.path = text};
}

static void random_memory(struct random_process *random, struct process_subject *subject)
{
	const struct policy *policy = random->policy;
	const struct memory_rule *rule =
		&policy->memory_rules[rng_below(random->rng, policy->nr_memory_rules)];

	/* What a rule says, and one more: the limit itself is not above it. */
	subject->trigger = rule->event;
	subject->bytes = rng_percent(random->rng, 50) ? rule->over_bytes + rng_below(random->rng, 2)
						      : random_bytes(random->rng);
}

void random_subject(struct random_process *random, struct process_subject *ret_subject)
{
	struct rng *rng = random->rng;
	bool single = rng_percent(rng, 50);
	struct process_subject *subject = ret_subject;

	*subject = (struct process_subject){.uid = PICK(rng, ids)};
	subject->file = random_file(random, random->text[0]);
	subject->parent = random_file(random, random->text[1]);
	subject->nr_ancestors = rng_below(rng, single ? 2 : SUBJECT_MAX_ANCESTORS + 1);
	for (size_t i = 0; i < subject->nr_ancestors; i++)
		subject->ancestor[i] = random_file(random, random->text[2 + i]);
	subject->nr_gids = single ? 1 : rng_between(rng, 1, SUBJECT_MAX_GROUPS);
	for (size_t i = 0; i < subject->nr_gids; i++)
		subject->gid[i] = PICK(rng, ids);
	subject->nr_args = rng_below(rng, SUBJECT_MAX_ARGS + 1);
	if (rng_percent(rng, 50))
		subject->nr_args /= 4;
	for (size_t i = 0; i < subject->nr_args; i++)
		subject->arg[i] = rng_percent(rng, 80) ? PICK(rng, args) : "";
	if (random->policy->nr_memory_rules && rng_percent(rng, 40))
		random_memory(random, subject);
}
