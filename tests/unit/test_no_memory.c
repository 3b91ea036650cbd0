/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Each allocation of a run is made to fail in turn: the run says so, and gives back what it took.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile/trie.h"
#include "unit.h"

#include <describe.h>
#include <policyc.h>
#include <synfw/cleanup.h>

/* glibc's own, under the names that interposers use. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void __libc_free(void *memory);

static long fail_at = -1, allocations, held;

static bool fails(void)
{
	return ++allocations == fail_at;
}

void *malloc(size_t size)
{
	void *memory = fails() ? NULL : __libc_malloc(size);

	held += memory != NULL;
	return memory;
}

void *calloc(size_t count, size_t size)
{
	void *memory = fails() ? NULL : __libc_calloc(count, size);

	held += memory != NULL;
	return memory;
}

void *realloc(void *old, size_t size)
{
	void *memory = fails() ? NULL : __libc_realloc(old, size);

	held += memory && !old;
	return memory;
}

void free(void *memory)
{
	held -= memory != NULL;
	__libc_free(memory);
}

static const char valid[] =
	"version: 1\n"
	"name: p\n"
	"interfaces: [{name: eth0}]\n"
	"protect: [{from: management, to: ssh}, infrastructure]\n"
	"sets:\n"
	"  management: [10.20.0.0/16, \"::1\"]\n"
	"  listed: {file: list, except: [management, 192.0.2.9]}\n"
	"  json: {file: json, except: listed}\n"
	"  live: {dynamic: true, size: 5, timeout: 1h}\n"
	"services: {web: [80/tcp, 443/udp]}\n"
	"scoring: {flag-at: 5, drop-at: 9, decay: 1/h, block-for: [1m, 2m]}\n"
	"logging: {events: [drop, flag], sample: 1/9, limit: 5/s}\n"
	"rules:\n"
	"- {name: a, from: [listed, any, 192.0.2.1], to: [web, ssh], except: {vlan: 5}, action: "
	"drop}\n"
	"- {name: b, icmp: echo-request, interface: eth0, score: 5}\n"
	"- {name: d, from: [live, 192.0.2.1], except: {from: live, to-address: live}, score: 1}\n"
	"- {name: many, from: [listed, \"2001:db8::/32\", 1.1.1.1, 1.1.1.2, 1.1.1.3, 1.1.1.4, "
	"1.1.1.5, 1.1.1.6, 1.1.1.7, 1.1.1.8, 1.1.1.9, 1.1.2.1, 1.1.2.2, 1.1.2.3, 1.1.2.4, "
	"1.1.2.5, 1.1.2.6], except: {from: 1.1.1.1}, score: 5}\n"
	"- {name: limit, rate: {over: 5/s}, action: drop, block: 10m, add-to: live, log: true}\n"
	"- {name: scan, distinct-ports: {over: 5, within: 10s}, score: 5}\n"
	"- {name: c, state: new, flags: [syn, not ack], from-port: 1-5, to-address: any, action: "
	"allow}\n"
	"processes:\n"
	"- {name: p, exec: [/link/a, \"/link/**\", \"**/nc\", memfd], parent: /p, ancestor: /q, "
	"user: "
	"[not root], group: staff, args: [a, b], except: {args: {all: [c]}, user: root}, action: "
	"deny, fallback: kill, peers: block 5m}\n"
	"- {name: q, description: d, exec: /link/a, user: not root, score: 5}\n"
	"memory:\n"
	"- {name: m, event: growth, over: 1GiB, within: 5s, except: /link/b, action: kill}\n"
	"- {name: w, event: wx-mapping, exec: /a, score: 5}\n"
	"process-scoring: {flag-at: 5, act-at: 9, action: kill, decay: 5/s}\n"
	"tests: [{exec: /link/a, parent: /b, ancestor: /c, user: root, args: [a, b], rule: p, "
	"expect: deny}, {from: 10.0.0.1, to: 22/tcp, interface: eth0, rule: a, expect: drop}]\n";

static const char invalid[] = "version: 2\n"
			      "name: p\n"
			      "sets: {a: [::1, 10.0.0.1/8], b: {file: junk}, a: x}\n"
			      "scoring: {decay: x}\n"
			      "logging: {sample: 5, events: memry}\n"
			      "rules: [{name: a, form: b}, {name: a, from: c, action: drp}, "
			      "{name: d, rate: {over: 5}, add-to: x, block: 1}]\n"
			      "processes: [{name: a, exec: nc, user: rot, args: {any: a, all: b}}, "
			      "{name: q, exec: /tmp/, peers: 5, action: kill, fallback: kill}]\n"
			      "memory: [{name: q, event: wx-mapping, over: 5, except: x}]\n"
			      "process-scoring: {act-at: 5}\n"
			      "tests: [{exec: x, from: y, expect: drop, rule: a}]\n";

static int load(void *context, const char *path, char **ret_text, size_t *ret_length,
		uint64_t *ret_mtime_ns)
{
	static const char *const files[][2] = {
		{"list", "192.0.2.0/24\n10.0.0.0/8\n"},
		{"json", "{\"cidr\":\"10.0.0.0/8\"}\n{\"type\":\"metadata\",\"records\":1}\n"},
		{"junk", "junk\n10.0.0.1/8\n"},
		{"/etc/services", "ssh 22/tcp alias\n"},
		{"/etc/passwd", "root:x:0:0::/:\n"},
		{"/etc/group", "staff:x:50:\n"},
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (strcmp(path, files[i][0]))
			continue;
		*ret_text = strdup(files[i][1]);
		*ret_length = strlen(files[i][1]);
		*ret_mtime_ns = 1;
		return *ret_text ? 0 : -ENOMEM;
	}
	return -ENOENT;
}

static int resolve(void *context, const char *path, char **ret_path)
{
	*ret_path = strdup(strncmp(path, "/link", 5) ? path : "/real");
	return *ret_path ? 0 : -ENOMEM;
}

static int describe_processes(const struct policy *policy)
{
	CLEANUP(cleanup_free) char *scoring = NULL;
	int err = policy_process_scoring_describe(policy, &scoring);

	for (size_t i = 0; i < policy->nr_process_rules && !err; i++) {
		CLEANUP(cleanup_free) char *text = NULL;

		err = policy_process_rule_describe(&policy->process_rules[i], &text);
	}
	for (size_t i = 0; i < policy->nr_memory_rules && !err; i++) {
		CLEANUP(cleanup_free) char *text = NULL;

		err = policy_memory_rule_describe(&policy->memory_rules[i], &text);
	}
	return err;
}

static int describe_whole(const struct policy *policy)
{
	CLEANUP(cleanup_free) char *scoring = NULL;
	CLEANUP(cleanup_free) char *logging = NULL;
	int err = policy_scoring_describe(policy, &scoring);

	if (!err)
		err = policy_logging_describe(policy, &logging);
	return err ? err : describe_processes(policy);
}

static int describe(const struct policy *policy)
{
	for (size_t i = 0; i < policy->nr_rules; i++) {
		CLEANUP(cleanup_free) char *text = NULL;
		int err = policy_rule_describe(policy, &policy->rules[i], &text);

		if (err)
			return err;
	}
	return describe_whole(policy);
}

static int compile(const struct policy *policy, struct diags *diags)
{
	CLEANUP(image_freep) struct image *image = NULL;

	return policyc_compile(policy, NULL, diags, &image);
}

/* 0, -EINVAL or -ENOMEM, as policyc_parse. */
static int run(const char *text)
{
	const struct policyc_loader loader = {.load = load, .resolve = resolve};
	CLEANUP(diags_freep) struct diags *diags = diags_new();
	CLEANUP(policy_freep) struct policy *policy = NULL;
	size_t count;
	int err;

	if (!diags)
		return -ENOMEM;
	err = policyc_parse("p", text, strlen(text), &loader, diags, &policy);
	if (!err)
		err = describe(policy);
	if (!err)
		err = compile(policy, diags);
	diags_sorted(diags, &count);
	return err;
}

/* Without memory a right policy is never called wrong, and a wrong one never right. */
static void survives(const char *text, int with_memory)
{
	long all, before;

	fail_at = -1;
	assert_int_equal(run(text), with_memory);
	allocations = 0;
	run(text);
	all = allocations;
	assert_in_range(all, 100, 100000);
	for (long n = 1; n <= all; n++) {
		int err;

		before = held;
		allocations = 0;
		fail_at = n;
		err = run(text);
		fail_at = -1;
		if (err != -ENOMEM && err != with_memory)
			fail_msg("allocation %ld of %ld failed: returned %d", n, all, err);
		if (held != before)
			fail_msg("allocation %ld of %ld failed: %ld are not freed", n, all,
				 held - before);
	}
}

static void a_valid_policy_survives_lack_of_memory(void **state)
{
	survives(valid, 0);
}

static void an_invalid_policy_survives_lack_of_memory(void **state)
{
	survives(invalid, -EINVAL);
}

/* More ranges than a policy of this test has: the root of lines and its bitmap. */
static void a_large_trie_survives_lack_of_memory(void **state)
{
	struct ranges ranges = {};
	struct trie trie = {};
	long all, before;

	for (size_t i = 0; i < 70000; i++)
		assert_int_equal(ranges_append(&ranges, (address_t)(i * 60013) << 96, i % 3), 0);
	allocations = 0;
	assert_int_equal(trie4_build(&ranges, 0, &trie), 0);
	all = allocations;
	assert_int_equal(trie.root, TRIE_ROOT_LINES);
	assert_in_range(all, 2, 100);
	trie_done(&trie);
	before = held;
	for (long n = 1; n <= all; n++) {
		allocations = 0;
		fail_at = n;
		assert_int_equal(trie4_build(&ranges, 0, &trie), -ENOMEM);
		fail_at = -1;
		assert_int_equal(held, before);
	}
	ranges_done(&ranges);
}

/* Enough for a root of lines, a block of more changes of class than a line has room for among them,
 * or for a root with lists, some of which lead to records; and one host that differs. */
static int load_large(void *context, const char *path, char **ret_text, size_t *ret_length,
		      uint64_t *ret_mtime_ns)
{
	FILE *out = open_memstream(ret_text, ret_length);

	assert_non_null(out);
	for (uint32_t i = 0; i < 40000 && *path == '4'; i++)
		fprintf(out, "%u.%u.%u.%u\n", 1 + i / 256, i % 256, i * 7 % 256, i * 11 % 256);
	for (uint32_t i = 0; i < 100 && *path == '4'; i++)
		fprintf(out, "200.0.%u.%u\n", i / 10 % 2, i * 2);
	for (uint32_t i = 0; i < 40000 && *path == '6'; i++)
		fprintf(out, "%x:%x:%x::/48\n", 0x2000 + i / 5, i % 5 * 0x3000, i & 0xff);
	for (uint32_t i = 0; i < 100 && *path == '6'; i++)
		fprintf(out, "3000::%x:%x:%x\n", i % 3, i * 7, i * i);
	fprintf(out, *path == '4' ? "201.0.0.%s\n" : "3001::%s\n", path + 1);
	fclose(out);
	*ret_mtime_ns = 1;
	return 0;
}

static struct policy *parse_large(const char *file, struct diags *diags)
{
	const struct policyc_loader loader = {.load = load_large};
	struct policy *policy = NULL;
	char text[128];

	snprintf(text, sizeof(text),
		 "version: 1\nname: p\nsets: {l: {file: \"%s\"}}\n"
		 "rules: [{name: r, from: l, action: drop}]\n",
		 file);
	assert_int_equal(policyc_parse("p", text, strlen(text), &loader, diags, &policy), 0);
	return policy;
}

/* From one file to another. */
static void delta_survives(const char *file, const char *other)
{
	CLEANUP(diags_freep) struct diags *diags = diags_new();
	CLEANUP(policy_freep) struct policy *first = parse_large(file, diags);
	CLEANUP(policy_freep) struct policy *second = parse_large(other, diags);
	CLEANUP(image_freep) struct image *before = NULL;
	struct policyc_options options = {};
	struct image *image = NULL;
	long all, held_before;

	assert_int_equal(policyc_compile(first, &options, diags, &before), 0);
	options.before = before;
	allocations = 0;
	assert_int_equal(policyc_compile(second, &options, diags, &image), 0);
	all = allocations;
	assert_int_equal(image->nr_changed, 1);
	image_free(image);
	assert_in_range(all, 30, 1000);
	for (long n = 1; n <= all; n++) {
		image = NULL;
		held_before = held;
		allocations = 0;
		fail_at = n;
		if (policyc_compile(second, &options, diags, &image) != -ENOMEM)
			fail_msg("allocation %ld of %ld failed, unnoticed", n, all);
		fail_at = -1;
		assert_null(image);
		assert_int_equal(held, held_before);
	}
}

static void a_delta_of_ipv4_survives_lack_of_memory(void **state)
{
	delta_survives("41", "42");
}

static void a_delta_of_ipv6_survives_lack_of_memory(void **state)
{
	delta_survives("61", "62");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_valid_policy_survives_lack_of_memory),
		cmocka_unit_test(an_invalid_policy_survives_lack_of_memory),
		cmocka_unit_test(a_large_trie_survives_lack_of_memory),
		cmocka_unit_test(a_delta_of_ipv4_survives_lack_of_memory),
		cmocka_unit_test(a_delta_of_ipv6_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
