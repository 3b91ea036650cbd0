/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Diagnostics that only huge policies cause, and the sizes that have to work. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include <policyc.h>
#include <synfw/cleanup.h>

#define HEAD "version: 1\nname: large\n"

/* A text that is written piece by piece. */
struct text {
	char *bytes;
	size_t length;
	FILE *out;
};

static struct text *text_new(void)
{
	struct text *text = calloc(1, sizeof(*text));

	assert_non_null(text);
	text->out = open_memstream(&text->bytes, &text->length);
	assert_non_null(text->out);
	return text;
}

static void text_freep(struct text **text)
{
	free((*text)->bytes);
	free(*text);
}

/* A loader that knows one file. */
static int load_text(void *context, const char *path, char **ret_text, size_t *ret_length,
		     uint64_t *ret_mtime_ns)
{
	const struct text *text = context;

	if (!text || strcmp(path, "list"))
		return -ENOENT;
	*ret_text = malloc(text->length + 1);
	assert_non_null(*ret_text);
	memcpy(*ret_text, text->bytes, text->length);
	*ret_length = text->length;
	*ret_mtime_ns = 1;
	return 0;
}

/* Parses and expects exactly this one error, or none. Returns the policy, for the caller to free.
 */
static struct policy *parse(struct text *text, const struct text *list, const char *error,
			    const char *hint)
{
	const struct policyc_loader loader = {.load = load_text, .context = (void *)list};
	CLEANUP(diags_freep) struct diags *diags = diags_new();
	struct policy *policy = NULL;
	const struct diag *const *records;
	size_t count;
	int err;

	fclose(text->out);
	err = policyc_parse("large.yaml", text->bytes, text->length, &loader, diags, &policy);
	records = diags_sorted(diags, &count);
	assert_int_equal(err, error ? -EINVAL : 0);
	assert_int_equal(count, error ? 1 : 0);
	if (error)
		assert_string_equal(records[0]->message, error);
	if (hint)
		assert_string_equal(records[0]->hint, hint);
	return policy;
}

static void write_rules(struct text *text, int count)
{
	fprintf(text->out, HEAD "rules:\n");
	for (int i = 0; i < count; i++)
		fprintf(text->out, "- {name: r%d, from: 10.%d.%d.0/24, action: drop}\n", i, i / 256,
			i % 256);
}

static void takes_as_many_rules_as_there_may_be(void **state)
{
	CLEANUP(text_freep) struct text *text = text_new();
	CLEANUP(policy_freep) struct policy *policy = NULL;

	write_rules(text, SYNFW_MAX_RULES);
	policy = parse(text, NULL, NULL, NULL);
	assert_int_equal(policy->nr_rules, SYNFW_MAX_RULES);
	assert_int_equal(policy->nr_sets, SYNFW_MAX_RULES);
}

static void rejects_one_rule_more(void **state)
{
	CLEANUP(text_freep) struct text *text = text_new();

	write_rules(text, SYNFW_MAX_RULES + 2);
	assert_null(parse(text, NULL, "more than 16384 rules", NULL));
}

static void write_hosts(struct text *text, const char *before, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		fprintf(text->out, "%s%u.%u.%u.%u\n", before, 1 + (i >> 24), i >> 16 & 255,
			i >> 8 & 255, i & 255);
}

static void takes_as_many_prefixes_as_there_may_be(void **state)
{
	CLEANUP(text_freep) struct text *text = text_new(), *list = text_new();
	CLEANUP(policy_freep) struct policy *policy = NULL;

	/* Twice the same: distinct prefixes count. */
	fprintf(text->out, HEAD "sets: {a: {file: list}, b: {file: list}}\n");
	write_hosts(list, "", SYNFW_MAX_PREFIXES);
	fclose(list->out);
	policy = parse(text, list, NULL, NULL);
	assert_int_equal(prefix_list_count(&policy->sets[1].prefixes), SYNFW_MAX_PREFIXES);
}

static void rejects_one_prefix_more(void **state)
{
	CLEANUP(text_freep) struct text *text = text_new(), *list = text_new();

	fprintf(text->out, HEAD "sets: {a: {file: list}}\n"
				"rules: [{name: r, from: 192.0.2.1, action: drop}]\n");
	write_hosts(list, "", SYNFW_MAX_PREFIXES);
	fclose(list->out);
	assert_null(parse(
		text, list,
		"more than 2000000 distinct prefixes in all sets together: there are 2000001, "
		"and tables of so many take about 66 MiB",
		NULL));
}

static void estimates_those_of_ipv6(void **state)
{
	CLEANUP(text_freep) struct text *text = text_new(), *list = text_new();

	fprintf(text->out, HEAD "sets: {a: {file: list}}\n"
				"rules: [{name: r, from: 192.0.2.1, action: drop}]\n");
	for (uint32_t i = 0; i < SYNFW_MAX_PREFIXES; i++)
		fprintf(list->out, "2001:db8::%x:%x\n", i >> 16, i & 0xffff);
	fclose(list->out);
	assert_null(parse(
		text, list,
		"more than 2000000 distinct prefixes in all sets together: there are 2000001, "
		"and tables of so many take about 123 MiB",
		NULL));
}

static const char too_many_in_all[] =
	"more than 4000000 prefixes in all sets together, counted for each set that has them";

static void rejects_a_list_under_many_names(void **state)
{
	CLEANUP(text_freep) struct text *text = text_new(), *list = text_new();

	/* The fourth is not read: nothing is said of it. */
	fprintf(text->out, HEAD "sets: {a: {file: list}, b: {file: list}, c: {file: list}, "
				"d: {file: nothing}}\n");
	write_hosts(list, "", SYNFW_MAX_PREFIXES);
	fclose(list->out);
	assert_null(parse(text, list, too_many_in_all,
			  "one set for one file, and rules that refer to it"));
}

static void counts_literals_with_the_lists(void **state)
{
	CLEANUP(text_freep) struct text *text = text_new(), *list = text_new();

	fprintf(text->out, HEAD "sets: {a: {file: list}, b: {file: list}}\n"
				"rules: [{name: r, from: 1.0.0.1, action: drop}]\n");
	write_hosts(list, "", SYNFW_MAX_PREFIXES);
	fclose(list->out);
	assert_null(parse(text, list, too_many_in_all, NULL));
}

static void stops_reading_a_list_that_is_far_too_long(void **state)
{
	CLEANUP(text_freep) struct text *text = text_new(), *list = text_new();

	fprintf(text->out, HEAD "sets: {a: {file: list}}\n");
	write_hosts(list, "", 2 * SYNFW_MAX_PREFIXES + 100000);
	fclose(list->out);
	assert_null(
		parse(text, list,
		      "set \"a\" has more than 2000000 prefixes: its file has 4100000 lines, and "
		      "tables of so many take about 136 MiB",
		      NULL));
}

static void takes_repetitions_in_a_long_list(void **state)
{
	CLEANUP(text_freep) struct text *text = text_new(), *list = text_new();
	CLEANUP(policy_freep) struct policy *policy = NULL;

	fprintf(text->out, HEAD "sets: {a: {file: list}}\n");
	for (int i = 0; i < 5; i++)
		write_hosts(list, "", 1000000);
	fclose(list->out);
	policy = parse(text, list, NULL, NULL);
	assert_int_equal(prefix_list_count(&policy->sets[0].prefixes), 1000000);
}

static void rejects_a_subtraction_that_falls_to_pieces(void **state)
{
	CLEANUP(text_freep) struct text *text = text_new(), *list = text_new();

	fprintf(text->out, HEAD "sets:\n  holes:\n");
	for (int i = 0; i < 30000; i++)
		fprintf(text->out, "  - \"2001:db8:%x::1\"\n", i);
	fprintf(text->out, "  all: {file: list, except: holes}\n");
	fprintf(list->out, "2000::/3\n");
	fclose(list->out);
	assert_null(parse(text, list,
			  "subtracting this leaves more than 2000000 prefixes in set \"all\"",
			  NULL));
}

static void a_long_list_of_literals_is_one_set(void **state)
{
	CLEANUP(text_freep) struct text *text = text_new();
	CLEANUP(policy_freep) struct policy *policy = NULL;

	fprintf(text->out, HEAD "rules:\n");
	for (int rule = 0; rule < 4; rule++) {
		fprintf(text->out, "- name: r%d\n  action: drop\n  from:\n", rule);
		write_hosts(text, "  - ", 12500);
		/* The last two rules differ from the first two. */
		write_hosts(text, "  - 2", rule / 2);
	}
	policy = parse(text, NULL, NULL, NULL);
	assert_int_equal(policy->nr_sets, 2);
	assert_int_equal(policy->rules[1].match.from.count, 1);
	assert_int_equal(policy->rules[1].match.from.index[0], 0);
	assert_int_equal(policy->rules[3].match.from.index[0], 1);
	assert_int_equal(prefix_list_count(&policy->sets[0].prefixes), 12500);
	assert_int_equal(prefix_list_count(&policy->sets[1].prefixes), 12501);
}

static void a_short_list_of_literals_is_a_set_each(void **state)
{
	CLEANUP(text_freep) struct text *text = text_new();
	CLEANUP(policy_freep) struct policy *policy = NULL;

	fprintf(text->out, HEAD "rules:\n- name: r\n  action: drop\n  from:\n");
	write_hosts(text, "  - ", 16);
	policy = parse(text, NULL, NULL, NULL);
	assert_int_equal(policy->nr_sets, 16);
	assert_int_equal(policy->rules[0].match.from.count, 16);
}

static void rejects_many_sets_in_pieces(void **state)
{
	CLEANUP(text_freep) struct text *text = text_new(), *list = text_new();

	/* A hole in a /48 leaves 80 pieces: each set alone may be that large, 200 of them may not.
	 */
	fprintf(text->out, HEAD "sets:\n  holes:\n");
	for (int i = 0; i < 999; i++)
		fprintf(text->out, "  - \"2001:db8:%x::1\"\n", i);
	for (int i = 0; i < 200; i++)
		fprintf(text->out, "  s%d: {file: list, except: holes}\n", i);
	fprintf(list->out, "2000::/3\n");
	fclose(list->out);
	assert_null(parse(text, list, too_many_in_all, NULL));
}

static void rejects_a_text_beyond_64_mib(void **state)
{
	CLEANUP(text_freep) struct text *text = text_new();

	fprintf(text->out, HEAD);
	for (int i = 0; i < (64 << 20) / 64; i++)
		fprintf(text->out, "#%62s\n", "");
	assert_null(parse(text, NULL, "larger than 64 MiB; put addresses into set files", NULL));
}

static void rejects_more_values_than_there_is_room_for(void **state)
{
	CLEANUP(text_freep) struct text *text = text_new();

	fprintf(text->out, HEAD "rules:\n");
	for (int i = 0; i < 4000000; i++)
		fprintf(text->out, "- a\n");
	assert_null(parse(text, NULL, "more than 4000000 values in one file", NULL));
}

static void write_process_rules(struct text *text, int processes, int memory)
{
	fprintf(text->out, HEAD "processes:\n");
	for (int i = 0; i < processes; i++)
		fprintf(text->out, "- {name: p%d, exec: /p%d, action: flag}\n", i, i);
	fprintf(text->out, "memory:\n");
	for (int i = 0; i < memory; i++)
		fprintf(text->out, "- {name: m%d, event: wx-mapping, exec: /p%d, action: flag}\n",
			i, i);
}

static void takes_as_many_process_rules_as_there_may_be(void **state)
{
	CLEANUP(text_freep) struct text *text = text_new();
	CLEANUP(policy_freep) struct policy *policy = NULL;

	write_process_rules(text, SYNFW_MAX_PROCESS_RULES - SYNFW_MAX_MEMORY_RULES,
			    SYNFW_MAX_MEMORY_RULES);
	policy = parse(text, NULL, NULL, NULL);
	assert_int_equal(policy->nr_process_rules,
			 SYNFW_MAX_PROCESS_RULES - SYNFW_MAX_MEMORY_RULES);
	assert_int_equal(policy->nr_memory_rules, SYNFW_MAX_MEMORY_RULES);
}

static void rejects_one_process_rule_more(void **state)
{
	CLEANUP(text_freep) struct text *text = text_new();
	CLEANUP(text_freep) struct text *together = text_new();

	write_process_rules(text, SYNFW_MAX_PROCESS_RULES + 2, 2);
	assert_null(parse(text, NULL, "more than 1024 rules on processes and memory", NULL));
	write_process_rules(together, SYNFW_MAX_PROCESS_RULES - 1, 2);
	assert_null(parse(together, NULL, "more than 1024 rules on processes and memory", NULL));
}

static void rejects_one_memory_rule_more(void **state)
{
	CLEANUP(text_freep) struct text *text = text_new();

	write_process_rules(text, 0, SYNFW_MAX_MEMORY_RULES + 2);
	assert_null(parse(text, NULL, "more than 64 rules on memory", NULL));
}

static void write_long_process_rule(struct text *text, int rule, int programs)
{
	fprintf(text->out, "- {name: p%d, user: %d, action: flag, exec: [", rule, rule);
	for (int i = 0; i < programs; i++)
		fprintf(text->out, "/opt/dir/program%d, ", i);
	fprintf(text->out, "]}\n");
}

/* The test's time limit: each rule is compared with all before it. */
static void reads_many_long_lists_of_programs_in_time(void **state)
{
	CLEANUP(text_freep) struct text *text = text_new();
	CLEANUP(policy_freep) struct policy *policy = NULL;

	fprintf(text->out, HEAD "processes:\n");
	for (int i = 0; i < SYNFW_MAX_PROCESS_RULES; i++)
		write_long_process_rule(text, i, 1000);
	policy = parse(text, NULL, NULL, NULL);
	assert_int_equal(policy->process_rules[1].match.exec.count, 1000);
}

static void a_long_list_of_programs_covers_the_same_list(void **state)
{
	const struct policyc_loader loader = {.load = load_text};
	CLEANUP(diags_freep) struct diags *diags = diags_new();
	CLEANUP(text_freep) struct text *text = text_new();
	CLEANUP(policy_freep) struct policy *policy = NULL;

	fprintf(text->out, HEAD "processes:\n- {name: first, exec: [");
	for (int i = 0; i < 1000; i++)
		fprintf(text->out, "/opt/dir/program%d, ", i);
	fprintf(text->out, "], action: kill}\n");
	write_long_process_rule(text, 5, 1000);
	write_long_process_rule(text, 6, 1001);
	fclose(text->out);
	assert_int_equal(policyc_parse("p", text->bytes, text->length, &loader, diags, &policy), 0);
	assert_int_equal(diags_warnings(diags), 1);
}

static void says_why_services_are_unknown(void **state)
{
	CLEANUP(text_freep) struct text *text = text_new();

	fprintf(text->out, HEAD "rules: [{name: r, to: ssh, action: drop}]\n");
	assert_null(parse(text, NULL, "undefined service \"ssh\"",
			  "/etc/services cannot be read: No such file or directory"));
}

static void counts_errors_beyond_a_thousand(void **state)
{
	const struct policyc_loader loader = {.load = load_text};
	CLEANUP(text_freep) struct text *text = text_new();
	CLEANUP(diags_freep) struct diags *diags = diags_new();
	CLEANUP(cleanup_free) char *printed = NULL;
	struct policy *policy = NULL;
	size_t count, size;
	FILE *out = open_memstream(&printed, &size);

	fprintf(text->out, HEAD "sets:\n");
	for (int i = 0; i < 1500; i++)
		fprintf(text->out, "  s%d: junk\n", i);
	fclose(text->out);
	assert_int_equal(
		policyc_parse("large.yaml", text->bytes, text->length, &loader, diags, &policy),
		-EINVAL);
	assert_int_equal(diags_errors(diags), 1500);
	diags_sorted(diags, &count);
	assert_int_equal(count, 1000);
	diags_print(diags, out, false);
	fclose(out);
	assert_string_equal(printed + size - strlen("and 500 more errors\n"),
			    "and 500 more errors\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_as_many_rules_as_there_may_be),
		cmocka_unit_test(rejects_one_rule_more),
		cmocka_unit_test(takes_as_many_prefixes_as_there_may_be),
		cmocka_unit_test(rejects_one_prefix_more),
		cmocka_unit_test(estimates_those_of_ipv6),
		cmocka_unit_test(rejects_a_list_under_many_names),
		cmocka_unit_test(counts_literals_with_the_lists),
		cmocka_unit_test(stops_reading_a_list_that_is_far_too_long),
		cmocka_unit_test(takes_repetitions_in_a_long_list),
		cmocka_unit_test(rejects_a_subtraction_that_falls_to_pieces),
		cmocka_unit_test(a_long_list_of_literals_is_one_set),
		cmocka_unit_test(a_short_list_of_literals_is_a_set_each),
		cmocka_unit_test(rejects_many_sets_in_pieces),
		cmocka_unit_test(rejects_a_text_beyond_64_mib),
		cmocka_unit_test(rejects_more_values_than_there_is_room_for),
		cmocka_unit_test(takes_as_many_process_rules_as_there_may_be),
		cmocka_unit_test(rejects_one_process_rule_more),
		cmocka_unit_test(rejects_one_memory_rule_more),
		cmocka_unit_test(reads_many_long_lists_of_programs_in_time),
		cmocka_unit_test(a_long_list_of_programs_covers_the_same_list),
		cmocka_unit_test(says_why_services_are_unknown),
		cmocka_unit_test(counts_errors_beyond_a_thousand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
