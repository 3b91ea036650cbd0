/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_DIFF_H
#define SYNFW_AGENT_DIFF_H

/* What distinguishes two policies, by the names of their parts. */
#include "manifest.h"

enum diff_part {
	DIFF_POLICY, /* name, mode */
	DIFF_DEFAULT,
	DIFF_PROTECT,
	DIFF_SET,
	DIFF_RULE,
	DIFF_PROCESS, /* rules on processes */
	DIFF_MEMORY,
};

enum diff_kind {
	DIFF_ADDED,
	DIFF_REMOVED,
	DIFF_CHANGED,
	DIFF_MOVED, /* a rule that stands at another place among those in both policies */
};

struct diff_entry {
	enum diff_part part;
	enum diff_kind kind;
	char *name;
	char *before; /* NULL: added */
	char *after;  /* NULL: removed */
};

struct diff {
	struct diff_entry *entries;
	size_t count;
};

/* `before` NULL: no policy is in force, everything is added. 0 or -ENOMEM. */
int diff_manifests(const struct manifest *before, const struct manifest *after,
		   struct diff *ret_diff);
size_t diff_count(const struct diff *diff, enum diff_part part, enum diff_kind kind);
void diff_done(struct diff *diff);

const char *diff_part_word(enum diff_part part);
const char *diff_kind_word(enum diff_kind kind);

#endif
