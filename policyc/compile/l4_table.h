/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_L4_TABLE_H
#define POLICYC_L4_TABLE_H

/* The values of one region that a bit matches, as a bitmap. */
#include <stdint.h>

#include "compile/bits.h"

#define L4_VALUES 65536

struct l4_values {
	uint64_t word[L4_VALUES / 64];	/* only the region's values are defined */
};

/* 256 or L4_VALUES. */
uint32_t l4_region_values(enum synfw_l4_region region);

/* What `bit` matches in the region of a field (SYNFW_FIELD_L4DST or SYNFW_FIELD_L4SRC), its except
 * taken into account. In SYNFW_L4_PROTO the values are protocols without ports or type. */
void l4_bit_values(const struct bit *bit, enum synfw_field field, enum synfw_l4_region region,
		   struct l4_values *ret_values);

#endif
