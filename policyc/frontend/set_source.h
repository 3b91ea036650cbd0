/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_SET_SOURCE_H
#define POLICYC_SET_SOURCE_H

/* Where the addresses of a named set come from and what is taken away from them. */
#include "parser.h"
#include "set_file.h"

struct set_source {
	const char *file; /* text of the node, or NULL */
	struct location file_at;
	int format; /* enum set_file_format */
	uint64_t max_age_ns;
	int if_stale; /* enum set_if_stale */
	struct location if_stale_at;
	uint32_t *except; /* indices of named sets */
	size_t nr_except;
	struct prefix_list except_prefixes;
	struct location except_at;
	bool taken_as_empty; /* stale; reported */
	int dynamic;
	uint32_t size; /* dynamic; 0: not said */
	uint64_t timeout_ns;
};

struct set_sources {
	struct set_source *sources; /* one for each named set */
	size_t count;
};

void set_sources_done(struct set_sources *sources);

/* Reads the file of a set through the loader and judges its age. 0 or -ENOMEM. */
int set_source_load(struct parser *parser, struct policy_set *set, struct set_source *source);

#endif
