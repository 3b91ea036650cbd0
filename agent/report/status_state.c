/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "status_state.h"

#include <synfw/cleanup.h>

#include "datapath/tallies.h"
#include "sources/blocks.h"
#include "sources/scores.h"

/* In JSON, and as a warning; without one it is what the policy asked for. */
static const struct {
	const char *word;
	const char *warning; /* begins with how often */
} tally_texts[SYNFW_NR_TALLIES] = {
	[SYNFW_TALLY_BLOCKS_FULL] =
		{"blocks_full",
		 "times a source could not be blocked, because there was no room: its "
		 "packets that score are dropped, others are not"},
	[SYNFW_TALLY_BLOCKS_EXEMPT] = {"blocks_exempt", NULL},
	[SYNFW_TALLY_SCORES_LOST] =
		{"scores_lost",
		 "times the score of a source was forgotten early, for want of room"},
	[SYNFW_TALLY_RATES_LOST] =
		{"rates_lost", "times the rate of a source was forgotten early, for want of room"},
	[SYNFW_TALLY_SCANS_LOST] =
		{"scans_lost", "packets did not count towards distinct-ports, for want of room"},
	[SYNFW_TALLY_SETS_FULL] = {"sets_full", "times add-to found its dynamic set full"},
	[SYNFW_TALLY_EVENTS_LOST] =
		{"events_lost", "events were lost because nobody read them; see `synfw events`"},
	[SYNFW_TALLY_EVENTS_LIMITED] = {"events_limited", NULL},
	[SYNFW_TALLY_EVENTS_SAMPLED] = {"events_sampled", NULL},
	[SYNFW_TALLY_FLOWS_FULL] = {"flows_full",
				    "connections could not be remembered, for want of room"},
};

const char *status_tally_word(unsigned int tally)
{
	return tally_texts[tally].word;
}

int status_read_state(struct status *status, struct fault *fault)
{
	CLEANUP(cleanup_free) struct scored *scores = NULL;
	const struct live *live = &status->live;
	unsigned int tally;
	size_t count = 0;
	int err = blocks_count(&live->object, fault, &status->blocks);

	if (!err && live->scoring.decay)
		err = scores_read(&live->object, &live->scoring, fault, &scores, &count);
	if (!err)
		err = tallies_read(&live->object, fault, status->tallies);
	if (err)
		return err;
	status->scores = count;
	if (status->blocks == SYNFW_MAX_BLOCKS)
		notes_add(&status->warnings,
			  "there is no room for another block; see `synfw show blocks`");
	for (tally = 0; tally < SYNFW_NR_TALLIES; tally++)
		if (status->tallies[tally] && tally_texts[tally].warning)
			notes_add(&status->warnings, "%llu %s",
				  (unsigned long long)status->tallies[tally],
				  tally_texts[tally].warning);
	return 0;
}
