/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "harness/trial_minimise.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <synfw/cleanup.h>

#include "base/must.h"

#define MAX_SECONDS 30

struct question {
	const struct trial *trial;
	const uint8_t *frame;
	size_t length;
	const struct policyc_interface *interface;
};

/* Asks a smaller policy. Its counters are nobody's business: the totals are thrown away. */
static bool still_disagrees(const struct question *question, const struct policy_text *text,
			    bool print)
{
	CLEANUP(cleanup_free) struct trial_totals *totals = calloc(1, sizeof(*totals));
	struct answers answers;
	struct trial trial;
	bool disagrees;

	MUST(totals);
	if (trial_begin(&trial, question->trial->datapath, totals, text, question->trial->options,
			NULL))
		return false;
	disagrees = trial_ask(&trial, question->frame, question->length, question->interface,
			      &answers) == 0 &&
		    !answers_agree(&answers);
	if (disagrees && print)
		trial_print_answers(&trial, &answers);
	trial_end(&trial);
	return disagrees;
}

/* Tries to leave out ever smaller runs of rules, until time is up. */
static void shrink(const struct question *question, struct policy_text *text)
{
	char **rest = calloc(text->nr_rules + 1, sizeof(*rest));
	time_t end = time(NULL) + MAX_SECONDS;

	MUST(rest);
	for (size_t run = text->nr_rules; run > 0; run /= 2) {
		for (size_t first = 0; first < text->nr_rules && time(NULL) < end;) {
			struct policy_text smaller = *text;
			size_t last = first + run < text->nr_rules ? first + run : text->nr_rules;

			memcpy(rest, text->rules, first * sizeof(*rest));
			memcpy(rest + first, text->rules + last,
			       (text->nr_rules - last) * sizeof(*rest));
			smaller.rules = rest;
			smaller.nr_rules = text->nr_rules - (last - first);
			if (!still_disagrees(question, &smaller, false)) {
				first += run;
				continue;
			}
			memcpy(text->rules, rest, smaller.nr_rules * sizeof(*rest));
			text->nr_rules = smaller.nr_rules;
		}
	}
	free(rest);
}

static void print_frame(const struct question *question)
{
	fprintf(stderr, "  interface  %s\n  frame      ",
		question->interface ? question->interface->name : "(unknown)");
	for (size_t i = 0; i < question->length; i++)
		fprintf(stderr, "%02x", question->frame[i]);
	fputc('\n', stderr);
}

void trial_minimise(const struct trial *trial, const uint8_t *frame, size_t length,
		    const struct policyc_interface *interface)
{
	struct question question = {trial, frame, length, interface};
	struct policy_text text = *trial->text;
	CLEANUP(cleanup_free) char **rules = calloc(text.nr_rules + 1, sizeof(*rules));
	CLEANUP(cleanup_free) char *directory = NULL;
	const char *tmp = getenv("TMPDIR");

	MUST(rules);
	memcpy(rules, text.rules, text.nr_rules * sizeof(*rules));
	text.rules = rules;
	shrink(&question, &text);
	fprintf(stderr, "with %zu of %zu rules:\n", text.nr_rules, trial->text->nr_rules);
	if (!still_disagrees(&question, &text, true))
		fprintf(stderr, "  not seen again\n");
	print_frame(&question);

	MUST(asprintf(&directory, "%s/synfw-disagreement-XXXXXX", tmp ? tmp : "/tmp") > 0);
	if (mkdtemp(directory) && policy_text_save(&text, directory) == 0)
		fprintf(stderr, "  policy     %s/policy.yaml\n", directory);
}
