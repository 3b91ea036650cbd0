/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_SET_ORDER_H
#define POLICYC_SET_ORDER_H

#include "set_source.h"

/*
 * Orders the named sets so that each comes after those it excepts. Reports sets that are subtracted
 * from themselves; those and what waits for them are left out. `ret_order` has room for all.
 * 0 or -ENOMEM.
 */
int sets_order(struct parser *parser, const struct set_sources *sources, uint32_t *ret_order,
	       size_t *ret_count);

#endif
