/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/record_copy.h"

#include <string.h>

void record_read_runs(const uint64_t *record, uint32_t bits, struct runs *ret_runs)
{
	uint32_t words = (1U << bits) / 64, header = words == 1 ? 1 : words + 1;
	const uint64_t *starts = record;

	ret_runs->count = 0;
	memset(ret_runs->starts, 0, sizeof(ret_runs->starts));
	for (uint32_t word = 0; word < words; word++) {
		ret_runs->starts[word] = starts[word];
		ret_runs->count += __builtin_popcountll(starts[word]);
	}
	memcpy(ret_runs->ids, record + header, ret_runs->count * sizeof(ret_runs->ids[0]));
}
