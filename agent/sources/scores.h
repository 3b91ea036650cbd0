/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_SCORES_H
#define SYNFW_AGENT_SCORES_H

/* Scores of sources: in the entries of struct synfw_source. */
#include <stddef.h>

#include <synfw/state.h>

#include "datapath/object.h"

/* A bucket as it was at synfw_entry_updated_ns(), leaked up to now. */
struct scored {
	struct synfw_addr6 source; /* first: source_compare() */
	uint64_t level;		   /* now; see SYNFW_SCORE_UNIT */
	struct synfw_score_part part[SYNFW_SCORE_PARTS];
};

/* Points, as they are compared with scoring.flag-at and drop-at. */
uint32_t score_points(uint64_t level);

/* How long until nothing is left of it, where there is scoring. */
uint64_t score_ends_in_ns(uint64_t level, const struct synfw_scoring *scoring);

/* -ENOENT, without a fault: it has no score. */
int scores_look_up(const struct object *object, const struct synfw_addr6 *source,
		   const struct synfw_scoring *scoring, struct fault *fault,
		   struct scored *ret_score);

/* All that are not 0, the highest first. The caller frees them. */
int scores_read(const struct object *object, const struct synfw_scoring *scoring,
		struct fault *fault, struct scored **ret_scores, size_t *ret_count);

/* Sets the score of a source to 0. -ENOENT, without a fault: it has none. */
int scores_forget(const struct object *object, const struct synfw_addr6 *source,
		  struct fault *fault);

/* Calls fn for each source that something is remembered of, and writes back those that it says
 * it changed. What packets leave there meanwhile, some microseconds, is lost. */
int scores_change(const struct object *object,
		  bool (*fn)(struct synfw_source *entry, struct synfw_more_parts *more,
			     void *context),
		  void *context, struct fault *fault);

int scores_forget_all(const struct object *object, struct fault *fault);

#endif
