/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "random/process_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "base/must.h"

static const char *const action_words[] = {
	[SYNFW_PROCESS_FLAG] = "flag",
	[SYNFW_PROCESS_ISOLATE] = "isolate",
	[SYNFW_PROCESS_KILL] = "kill",
	[SYNFW_PROCESS_DENY] = "deny",
};

static const char *const event_words[] = {
	[SYNFW_ON_WX_MAPPING] = "wx-mapping",
	[SYNFW_ON_ALLOCATION] = "allocation",
	[SYNFW_ON_GROWTH] = "growth",
};

static void write_quoted(FILE *out, const char *before, const char *text, const char *after)
{
	fprintf(out, "\"%s", before);
	for (; *text; text++)
		fprintf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
	fprintf(out, "%s\", ", after);
}

static void write_paths(FILE *out, const char *key, const struct path_list *list)
{
	fprintf(out, ", %s: [", key);
	for (size_t i = 0; i < list->count; i++) {
		const struct path_pattern *pattern = &list->pattern[i];

		if (pattern->kind == PATH_MEMFD)
			fputs("memfd, ", out);
		else
			write_quoted(out, pattern->kind == PATH_NAME ? "**" : "", pattern->path,
				     pattern->kind == PATH_UNDER ? "**" : "");
	}
	fputc(']', out);
}

static void write_ids(FILE *out, const char *key, const struct id_match *ids)
{
	fprintf(out, ", %s: [", key);
	for (size_t i = 0; i < ids->count; i++)
		fprintf(out, "%s%" PRIu32 ", ", ids->negated ? "not " : "", ids->id[i]);
	fputc(']', out);
}

static void write_match(FILE *out, const struct process_match *match)
{
	if (match->keys & PROCESS_EXEC)
		write_paths(out, "exec", &match->exec);
	if (match->keys & PROCESS_PARENT)
		write_paths(out, "parent", &match->parent);
	if (match->keys & PROCESS_ANCESTOR)
		write_paths(out, "ancestor", &match->ancestor);
	if (match->keys & PROCESS_USER)
		write_ids(out, "user", &match->user);
	if (match->keys & PROCESS_GROUP)
		write_ids(out, "group", &match->group);
	if (!(match->keys & PROCESS_ARGS))
		return;
	fprintf(out, ", args: {%s: [", match->args.all ? "all" : "any");
	for (size_t i = 0; i < match->args.count; i++)
		write_quoted(out, "", match->args.arg[i], "");
	fputs("]}", out);
}

/* Begins with a key, as a flow mapping may not begin with a comma. */
static void write_except(FILE *out, const struct process_match *except)
{
	CLEANUP(cleanup_free) char *text = NULL;
	size_t size;
	FILE *inner = open_memstream(&text, &size);

	MUST(inner);
	write_match(inner, except);
	MUST(fclose(inner) == 0);
	fprintf(out, ", except: {%s}", text + strlen(", "));
}

static void write_outcome(FILE *out, const struct process_outcome *outcome)
{
	if (outcome->action == SYNFW_PROCESS_SCORE)
		fprintf(out, ", score: %" PRIu32, outcome->score);
	else
		fprintf(out, ", action: %s", action_words[outcome->action]);
	if (outcome->has_fallback)
		fprintf(out, ", fallback: %s",
			outcome->fallback == SYNFW_PROCESS_ISOLATE
				? "partial"
				: action_words[outcome->fallback]);
	if (outcome->monitor)
		fputs(", mode: monitor", out);
	if (outcome->peers.kind == PEERS_BLOCK)
		fprintf(out, ", peers: block %" PRIu64 "s", outcome->peers.block_ns / 1000000000);
	if (outcome->peers.kind == PEERS_SCORE)
		fprintf(out, ", peers: score %" PRIu32, outcome->peers.score);
	fputs("}\n", out);
}

static void write_process_rule(FILE *out, const struct process_rule *rule)
{
	fprintf(out, "- {name: %s", rule->name);
	write_match(out, &rule->match);
	if (rule->has_except)
		write_except(out, &rule->except);
	write_outcome(out, &rule->outcome);
}

static void write_memory_rule(FILE *out, const struct memory_rule *rule)
{
	fprintf(out, "- {name: %s, event: %s", rule->name, event_words[rule->event]);
	if (rule->event != SYNFW_ON_WX_MAPPING)
		fprintf(out, ", over: %" PRIu64 "B", rule->over_bytes);
	if (rule->event == SYNFW_ON_GROWTH)
		fprintf(out, ", within: %" PRIu64 "s", rule->within_ns / 1000000000);
	write_match(out, &rule->match);
	if (rule->has_except)
		write_except(out, &rule->except);
	write_outcome(out, &rule->outcome);
}

#define FIRST_LINE                                                                    \
	4 /* of rules on processes; one line stands between these and those on memory \
	   */

/* Rules whose lines are in `refused` are comments, so that lines stay. */
static char *policy_text(const struct policy *policy, const bool *refused)
{
	char *text = NULL;
	size_t size, line = FIRST_LINE;
	FILE *out = open_memstream(&text, &size);

	MUST(out);
	fputs("version: 1\nname: random\nprocesses:\n", out);
	for (size_t i = 0; i < policy->nr_process_rules; i++) {
		fputs(refused[line++] ? "# " : "", out);
		write_process_rule(out, &policy->process_rules[i]);
	}
	fputs("memory:\n", out);
	line++;
	for (size_t i = 0; i < policy->nr_memory_rules; i++) {
		fputs(refused[line++] ? "# " : "", out);
		write_memory_rule(out, &policy->memory_rules[i]);
	}
	MUST(fclose(out) == 0);
	return text;
}

static int load_nothing(void *context, const char *path, char **ret_text, size_t *ret_length,
			uint64_t *ret_mtime_ns)
{
	return -ENOENT;
}

static void note_refused(struct diags *diags, bool *refused)
{
	size_t count;
	const struct diag *const *records = diags_sorted(diags, &count);

	for (size_t i = 0; i < count; i++) {
		if (records[i]->severity != DIAG_ERROR)
			continue;
		if (!strstr(records[i]->message, "takes out all that it matches"))
			diags_print(diags, stderr, false);
		MUST(strstr(records[i]->message, "takes out all that it matches"));
		refused[records[i]->at.line] = true;
	}
}

struct policy *process_text_parse(const struct policy *drawn, struct diags *diags)
{
	const struct policyc_loader loader = {.load = load_nothing};
	CLEANUP(diags_freep) struct diags *first = diags_new();
	bool refused[SYNFW_MAX_PROCESS_RULES + FIRST_LINE + 1] = {};
	CLEANUP(cleanup_free) char *text = policy_text(drawn, refused);
	struct policy *policy = NULL;

	MUST(first);
	if (policyc_parse("random", text, strlen(text), &loader, first, &policy) == 0) {
		policy_free(policy);
	} else {
		note_refused(first, refused);
		free(text);
		text = policy_text(drawn, refused);
	}
	if (policyc_parse("random", text, strlen(text), &loader, diags, &policy)) {
		diags_print(diags, stderr, false);
		MUST(false);
	}
	diags_drop_source(diags, "random");
	return policy;
}
