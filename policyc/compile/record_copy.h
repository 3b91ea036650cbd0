/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_RECORD_COPY_H
#define POLICYC_RECORD_COPY_H

/* Records of another image. */
#include "compile/trie_cells.h"

static inline const uint64_t *record_of(const struct synfw_line *lines, uint32_t id)
{
	return (const uint64_t *)lines + (id & SYNFW_TRIE_CELL);
}

/* A record of runs of so many bits, whose ids name records of that image. */
void record_read_runs(const uint64_t *record, uint32_t bits, struct runs *ret_runs);

#endif
