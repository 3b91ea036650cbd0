/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rules on processes and memory, written out from the model and read again, are the same rules. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include <byte_size.h>
#include <describe.h>
#include <duration.h>
#include <policyc.h>
#include <synfw/cleanup.h>

#define CASES "/tests/golden/accept"

static const char *const actions[] = {
	[SYNFW_PROCESS_FLAG] = "flag",
	[SYNFW_PROCESS_ISOLATE] = "isolate",
	[SYNFW_PROCESS_KILL] = "kill",
	[SYNFW_PROCESS_DENY] = "deny",
};

static const char *const events[] = {
	[SYNFW_ON_WX_MAPPING] = "wx-mapping",
	[SYNFW_ON_ALLOCATION] = "allocation",
	[SYNFW_ON_GROWTH] = "growth",
};

static int load(void *context, const char *path, char **ret_text, size_t *ret_length,
		uint64_t *ret_mtime_ns)
{
	char resolved[4096];

	snprintf(resolved, sizeof(resolved), "%s%s/%s", getenv("SYNFW_SOURCE_ROOT"), CASES,
		 strncmp(path, "/etc/", 5) ? path : path + 5);
	return policyc_load_file(NULL, resolved, ret_text, ret_length, ret_mtime_ns);
}

static struct policy *parse(const char *text)
{
	const struct policyc_loader loader = {.load = load};
	CLEANUP(diags_freep) struct diags *diags = diags_new();
	struct policy *policy = NULL;

	if (policyc_parse("p", text, strlen(text), &loader, diags, &policy)) {
		diags_print(diags, stderr, false);
		fail_msg("the policy is refused:\n%s", text);
	}
	return policy;
}

static void write_text(FILE *out, const char *before, const char *text, const char *after)
{
	fprintf(out, "\"%s", before);
	for (; *text; text++)
		fprintf(out, strchr("\"\\", *text) ? "\\%c" : "%c", *text);
	fprintf(out, "%s\", ", after);
}

static void write_paths(FILE *out, const char *key, const struct path_list *list)
{
	fprintf(out, "%s: [", key);
	for (size_t i = 0; i < list->count; i++) {
		const struct path_pattern *pattern = &list->pattern[i];

		if (pattern->kind == PATH_MEMFD)
			fprintf(out, "memfd, ");
		else
			write_text(out, pattern->kind == PATH_NAME ? "**" : "", pattern->path,
				   pattern->kind == PATH_UNDER ? "**" : "");
	}
	fprintf(out, "], ");
}

static void write_ids(FILE *out, const char *key, const struct id_match *ids)
{
	fprintf(out, "%s: [", key);
	for (size_t i = 0; i < ids->count; i++)
		fprintf(out, "%s%u, ", ids->negated ? "not " : "", ids->id[i]);
	fprintf(out, "], ");
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
	fprintf(out, "args: {%s: [", match->args.all ? "all" : "any");
	for (size_t i = 0; i < match->args.count; i++)
		write_text(out, "", match->args.arg[i], "");
	fprintf(out, "]}, ");
}

static void write_rest(FILE *out, const struct process_match *except,
		       const struct process_outcome *outcome)
{
	char time[DURATION_SIZE];

	if (except) {
		fprintf(out, "except: {");
		write_match(out, except);
		fprintf(out, "}, ");
	}
	if (outcome->action == SYNFW_PROCESS_SCORE)
		fprintf(out, "score: %u", outcome->score);
	else
		fprintf(out, "action: %s", actions[outcome->action]);
	if (outcome->has_fallback)
		fprintf(out, ", fallback: %s",
			outcome->fallback == SYNFW_PROCESS_ISOLATE ? "partial"
								   : actions[outcome->fallback]);
	if (outcome->monitor)
		fprintf(out, ", mode: monitor");
	duration_format(outcome->peers.block_ns, time);
	if (outcome->peers.kind == PEERS_BLOCK)
		fprintf(out, ", peers: block %s", time);
	if (outcome->peers.kind == PEERS_SCORE)
		fprintf(out, ", peers: score %u", outcome->peers.score);
	fprintf(out, "}\n");
}

static void write_memory_rule(FILE *out, const struct memory_rule *rule)
{
	char size[BYTE_SIZE_SIZE], time[DURATION_SIZE];

	byte_size_format(rule->over_bytes, size);
	duration_format(rule->within_ns, time);
	fprintf(out, "- {name: %s, event: %s, ", rule->name, events[rule->event]);
	if (rule->over_bytes)
		fprintf(out, "over: %s, ", size);
	if (rule->within_ns)
		fprintf(out, "within: %s, ", time);
	write_match(out, &rule->match);
	write_rest(out, rule->has_except ? &rule->except : NULL, &rule->outcome);
}

static char *write_policy(const struct policy *policy)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "version: 1\nname: %s\nprocesses:\n", policy->name);
	for (size_t i = 0; i < policy->nr_process_rules; i++) {
		const struct process_rule *rule = &policy->process_rules[i];

		fprintf(out, "- {name: %s, ", rule->name);
		write_match(out, &rule->match);
		write_rest(out, rule->has_except ? &rule->except : NULL, &rule->outcome);
	}
	fprintf(out, "memory:\n");
	for (size_t i = 0; i < policy->nr_memory_rules; i++)
		write_memory_rule(out, &policy->memory_rules[i]);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void assert_same_process_rule(const struct process_rule *a, const struct process_rule *b)
{
	CLEANUP(cleanup_free) char *first = NULL;
	CLEANUP(cleanup_free) char *second = NULL;

	assert_int_equal(policy_process_rule_describe(a, &first), 0);
	assert_int_equal(policy_process_rule_describe(b, &second), 0);
	assert_string_equal(a->name, b->name);
	assert_string_equal(first, second);
}

static void assert_same_memory_rule(const struct memory_rule *a, const struct memory_rule *b)
{
	CLEANUP(cleanup_free) char *first = NULL;
	CLEANUP(cleanup_free) char *second = NULL;

	assert_int_equal(policy_memory_rule_describe(a, &first), 0);
	assert_int_equal(policy_memory_rule_describe(b, &second), 0);
	assert_string_equal(a->name, b->name);
	assert_string_equal(first, second);
}

static void what_is_written_out_is_read_as_the_same(void **state)
{
	CLEANUP(policy_freep) struct policy *policy = NULL;
	CLEANUP(policy_freep) struct policy *again = NULL;
	CLEANUP(cleanup_free) char *written = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	uint64_t mtime_ns;
	size_t length;

	assert_int_equal(load(NULL, "processes.yaml", &text, &length, &mtime_ns), 0);
	policy = parse(text);
	written = write_policy(policy);
	again = parse(written);
	assert_true(policy->nr_process_rules && policy->nr_memory_rules);
	assert_int_equal(policy->nr_process_rules, again->nr_process_rules);
	assert_int_equal(policy->nr_memory_rules, again->nr_memory_rules);
	for (size_t i = 0; i < policy->nr_process_rules; i++)
		assert_same_process_rule(&policy->process_rules[i], &again->process_rules[i]);
	for (size_t i = 0; i < policy->nr_memory_rules; i++)
		assert_same_memory_rule(&policy->memory_rules[i], &again->memory_rules[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_out_is_read_as_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
