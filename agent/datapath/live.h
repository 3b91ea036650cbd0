/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_LIVE_H
#define SYNFW_AGENT_LIVE_H

/* What is in force, read from the kernel. */
#include "base/paths.h"
#include "datapath.h"
#include "links.h"
#include "policy/manifest.h"
#include "tables.h"

struct live {
	bool present; /* a datapath is pinned; all below is empty without it */
	struct object object;
	struct synfw_control control;
	struct link_list links;
	struct tables tables; /* of the generation in force; none before the first switch */
	struct synfw_header header;
	struct synfw_class_tables class_tables;
	struct synfw_scoring scoring;
	struct manifest *manifest; /* NULL: no policy, or its manifest cannot be read */
};

#define LIVE_NONE                                            \
	{                                                    \
		.object = OBJECT_NONE, .tables = TABLES_NONE \
	}

/* Reads the datapath pinned in `dir`. No lock is needed: a switch while reading is noticed and
 * the reading starts again. No datapath is success with `present` false. */
int live_open(const char *dir, struct fault *fault, struct live *ret_live);

/* As live_open(), for a datapath of another ABI: when a map that is not a filter has another
 * shape, only its links are known. */
int live_open_other_abi(const char *dir, struct fault *fault, struct live *ret_live);

/* The manifest of what the idle slot holds, which the caller frees; NULL: it is empty, or nothing
 * can be said of it, as of one that was filled or emptied half-way. */
struct manifest *live_read_idle_manifest(const struct live *live);

/* What the bits of the live vectors stand for: header.nr_bits rules, which the caller frees. */
int live_read_rules(const struct live *live, struct fault *fault, struct synfw_rule **ret_rules);

/* Whether a link really runs its program on its interface, seen from this network namespace. */
bool live_link_attached(const struct link *link, enum xdp_mode *ret_mode);

void live_close(struct live *live);

#endif
