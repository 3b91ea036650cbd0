/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The tables of rules on processes: entry by entry, and what is refused. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include <policyc.h>
#include <process_question.h>
#include <synfw/cleanup.h>

#define MAX_RULES 700

static int load_nothing(void *context, const char *path, char **ret_text, size_t *ret_length,
			uint64_t *ret_mtime_ns)
{
	return -ENOENT;
}

/* A policy without rules, and room for some on processes. */
static struct policy *new_policy(void)
{
	static const char text[] = "version: 1\nname: p\n";
	const struct policyc_loader loader = {.load = load_nothing};
	CLEANUP(diags_freep) struct diags *diags = diags_new();
	struct policy *policy = NULL;

	assert_int_equal(policyc_parse("p", text, strlen(text), &loader, diags, &policy), 0);
	policy->process_rules = calloc(MAX_RULES, sizeof(*policy->process_rules));
	assert_non_null(policy->process_rules);
	return policy;
}

/* A rule that kills what matches; its keys are the caller's to set. */
static struct process_match *add_rule(struct policy *policy)
{
	struct process_rule *rule = &policy->process_rules[policy->nr_process_rules++];

	assert_true(policy->nr_process_rules <= MAX_RULES);
	assert_true(asprintf(&rule->name, "r%zu", policy->nr_process_rules) > 0);
	rule->outcome.action = rule->outcome.fallback = SYNFW_PROCESS_KILL;
	return &rule->match;
}

/* "/usr/bin/nc", "/tmp/" for all below, "*" and "/nc" for a name, "memfd" */
static void add_path(struct path_list *list, const char *text)
{
	struct path_pattern *pattern;

	list->pattern = realloc(list->pattern, (list->count + 1) * sizeof(*list->pattern));
	assert_non_null(list->pattern);
	pattern = &list->pattern[list->count++];
	*pattern = (struct path_pattern){.kind = PATH_EXACT};
	if (text[0] == '*') {
		pattern->kind = PATH_NAME;
		text++;
	} else if (!strcmp(text, "memfd")) {
		pattern->kind = PATH_MEMFD;
		text = "";
	} else if (text[strlen(text) - 1] == '/') {
		pattern->kind = PATH_UNDER;
	}
	pattern->path = strdup(text);
	assert_non_null(pattern->path);
	pattern->length = strlen(text);
}

static void add_exec(struct policy *policy, const char *text)
{
	struct process_match *match = add_rule(policy);

	match->keys = PROCESS_EXEC;
	add_path(&match->exec, text);
}

static void add_group(struct policy *policy, uint32_t gid, bool negated)
{
	struct process_match *match = add_rule(policy);

	match->keys = PROCESS_GROUP;
	match->group.id = calloc(1, sizeof(gid));
	assert_non_null(match->group.id);
	match->group.id[0] = gid;
	match->group.count = 1;
	match->group.negated = negated;
}

static struct image *compile(const struct policy *policy, const struct path_list *protected)
{
	const struct policyc_options options = {.protected_programs = protected};
	CLEANUP(diags_freep) struct diags *diags = diags_new();
	struct image *image = NULL;

	assert_int_equal(policyc_compile(policy, &options, diags, &image), 0);
	return image;
}

static uint64_t word(const struct process_tables *tables, uint32_t vector)
{
	assert_true(vector < tables->nr_vectors);
	return tables->vectors[vector].word[0];
}

static const struct synfw_path_class *pattern(const struct process_tables *tables,
					      enum synfw_path_kind kind, const char *text)
{
	for (uint32_t i = 0; i < tables->nr_patterns; i++) {
		const struct synfw_pattern_key *key = &tables->patterns[i].key;

		if (key->kind == kind && key->prefixlen == 8 + 8 * strlen(text) &&
		    !memcmp(key->text, text, strlen(text)))
			return &tables->patterns[i].class;
	}
	fail_msg("no pattern \"%s\"", text);
	return NULL;
}

static void a_policy_without_such_rules_has_no_tables(void **state)
{
	CLEANUP(policy_freep) struct policy *policy = new_policy();
	CLEANUP(image_freep) struct image *image = compile(policy, NULL);

	assert_null(image->processes);
}

static void scoring_alone_has_tables_without_bits(void **state)
{
	CLEANUP(policy_freep) struct policy *policy = new_policy();
	CLEANUP(image_freep) struct image *image = NULL;

	policy->process_scoring.written = policy->process_scoring.flag_on_peer_block = true;
	image = compile(policy, NULL);
	assert_non_null(image->processes);
	assert_int_equal(image->processes->head.nr_bits, 0);
	assert_int_equal(image->processes->head.on_peer_block, 1);
}

static void a_longer_pattern_says_what_the_shorter_ones_say(void **state)
{
	CLEANUP(policy_freep) struct policy *policy = new_policy();
	CLEANUP(image_freep) struct image *image = NULL;
	const struct process_tables *tables;

	add_exec(policy, "/a/b/c/");
	add_exec(policy, "/a/");
	add_exec(policy, "/ab/");
	add_exec(policy, "/");
	add_exec(policy, "*/x/nc");
	add_exec(policy, "*/nc");
	image = compile(policy, NULL);
	tables = image->processes;
	assert_int_equal(tables->nr_patterns, 6);
	assert_int_equal(word(tables, tables->head.exec_unreadable), 0xf);
	assert_int_equal(word(tables, tables->head.exec_unnamed), 0x30);
	assert_int_equal(word(tables, pattern(tables, SYNFW_PATH_PREFIX, "/a/b/c/")->exec), 0xb);
	assert_int_equal(word(tables, pattern(tables, SYNFW_PATH_PREFIX, "/a/")->exec), 0xa);
	assert_int_equal(word(tables, pattern(tables, SYNFW_PATH_PREFIX, "/ab/")->exec), 0xc);
	assert_int_equal(word(tables, pattern(tables, SYNFW_PATH_PREFIX, "/")->exec), 0x8);
	assert_int_equal(word(tables, pattern(tables, SYNFW_PATH_SUFFIX, "nc/x/")->exec), 0x30);
	assert_int_equal(word(tables, pattern(tables, SYNFW_PATH_SUFFIX, "nc/")->exec), 0x20);
}

static void what_is_below_a_protected_directory_is_protected(void **state)
{
	CLEANUP(policy_freep) struct policy *policy = new_policy();
	CLEANUP(image_freep) struct image *image = NULL;
	struct path_list protected = {};

	add_exec(policy, "/opt/agent/plugins/");
	add_exec(policy, "/tmp/");
	add_path(&protected, "/opt/agent/");
	image = compile(policy, &protected);
	assert_int_equal(pattern(image->processes, SYNFW_PATH_PREFIX, "/opt/agent/plugins/")->flags,
			 SYNFW_PATH_PROTECTED);
	assert_int_equal(pattern(image->processes, SYNFW_PATH_PREFIX, "/tmp/")->flags, 0);
	free(protected.pattern[0].path);
	free(protected.pattern);
}

static void what_the_policy_protects_is_protected(void **state)
{
	CLEANUP(policy_freep) struct policy *policy = new_policy();
	CLEANUP(image_freep) struct image *image = NULL;

	add_exec(policy, "/usr/sbin/");
	policy->program_protects = calloc(1, sizeof(*policy->program_protects));
	policy->nr_program_protects = 1;
	policy->program_protects[0].programs.keys = PROCESS_EXEC;
	add_path(&policy->program_protects[0].programs.exec, "/usr/sbin/sshd/");
	image = compile(policy, NULL);
	assert_int_equal(pattern(image->processes, SYNFW_PATH_PREFIX, "/usr/sbin/sshd/")->flags,
			 SYNFW_PATH_PROTECTED);
	assert_int_equal(pattern(image->processes, SYNFW_PATH_PREFIX, "/usr/sbin/")->flags, 0);
}

static void a_group_says_who_asks_for_it_and_who_does_not_want_it(void **state)
{
	CLEANUP(policy_freep) struct policy *policy = new_policy();
	CLEANUP(image_freep) struct image *image = NULL;
	const struct process_tables *tables;

	add_group(policy, 5, false);
	add_group(policy, 5, true);
	add_exec(policy, "memfd");
	image = compile(policy, NULL);
	tables = image->processes;
	assert_int_equal(tables->nr_ids, 1);
	assert_int_equal(tables->ids[0].key.kind, SYNFW_ID_GROUP);
	assert_int_equal(word(tables, tables->ids[0].value.class.exec), 0x1);
	assert_int_equal(word(tables, tables->ids[0].value.not_vector), 0x2);
	assert_int_equal(word(tables, tables->head.group_default), 0x6);
	assert_int_equal(tables->head.fields, SYNFW_PROCESS_ASKS_GROUP);
}

/* Lists that say the same are one, in whatever order. */
static void a_list_of_parents_is_there_once(void **state)
{
	static const char *const orders[][2] = {{"/bin/a", "/bin/b"}, {"/bin/b", "/bin/a"}};
	CLEANUP(policy_freep) struct policy *policy = new_policy();
	CLEANUP(image_freep) struct image *image = NULL;

	for (size_t i = 0; i < 2; i++) {
		struct process_match *match = add_rule(policy);

		match->keys = PROCESS_PARENT | PROCESS_ANCESTOR;
		for (size_t k = 0; k < 2; k++) {
			add_path(&match->parent, orders[i][k]);
			add_path(&match->ancestor, orders[1 - i][k]);
		}
	}
	image = compile(policy, NULL);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(image->processes->rules[i].parent_term, 1);
		assert_int_equal(image->processes->rules[i].ancestor_term, 1);
	}
}

static void lists_of_what_may_be_anywhere_are_known(void **state)
{
	static const char *const patterns[] = {"/bin/a", "/a/", "*/nc", "/b/", "memfd"};
	CLEANUP(policy_freep) struct policy *policy = new_policy();
	CLEANUP(image_freep) struct image *image = NULL;

	for (size_t i = 0; i < 5; i++) {
		struct process_match *match = add_rule(policy);

		match->keys = PROCESS_PARENT;
		add_path(&match->parent, patterns[i]);
	}
	image = compile(policy, NULL);
	assert_int_equal(image->processes->head.unreadable_term[0], 0xa);
	assert_int_equal(image->processes->head.unnamed_term[0], 0x14);
}

static void the_digest_tells_rules_apart(void **state)
{
	CLEANUP(policy_freep) struct policy *policy = new_policy();
	char digests[4][65];

	for (size_t i = 0; i < 4; i++) {
		CLEANUP(image_freep) struct image *image = NULL;

		if (i == 1)
			add_exec(policy, "/bin/a");
		if (i == 2)
			policy->process_rules[0].match.exec.pattern[0].path[5] = 'b';
		if (i == 3)
			policy->process_rules[0].outcome.peers.kind = PEERS_BLOCK;
		image = compile(policy, NULL);
		image_digest(image, digests[i]);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(digests[k], digests[i]);
	}
}

static void a_test_becomes_a_question(void **state)
{
	static const char text[] =
		"version: 1\nname: p\n"
		"processes: [{name: r, exec: memfd, action: kill}]\n"
		"tests:\n"
		"- {exec: /tmp/x, parent: /bin/sh, ancestor: /sbin/init, user: 7, group: 8,\n"
		"   args: [-e, sh], expect: allow}\n"
		"- {exec: memfd, expect: kill, rule: r}\n";
	const struct policyc_loader loader = {.load = load_nothing};
	CLEANUP(diags_freep) struct diags *diags = diags_new();
	CLEANUP(policy_freep) struct policy *policy = NULL;
	struct synfw_process_question question;

	assert_int_equal(policyc_parse("p", text, strlen(text), &loader, diags, &policy), 0);
	assert_int_equal(policy->nr_process_tests, 2);
	process_question(&policy->process_tests[0].process, 1, true, &question);
	assert_int_equal(question.slot, 1);
	assert_int_equal(question.path_bytes, strlen("/tmp/x"));
	assert_memory_equal(question.path, "/tmp/x", question.path_bytes);
	assert_memory_equal(question.parent, "/bin/sh", question.parent_bytes);
	assert_memory_equal(question.ancestor, "/sbin/init", question.ancestor_bytes);
	assert_int_equal(question.uid, 7);
	assert_int_equal(question.gid, 8);
	assert_int_equal(question.args_bytes, 6);
	assert_memory_equal(question.args, "-e\0sh", 6);
	assert_int_equal(question.memfd, 0);
	process_question(&policy->process_tests[1].process, 0, false, &question);
	assert_int_equal(question.memfd, 1);
	assert_int_equal(question.path_bytes | question.parent_bytes | question.args_bytes, 0);
}

/* ---- limits ---- */

static void assert_refused(const struct policy *policy, const char *message)
{
	CLEANUP(diags_freep) struct diags *diags = diags_new();
	const struct diag *const *records;
	struct image *image = NULL;
	size_t count;

	assert_int_equal(policyc_compile(policy, NULL, diags, &image), -EINVAL);
	assert_null(image);
	records = diags_sorted(diags, &count);
	assert_int_equal(count, 1);
	assert_string_equal(records[0]->message, message);
}

static void refuses_more_lists_of_parents_than_bits(void **state)
{
	CLEANUP(policy_freep) struct policy *policy = new_policy();
	char path[32];

	for (int i = 0; i < 300; i++) {
		struct process_match *match = add_rule(policy);

		match->keys = PROCESS_PARENT;
		snprintf(path, sizeof(path), "/bin/%d", i);
		add_path(&match->parent, path);
	}
	assert_refused(policy, "the rules on processes and memory have 300 different lists in "
			       "`parent` and `ancestor`; the limit is 256");
}

static void refuses_more_arguments_than_bits(void **state)
{
	CLEANUP(policy_freep) struct policy *policy = new_policy();

	for (int i = 0; i < 600; i++) {
		struct args_match *args;
		struct process_match *match = add_rule(policy);

		match->keys = PROCESS_ARGS;
		args = &match->args;
		args->arg = calloc(1, sizeof(*args->arg));
		assert_non_null(args->arg);
		assert_true(asprintf(&args->arg[args->count++], "-%d", i) > 0);
	}
	assert_refused(policy, "the rules on processes and memory have 600 different arguments; "
			       "the limit is 512");
}

static void refuses_more_paths_than_the_tables_hold(void **state)
{
	CLEANUP(policy_freep) struct policy *policy = new_policy();
	struct process_match *match = add_rule(policy);
	char path[32];

	match->keys = PROCESS_EXEC;
	for (int i = 0; i < 70000; i++) {
		snprintf(path, sizeof(path), "/bin/%d", i);
		add_path(&match->exec, path);
	}
	assert_refused(policy, "the rules on processes and memory have 70000 different paths, "
			       "users, groups and arguments; the limit is 65536");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_without_such_rules_has_no_tables),
		cmocka_unit_test(scoring_alone_has_tables_without_bits),
		cmocka_unit_test(a_longer_pattern_says_what_the_shorter_ones_say),
		cmocka_unit_test(what_is_below_a_protected_directory_is_protected),
		cmocka_unit_test(what_the_policy_protects_is_protected),
		cmocka_unit_test(a_group_says_who_asks_for_it_and_who_does_not_want_it),
		cmocka_unit_test(a_list_of_parents_is_there_once),
		cmocka_unit_test(lists_of_what_may_be_anywhere_are_known),
		cmocka_unit_test(the_digest_tells_rules_apart),
		cmocka_unit_test(a_test_becomes_a_question),
		cmocka_unit_test(refuses_more_lists_of_parents_than_bits),
		cmocka_unit_test(refuses_more_arguments_than_bits),
		cmocka_unit_test(refuses_more_paths_than_the_tables_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
