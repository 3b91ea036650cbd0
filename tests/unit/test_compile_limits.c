/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Policies that parse and are too large to be compiled. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include <policyc.h>
#include <synfw/cleanup.h>

static int load_nothing(void *context, const char *path, char **ret_text, size_t *ret_length,
			uint64_t *ret_mtime_ns)
{
	return -ENOENT;
}

/* How many bits and bytes a policy takes is the compiler's affair: numbers are not compared. */
static void blot_out_numbers(char *text)
{
	char *out = text;

	for (char *c = text; *c; c++) {
		if (*c < '0' || *c > '9')
			*out++ = *c;
		else if (out == text || out[-1] != '0')
			*out++ = '0';
	}
	*out = '\0';
}

static void assert_refused(const char *text, const struct policyc_options *options,
			   const char *message, const char *hint)
{
	const struct policyc_loader loader = {.load = load_nothing};
	CLEANUP(diags_freep) struct diags *diags = diags_new();
	CLEANUP(policy_freep) struct policy *policy = NULL;
	struct image *image = NULL;
	const struct diag *const *records;
	CLEANUP(cleanup_free) char *said = NULL;
	size_t count;

	assert_int_equal(policyc_parse("p", text, strlen(text), &loader, diags, &policy), 0);
	assert_int_equal(policyc_compile(policy, options, diags, &image), -EINVAL);
	assert_null(image);
	records = diags_sorted(diags, &count);
	assert_int_equal(count, 1);
	said = strdup(records[0]->message);
	assert_non_null(said);
	blot_out_numbers(said);
	assert_string_equal(said, message);
	if (hint)
		assert_string_equal(records[0]->hint, hint);
}

static void refuses_more_bits_than_a_vector_has(void **state)
{
	const struct policyc_options options = {0};
	CLEANUP(cleanup_free) char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "version: 1\nname: p\nrules:\n");
	for (int i = 0; i < 11000; i++)
		fprintf(out,
			"- {name: r%d, to: %d/tcp, except: {from: 10.0.0.1, to-address: 10.0.0.2, "
			"vlan: 5}, action: drop}\n",
			i, i);
	fclose(out);
	assert_refused(
		text, &options,
		"the policy needs 0 bits in each vector (rules, protect entries, one for each "
		"field of an except, and padding behind each group of rules on the same fields); "
		"the limit is 0",
		NULL);
}

static void refuses_tables_beyond_the_memory_limit_with_the_estimate(void **state)
{
	const struct policyc_options options = {.max_table_bytes = 1 << 20};
	CLEANUP(cleanup_free) char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "version: 1\nname: p\nrules:\n");
	for (int i = 0; i < 2000; i++)
		fprintf(out, "- {name: r%d, from: 10.%d.%d.0/24, to: %d/tcp, action: drop}\n", i,
			i / 256, i % 256, i);
	fclose(out);
	assert_refused(
		text, &options,
		"the tables of this policy would take at least 0 MiB of kernel memory; the limit "
		"is 0 MiB",
		"fewer rules that each name their own addresses and ports, more named sets");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_more_bits_than_a_vector_has),
		cmocka_unit_test(refuses_tables_beyond_the_memory_limit_with_the_estimate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
