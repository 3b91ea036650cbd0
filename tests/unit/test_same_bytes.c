/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The same policy gives the same bytes, whatever the memory that it is compiled in: where blocks
 * lie, in which order, what was in them before and what is left on the stack. malloc is replaced
 * for that: M_PERTURB leaves alone what comes from the cache of the thread.
 */
#include <errno.h>
#include <glob.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include <policyc.h>
#include <synfw/cleanup.h>
#include <synfw/trie.h>

#define NR_RUNS	  4
#define NR_BLOCKS 4096
#define NR_RULES  1200

/* ---- the memory ------------------------------------------------------------------------------ */

/* glibc's own, under the names that interposers use. */
extern void *__libc_malloc(size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void __libc_free(void *memory);

/* Of the run at work; 0: blocks are as glibc gives them. */
static uint64_t stirred;

/* xorshift64 (Marsaglia 2003) */
static uint64_t next_number(void)
{
	stirred ^= stirred << 13;
	stirred ^= stirred >> 7;
	stirred ^= stirred << 17;
	return stirred;
}

static void fill(void *memory)
{
	if (stirred && memory)
		memset(memory, (int)(stirred % 255 + 1), malloc_usable_size(memory));
}

void *malloc(size_t size)
{
	void *memory = __libc_malloc(stirred ? size + next_number() % 256 : size);

	fill(memory);
	return memory;
}

void free(void *memory)
{
	fill(memory);
	__libc_free(memory);
}

/* Never grows in place. */
void *realloc(void *old, size_t size)
{
	size_t old_size = malloc_usable_size(old);
	void *memory;

	if (!stirred)
		return __libc_realloc(old, size);
	memory = malloc(size);
	if (!memory)
		return NULL;
	if (old)
		memcpy(memory, old, old_size < size ? old_size : size);
	free(old);
	return memory;
}

static __attribute__((noinline)) void stir_stack(void)
{
	char stack[1 << 16];

	memset(stack, (int)stirred, sizeof(stack));
	__asm__ volatile("" : : "r"(stack) : "memory"); /* what nobody reads is not left out */
}

/* Takes blocks and gives half of them back in a random order, so that the next ones lie in the
 * holes. `kept` receives the other half. Run 0 leaves everything as it is. */
static void stir(uint64_t run, void *kept[NR_BLOCKS / 2])
{
	void *blocks[NR_BLOCKS];

	stirred = run * 0x9e3779b97f4a7c15ULL;
	if (!run) {
		memset(kept, 0, NR_BLOCKS / 2 * sizeof(*kept));
		return;
	}
	for (size_t i = 0; i < NR_BLOCKS; i++) {
		size_t place = next_number() % (i + 1);

		blocks[i] = blocks[place];
		blocks[place] = malloc(next_number() % 2048);
	}
	for (size_t i = 0; i < NR_BLOCKS / 2; i++)
		free(blocks[i]);
	memcpy(kept, blocks + NR_BLOCKS / 2, NR_BLOCKS / 2 * sizeof(*kept));
	stir_stack();
}

static void settle(void *kept[NR_BLOCKS / 2])
{
	for (size_t i = 0; i < NR_BLOCKS / 2; i++)
		free(kept[i]);
	stirred = 0;
}

/* ---- runs ------------------------------------------------------------------------------------ */

/* All that a run gives out. */
struct outcome {
	struct image *image;
	char *diagnostics;
	char digest[65];
};

static void outcome_done(struct outcome *outcome)
{
	image_free(outcome->image);
	free(outcome->diagnostics);
}

static void compile(const char *file, const char *text, policyc_load_fn load,
		    struct outcome *ret_outcome)
{
	static const struct policyc_interface interfaces[] = {{"eth0", 1}, {"eth1", 7}};
	static struct prefix4 gateway = {.addr = 0x0a000001, .prefixlen = 32};
	static struct prefix4 resolver = {.addr = 0x0a000035, .prefixlen = 32};
	static struct prefix6 resolver6 = {{0x20, 0x01, 0x0d, 0xb8, [15] = 0x35}, 128};
	const struct prefix_list gateways = {.v4 = &gateway, .nr_v4 = 1};
	const struct prefix_list resolvers = {
		.v4 = &resolver, .nr_v4 = 1, .v6 = &resolver6, .nr_v6 = 1};
	const struct policyc_options options = {
		.interfaces = interfaces,
		.nr_interfaces = 2,
		.infrastructure = {&gateways, &resolvers},
	};
	const struct policyc_loader loader = {.load = load};
	CLEANUP(diags_freep) struct diags *diags = diags_new();
	CLEANUP(policy_freep) struct policy *policy = NULL;
	struct outcome outcome = {};
	size_t size;
	FILE *out = open_memstream(&outcome.diagnostics, &size);

	assert_non_null(diags);
	assert_non_null(out);
	assert_int_equal(policyc_parse(file, text, strlen(text), &loader, diags, &policy), 0);
	assert_int_equal(policyc_compile(policy, &options, diags, &outcome.image), 0);
	diags_print(diags, out, false);
	fclose(out);
	image_digest(outcome.image, outcome.digest);
	*ret_outcome = outcome;
}

static void assert_same(const struct outcome *outcome, const struct outcome *other)
{
	const struct image *image = outcome->image;

	assert_int_equal(image->nr_lines, other->image->nr_lines);
	assert_memory_equal(image->lines, other->image->lines,
			    (size_t)image->nr_lines * SYNFW_LINE_BYTES);
	assert_memory_equal(image->nr_classes, other->image->nr_classes, sizeof(image->nr_classes));
	assert_int_equal(image->kernel_bytes, other->image->kernel_bytes);
	/* that of the tables of rules on processes, too */
	assert_string_equal(outcome->digest, other->digest);
	assert_string_equal(outcome->diagnostics, other->diagnostics);
}

/* `ret_first` receives what all of them gave. */
static void compile_repeatedly(const char *file, const char *text, policyc_load_fn load,
			       struct outcome *ret_first)
{
	for (uint64_t run = 0; run < NR_RUNS; run++) {
		void *kept[NR_BLOCKS / 2];
		struct outcome outcome;

		stir(run, kept);
		compile(file, text, load, &outcome);
		settle(kept);
		if (!run) {
			*ret_first = outcome;
			continue;
		}
		assert_same(&outcome, ret_first);
		outcome_done(&outcome);
	}
}

/* ---- the policies ---------------------------------------------------------------------------- */

static const char head[] = "version: 1\n"
			   "name: p\n"
			   "interfaces: [{name: eth0}, {name: eth1}]\n"
			   "protect: [{from: management, to: ssh}, infrastructure]\n"
			   "services: {ssh: 22/tcp, web: [80/tcp, 443/tcp, 443/udp]}\n"
			   "sets:\n"
			   "  management: [10.20.0.0/16, \"2001:db8:20::/48\"]\n"
			   "  service: [203.0.113.0/24, \"2001:db8:4::/48\"]\n"
			   "  large: {file: large, except: [management, 198.51.100.0/24]}\n"
			   "  listed: {file: listed, except: large}\n"
			   "  live: {dynamic: true, size: 10}\n"
			   "  more: {dynamic: true}\n"
			   "rules:\n";

/* Rules of all kinds of fields; %1 is the number of the rule, %2 and %3 are its two bytes. */
static const char *const rule_formats[] = {
	"- {name: r%1$d, from: 10.%2$d.%3$d.0/24, to: %1$d/tcp, action: drop}\n",
	"- {name: r%1$d, from: \"2001:db8:%1$x::/48\", to: %1$d-60000/udp, action: allow}\n",
	"- {name: r%1$d, from: [listed, large], flags: [syn, not ack], to: %1$d/tcp, action: "
	"drop}\n",
	"- {name: r%1$d, interface: eth1, vlan: %1$d, action: drop}\n",
	"- {name: r%1$d, icmp: echo-request, from: 172.16.%2$d.%3$d, action: allow}\n",
	"- {name: r%1$d, from: large, except: {from: 192.0.2.%3$d, vlan: %1$d}, to-address: "
	"[service, \"2001:db8:1::%1$x\"], action: drop}\n",
	"- {name: r%1$d, from-port: %1$d, from: any, score: 5}\n",
	"- {name: r%1$d, proto: [tcp, gre], to-address: 198.18.%2$d.%3$d, mode: monitor, action: "
	"drop}\n",
	"- {name: r%1$d, from: [10.1.%3$d.1, 10.1.%3$d.3, 10.1.%3$d.5, 10.1.%3$d.7, 10.1.%3$d.9, "
	"10.2.%3$d.1, 10.2.%3$d.3, 10.2.%3$d.5, 10.2.%3$d.7, 10.2.%3$d.9, 10.3.%3$d.1, "
	"10.3.%3$d.3, 10.3.%3$d.5, 10.3.%3$d.7, 10.3.%3$d.9, 10.4.%2$d.0/24, "
	"\"2001:db8:6:%1$x::/64\"], action: allow}\n",
	"- {name: r%1$d, to-address: \"2001:db8:2::%1$x\", to: web, action: allow}\n",
	"- {name: r%1$d, from: \"2001:db8:3::%1$x\", interface: eth0, action: drop}\n",
	"- {name: r%1$d, to: %1$d/sctp, from-port: 1-%1$d, action: allow}\n",
	"- {name: r%1$d, from: [live, listed], except: {from: more, to-address: live}, to: %1$d, "
	"score: 1}\n",
};
#define NR_FORMATS	 (sizeof(rule_formats) / sizeof(rule_formats[0]))

#define NR_PROCESS_RULES 300

/* %1 is the number of the rule, %2 one of a few. */
static const char process_format[] =
	"- {name: p%1$d, exec: [/bin/p%1$d, \"/srv/%2$d/**\", \"/srv/**\", \"**/n%1$d\"], parent: "
	"[/bin/%2$d, /bin/s], user: [not %1$d, not 0], group: %2$d, args: [-%1$d, -e], except: "
	"{ancestor: /bin/a%2$d}, score: 5}\n";

static char *large_policy(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	fputs(head, out);
	for (int i = 1; i <= NR_RULES; i++)
		fprintf(out, rule_formats[i % NR_FORMATS], i, i >> 8, i & 255);
	fputs("processes:\n", out);
	for (int i = 1; i <= NR_PROCESS_RULES; i++)
		fprintf(out, process_format, i, i % 7);
	fclose(out);
	return text;
}

/* Two lists in no order: networks and hosts of both families, and JSON. */
static int load_list(void *context, const char *path, char **ret_text, size_t *ret_length,
		     uint64_t *ret_mtime_ns)
{
	bool json = !strcmp(path, "listed");
	FILE *out;

	if (!json && strcmp(path, "large"))
		return -ENOENT;
	out = open_memstream(ret_text, ret_length);
	if (!out)
		return -ENOMEM;
	for (uint32_t n = 1; n <= 4000; n++) {
		uint32_t addr = n * (json ? 2246822519U : 2654435761U);
		const char *format = json    ? "{\"cidr\":\"%u.%u.%u.0/24\",\"sblid\":\"%u\"}\n"
				     : n % 3 ? "%u.%u.%u.0/24\n"
				     : n % 2 ? "%u.%u.%u.%u\n"
					     : "2001:db8:%x:%x::/64\n2001:db8::%x:%x\n";

		fprintf(out, format, addr >> 24, addr >> 16 & 255, addr >> 8 & 255, addr & 255);
	}
	*ret_mtime_ns = 1;
	return fclose(out) ? -ENOMEM : 0;
}

/* That the policy has what this test is about. */
static void assert_exercises_everything(const struct image *image)
{
	const struct synfw_class_tables *tables = image_class_tables(image);
	const struct synfw_header *header = image_header_const(image);

	assert_int_not_equal(header->refs_at, 0);
	assert_int_equal(image->processes->head.nr_bits, 2 * NR_PROCESS_RULES);
	assert_in_range(header->nr_bits, NR_RULES, SYNFW_MAX_BITS);
	assert_in_range(tables->counting_word, 1, header->nr_bits / 64 - 1);
	assert_true(tables->ifvlan_lines > 0);
	assert_int_equal(header->fields, (1 << SYNFW_NR_FIELDS) - 1);
	assert_true(header->flag_rules);
	assert_true(tables->trie4[SYNFW_DIR_SRC] && tables->trie4[SYNFW_DIR_DST]);
	assert_true(tables->trie6[SYNFW_DIR_SRC] && tables->trie6[SYNFW_DIR_DST]);
	assert_int_equal(tables->trie4_root[SYNFW_DIR_SRC], SYNFW_TRIE4_ROOT_WIDE);
}

static void a_large_policy_gives_the_same_bytes(void **state)
{
	CLEANUP(cleanup_free) char *text = large_policy();
	CLEANUP(outcome_done) struct outcome outcome = {};

	compile_repeatedly("p", text, load_list, &outcome);
	assert_exercises_everything(outcome.image);
}

static void each_policy_that_people_start_from_gives_the_same_bytes(void **state)
{
	const char *root = getenv("SYNFW_SOURCE_ROOT");
	char pattern[4096];
	glob_t found;

	assert_non_null(root);
	snprintf(pattern, sizeof(pattern), "%s/policies/*.yaml", root);
	assert_int_equal(glob(pattern, GLOB_ERR, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		CLEANUP(outcome_done) struct outcome outcome = {};
		CLEANUP(cleanup_free) char *text = NULL;
		uint64_t mtime_ns;
		size_t length;

		assert_int_equal(
			policyc_load_file(NULL, found.gl_pathv[i], &text, &length, &mtime_ns), 0);
		compile_repeatedly(found.gl_pathv[i], text, policyc_load_file, &outcome);
	}
	globfree(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_large_policy_gives_the_same_bytes),
		cmocka_unit_test(each_policy_that_people_start_from_gives_the_same_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
