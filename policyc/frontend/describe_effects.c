/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "../describe.h"

#include <stdlib.h>

#include "../duration.h"
#include "describe_writer.h"

#define NS_PER_S 1000000000ULL

void write_rate(struct writer *writer, const struct rate *rate)
{
	static const struct {
		uint64_t seconds;
		const char *unit;
	} units[] = {{1, "s"}, {60, "min"}, {3600, "h"}};
	size_t i = 0;

	while (rate->per_ns != units[i].seconds * NS_PER_S)
		i++;
	fprintf(writer->out, "%u/%s", rate->count, units[i].unit);
}

void write_duration(struct writer *writer, uint64_t ns)
{
	char text[DURATION_SIZE];

	duration_format(ns, text);
	fputs(text, writer->out);
}

void write_limit(struct writer *writer, const struct rule_limit *limit)
{
	if (limit->kind == SYNFW_LIMIT_NONE)
		return;
	if (limit->kind == SYNFW_LIMIT_PORTS) {
		begin_key(writer, "distinct-ports");
		fprintf(writer->out, " over %u, within ", limit->over);
		write_duration(writer, limit->within_ns);
		return;
	}
	begin_key(writer, "rate over ");
	write_rate(writer, &limit->rate);
	fprintf(writer->out, ", burst %u, per %s", limit->burst,
		limit->kind == SYNFW_LIMIT_RATE ? "rule" : "source");
}

void write_outcome(struct writer *writer, const struct policy_rule *rule)
{
	if (rule->action == SYNFW_ACTION_SCORE) {
		begin_key(writer, "score");
		fprintf(writer->out, " %u", rule->score);
	} else {
		begin_key(writer, rule->action == SYNFW_ACTION_ALLOW ? "allow" : "drop");
	}
	if (rule->block_ns) {
		begin_key(writer, "block ");
		write_duration(writer, rule->block_ns);
	}
	if (rule->adds) {
		begin_key(writer, "add-to ");
		fputs(writer->policy->sets[rule->add_to].name, writer->out);
	}
	if (rule->log)
		begin_key(writer, "log");
	if (rule->monitor)
		begin_key(writer, "monitor");
}

static void write_scoring(struct writer *writer, const struct scoring *scoring)
{
	if (scoring->flag_at) {
		begin_key(writer, "flag-at");
		fprintf(writer->out, " %u", scoring->flag_at);
	}
	if (scoring->drop_at) {
		begin_key(writer, "drop-at");
		fprintf(writer->out, " %u", scoring->drop_at);
	}
	begin_key(writer, "decay ");
	write_rate(writer, &scoring->decay);
	for (size_t i = 0; i < 3 && scoring->drop_at; i++) {
		if (!i)
			begin_key(writer, "block-for");
		begin_value(writer);
		write_duration(writer, scoring->block_for_ns[i]);
	}
	begin_key(writer, "ipv6-prefix");
	fprintf(writer->out, " %u", scoring->ipv6_prefixlen);
}

int policy_scoring_describe(const struct policy *policy, char **ret_text)
{
	CLEANUP(cleanup_free) char *text = NULL;
	size_t size;
	struct writer writer = {.out = open_memstream(&text, &size), .first_key = true};

	if (!writer.out)
		return -ENOMEM;
	if (policy->scoring.written)
		write_scoring(&writer, &policy->scoring);
	else
		begin_key(&writer, "none");
	return finish(writer.out, &text, ret_text);
}

int policy_logging_describe(const struct policy *policy, char **ret_text)
{
	static const char *const kinds[] = {
		[SYNFW_EVENT_DROP] = "drop",
		[SYNFW_EVENT_BLOCK] = "block",
		[SYNFW_EVENT_FLAG] = "flag",
	};
	CLEANUP(cleanup_free) char *text = NULL;
	size_t size;
	struct writer writer = {.out = open_memstream(&text, &size), .first_key = true};

	if (!writer.out)
		return -ENOMEM;
	begin_key(&writer, "events");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!(policy->logging.events >> i & 1))
			continue;
		begin_value(&writer);
		fputs(kinds[i], writer.out);
	}
	if (policy->logging.process_events) {
		begin_value(&writer);
		fprintf(writer.out, "process");
	}
	if (policy->logging.memory_events) {
		begin_value(&writer);
		fprintf(writer.out, "memory");
	}
	begin_key(&writer, "sample");
	fprintf(writer.out, " 1/%u", policy->logging.sample);
	begin_key(&writer, "limit ");
	write_rate(&writer, &policy->logging.limit);
	return finish(writer.out, &text, ret_text);
}
