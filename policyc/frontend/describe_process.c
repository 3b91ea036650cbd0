/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "../describe.h"

#include <stdlib.h>
#include <string.h>

#include "../byte_size.h"
#include "describe_writer.h"

static const char *const actions[] = {
	[SYNFW_PROCESS_SCORE] = "score",     [SYNFW_PROCESS_FLAG] = "flag",
	[SYNFW_PROCESS_ISOLATE] = "isolate", [SYNFW_PROCESS_KILL] = "kill",
	[SYNFW_PROCESS_DENY] = "deny",
};

/* Whether the text can stand without quotes: nothing in it separates. */
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || strchr("\",;\\()\x7f", *text))
			return false;
	return true;
}

static void write_text(struct writer *writer, const char *before, const char *text,
		       const char *after)
{
	if (is_plain(text)) {
		fprintf(writer->out, "%s%s%s", before, text, after);
		return;
	}
	fprintf(writer->out, "\"%s", before);
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || strchr("\"\\\x7f", *text))
			fprintf(writer->out, "\\x%02x", (unsigned char)*text);
		else
			fputc(*text, writer->out);
	}
	fprintf(writer->out, "%s\"", after);
}

static void write_paths(struct writer *writer, const char *key, const struct path_list *list)
{
	begin_key(writer, key);
	for (size_t i = 0; i < list->count; i++) {
		const struct path_pattern *pattern = &list->pattern[i];

		begin_value(writer);
		if (pattern->kind == PATH_MEMFD)
			fprintf(writer->out, "memfd");
		else
			write_text(writer, pattern->kind == PATH_NAME ? "**" : "", pattern->path,
				   pattern->kind == PATH_UNDER ? "**" : "");
	}
}

static void write_ids(struct writer *writer, const char *key, const struct id_match *ids)
{
	begin_key(writer, key);
	for (size_t i = 0; i < ids->count; i++) {
		begin_value(writer);
		fprintf(writer->out, "%s%u", ids->negated ? "not " : "", ids->id[i]);
	}
}

static void write_args(struct writer *writer, const struct args_match *args)
{
	begin_key(writer, args->all ? "args all" : "args any");
	for (size_t i = 0; i < args->count; i++) {
		begin_value(writer);
		write_text(writer, "", args->arg[i], "");
	}
}

static void write_process_match(struct writer *writer, const struct process_match *match)
{
	if (match->keys & PROCESS_EXEC)
		write_paths(writer, "exec", &match->exec);
	if (match->keys & PROCESS_PARENT)
		write_paths(writer, "parent", &match->parent);
	if (match->keys & PROCESS_ANCESTOR)
		write_paths(writer, "ancestor", &match->ancestor);
	if (match->keys & PROCESS_USER)
		write_ids(writer, "user", &match->user);
	if (match->keys & PROCESS_GROUP)
		write_ids(writer, "group", &match->group);
	if (match->keys & PROCESS_ARGS)
		write_args(writer, &match->args);
}

static void write_except(struct writer *writer, const struct process_match *except)
{
	begin_key(writer, "except ");
	writer->first_key = true;
	write_process_match(writer, except);
}

static void write_fallback(struct writer *writer, enum synfw_process_action fallback)
{
	begin_key(writer, "fallback ");
	fputs(fallback == SYNFW_PROCESS_ISOLATE ? "partial" : actions[fallback], writer->out);
}

static void write_process_outcome(struct writer *writer, const struct process_outcome *outcome)
{
	begin_key(writer, actions[outcome->action]);
	if (outcome->action == SYNFW_PROCESS_SCORE)
		fprintf(writer->out, " %u", outcome->score);
	if (outcome->has_fallback)
		write_fallback(writer, outcome->fallback);
	if (outcome->peers.kind == PEERS_BLOCK) {
		begin_key(writer, "peers block ");
		write_duration(writer, outcome->peers.block_ns);
	}
	if (outcome->peers.kind == PEERS_SCORE) {
		begin_key(writer, "peers score");
		fprintf(writer->out, " %u", outcome->peers.score);
	}
	if (outcome->monitor)
		begin_key(writer, "monitor");
}

int policy_process_rule_describe(const struct process_rule *rule, char **ret_text)
{
	CLEANUP(cleanup_free) char *text = NULL;
	size_t size;
	struct writer writer = {.out = open_memstream(&text, &size), .first_key = true};

	if (!writer.out)
		return -ENOMEM;
	write_process_match(&writer, &rule->match);
	if (rule->has_except)
		write_except(&writer, &rule->except);
	write_process_outcome(&writer, &rule->outcome);
	return finish(writer.out, &text, ret_text);
}

int policy_program_protect_describe(const struct program_protect *entry, char **ret_text)
{
	CLEANUP(cleanup_free) char *text = NULL;
	size_t size;
	struct writer writer = {.out = open_memstream(&text, &size), .first_key = true};

	if (!writer.out)
		return -ENOMEM;
	write_process_match(&writer, &entry->programs);
	return finish(writer.out, &text, ret_text);
}

static void write_event(struct writer *writer, const struct memory_rule *rule)
{
	static const char *const events[] = {
		[SYNFW_ON_WX_MAPPING] = "wx-mapping",
		[SYNFW_ON_ALLOCATION] = "allocation",
		[SYNFW_ON_GROWTH] = "growth",
	};
	char size[BYTE_SIZE_SIZE];

	begin_key(writer, events[rule->event]);
	if (rule->over_bytes) {
		byte_size_format(rule->over_bytes, size);
		fprintf(writer->out, " over %s", size);
	}
	if (rule->within_ns) {
		fprintf(writer->out, " within ");
		write_duration(writer, rule->within_ns);
	}
}

int policy_memory_rule_describe(const struct memory_rule *rule, char **ret_text)
{
	CLEANUP(cleanup_free) char *text = NULL;
	size_t size;
	struct writer writer = {.out = open_memstream(&text, &size), .first_key = true};

	if (!writer.out)
		return -ENOMEM;
	write_event(&writer, rule);
	write_process_match(&writer, &rule->match);
	if (rule->has_except)
		write_except(&writer, &rule->except);
	write_process_outcome(&writer, &rule->outcome);
	return finish(writer.out, &text, ret_text);
}

static void write_process_scoring(struct writer *writer, const struct process_scoring *scoring)
{
	if (scoring->flag_at) {
		begin_key(writer, "flag-at");
		fprintf(writer->out, " %u", scoring->flag_at);
	}
	if (scoring->act_at) {
		begin_key(writer, "act-at");
		fprintf(writer->out, " %u", scoring->act_at);
		begin_key(writer, actions[scoring->action]);
		if (scoring->has_fallback)
			write_fallback(writer, scoring->fallback);
	}
	if (scoring->decay.count) {
		begin_key(writer, "decay ");
		write_rate(writer, &scoring->decay);
	}
	if (scoring->flag_on_peer_block)
		begin_key(writer, "on-peer-block flag");
}

int policy_process_scoring_describe(const struct policy *policy, char **ret_text)
{
	CLEANUP(cleanup_free) char *text = NULL;
	size_t size;
	struct writer writer = {.out = open_memstream(&text, &size), .first_key = true};

	if (!writer.out)
		return -ENOMEM;
	if (policy->process_scoring.written)
		write_process_scoring(&writer, &policy->process_scoring);
	else
		begin_key(&writer, "none");
	return finish(writer.out, &text, ret_text);
}
