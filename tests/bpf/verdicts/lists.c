/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Blocklists as operators download them, applied through policyc: for each prefix the addresses at
 * both edges, inside and just outside are judged by the BPF program, and by a linear scan of what
 * this test itself reads from the files.
 */
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "model/frame.h"
#include "base/must.h"
#include "harness/test_data.h"
#include "harness/trial.h"
#include "verdicts/verdicts.h"

#define NOT_LISTED	    UINT32_MAX
#define ADDRESS(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static const struct policyc_interface eth0 = {"eth0", 1};
static const struct policyc_options options = {.interfaces = &eth0, .nr_interfaces = 1};

static const char *const list_names[] = {"spamhaus_drop.netset", "dshield_top_1000.ipset",
					 "firehol_level1.netset", "firehol_level2.netset"};
#define NR_LISTS (sizeof(list_names) / sizeof(list_names[0]))

struct range {
	uint32_t first, last;
};

struct list {
	struct range *ranges;
	size_t count;
};

/* One address or prefix a line; what begins with '#' is a comment. */
static bool read_list(const char *text, struct list *ret_list)
{
	struct list list = {.ranges = calloc(strlen(text) / 8 + 1, sizeof(*list.ranges))};

	MUST(list.ranges);
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		unsigned int a, b, c, d, length = 32;
		uint32_t rest;

		if (*line == '#' || *line == '\n')
			continue;
		if (sscanf(line, "%u.%u.%u.%u/%u", &a, &b, &c, &d, &length) < 4) {
			fprintf(stderr, "not understood: %.*s\n", (int)strcspn(line, "\n"), line);
			free(list.ranges);
			return false;
		}
		rest = length ? (1ULL << (32 - length)) - 1 : ~0U;
		list.ranges[list.count].first = ADDRESS(a, b, c, d);
		list.ranges[list.count++].last = ADDRESS(a, b, c, d) | rest;
	}
	*ret_list = list;
	return true;
}

static bool list_contains(const struct list *list, uint32_t addr)
{
	for (size_t i = 0; i < list->count; i++)
		if (addr >= list->ranges[i].first && addr <= list->ranges[i].last)
			return true;
	return false;
}

/* The rule that must decide: the first list that has the address. `spared` is in none. */
static uint32_t expected_rule(const struct list lists[NR_LISTS], const struct range *spared,
			      uint32_t addr)
{
	if (addr >= spared->first && addr <= spared->last)
		return NOT_LISTED;
	for (uint32_t i = 0; i < NR_LISTS; i++)
		if (list_contains(&lists[i], addr))
			return i;
	return NOT_LISTED;
}

struct bench {
	const struct list *lists;
	struct range spared;
	struct trial trial;
	uint64_t listed, unlisted;
};

static bool address_agrees(struct bench *bench, uint32_t addr)
{
	uint32_t expected = expected_rule(bench->lists, &bench->spared, addr);
	struct frame_spec spec = FRAME_SPEC_DEFAULT;
	struct answers answers;
	struct frame frame;

	for (int byte = 0; byte < 4; byte++)
		spec.saddr[byte] = addr >> (24 - 8 * byte);
	spec.dport = 443;
	frame_build(&spec, &frame);
	if (!trial_agrees(&bench->trial, frame.byte, frame.length, &eth0, &answers))
		return false;
	if (expected == NOT_LISTED)
		bench->unlisted++;
	else
		bench->listed++;
	if (answers.bpf.rule == (expected == NOT_LISTED ? REFERENCE_NO_RULE : expected) &&
	    answers.bpf.verdict == (expected == NOT_LISTED ? SYNFW_ALLOW : SYNFW_DROP))
		return true;
	fprintf(stderr, "source %08x: BPF says rule %d, the lists %d\n", addr,
		(int)answers.bpf.rule, (int)expected);
	return false;
}

static bool list_agrees(struct bench *bench, const struct list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct range *range = &list->ranges[i];

		if (!address_agrees(bench, range->first) || !address_agrees(bench, range->last) ||
		    !address_agrees(bench, range->first - 1) ||
		    !address_agrees(bench, range->last + 1) ||
		    !address_agrees(bench, range->first + (range->last - range->first) / 2))
			return false;
	}
	return true;
}

/* One set and one drop rule a list; `except` is the text behind the format. */
static void lists_policy(const char *except, struct policy_text *ret_text)
{
	struct policy_text text = {.rules = calloc(NR_LISTS, sizeof(*text.rules))};
	size_t length;
	FILE *out = open_memstream(&text.head, &length);

	MUST(out && text.rules);
	fputs("version: 1\nname: lists\ninterfaces:\n  - name: eth0\nsets:\n", out);
	fputs("  management: [10.20.0.0/16]\n", out);
	for (size_t i = 0; i < NR_LISTS; i++) {
		char name[64];
		CLEANUP(cleanup_free) char *path = NULL;

		snprintf(name, sizeof(name), "lists/%s", list_names[i]);
		path = test_data_path(name);
		MUST(path);
		fprintf(out, "  list-%zu:\n    file: %s\n    format: netset\n%s", i, path, except);
		MUST(asprintf(&text.rules[text.nr_rules++],
			      "  - name: drop-%zu\n    from: list-%zu\n    action: drop\n", i,
			      i) > 0);
	}
	fputs("defaults: {incoming: allow}\n", out);
	MUST(fclose(out) == 0);
	*ret_text = text;
}

static bool lists_agree(struct datapath *datapath, struct trial_totals *totals,
			const struct list lists[NR_LISTS], const char *title, const char *except,
			struct range spared)
{
	struct bench bench = {.lists = lists, .spared = spared};
	const struct {
		uint32_t addr;
		bool listed;
	} known[] = {
		/* Level 1 has the private ranges: as it is, it locks an operator out. */
		{ADDRESS(10, 20, 0, 1), spared.first > spared.last},
		{ADDRESS(10, 19, 255, 255), true},
		{ADDRESS(10, 21, 0, 0), true},
		{ADDRESS(192, 168, 1, 1), true},
		{ADDRESS(8, 8, 8, 8), false},
	};
	struct policy_text text;
	bool agree;

	lists_policy(except, &text);
	agree = trial_begin(&bench.trial, datapath, totals, &text, &options, stderr) == 0;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]) && agree; i++) {
		bool listed = expected_rule(lists, &spared, known[i].addr) != NOT_LISTED;

		agree = listed == known[i].listed && address_agrees(&bench, known[i].addr);
	}
	for (size_t i = 0; i < NR_LISTS && agree; i++)
		agree = list_agrees(&bench, &lists[i]);
	agree = agree && trial_counters_agree(&bench.trial);
	printf("%s: %llu listed and %llu unlisted sources: %s\n", title,
	       (unsigned long long)bench.listed, (unsigned long long)bench.unlisted,
	       agree ? "agree" : "FAILED");
	if (bench.trial.datapath)
		trial_end(&bench.trial);
	policy_text_done(&text);
	return agree && bench.listed && bench.unlisted;
}

int test_lists(struct datapath *datapath)
{
	CLEANUP(cleanup_free) struct trial_totals *totals = calloc(1, sizeof(*totals));
	const struct range nothing = {1, 0};
	const struct range management = {ADDRESS(10, 20, 0, 0), ADDRESS(10, 20, 255, 255)};
	struct list lists[NR_LISTS] = {};
	bool agree = true;

	MUST(totals);
	for (size_t i = 0; i < NR_LISTS; i++) {
		char name[64];
		size_t length;
		CLEANUP(cleanup_free) char *text = NULL;

		snprintf(name, sizeof(name), "lists/%s", list_names[i]);
		text = test_data_read(name, &length);
		if (!text)
			return test_data_report_absent(name);
		if (!read_list(text, &lists[i]))
			return EXIT_FAILURE;
	}
	agree &= lists_agree(datapath, totals, lists, "as they are", "", nothing);
	agree &= lists_agree(datapath, totals, lists, "less the management network",
			     "    except: [management]\n", management);
	for (size_t i = 0; i < NR_LISTS; i++)
		free(lists[i].ranges);
	return agree ? EXIT_SUCCESS : EXIT_FAILURE;
}
