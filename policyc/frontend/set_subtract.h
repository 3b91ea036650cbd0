/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_SET_SUBTRACT_H
#define POLICYC_SET_SUBTRACT_H

#include "set_source.h"

/* Normalises all named sets and takes away what each excepts. Reports sets that end up empty.
 * 0 or -ENOMEM. */
int sets_finish(struct parser *parser, struct set_sources *sources);

/* Reports more distinct prefixes in all sets, anonymous ones too, than there may be. 0 or -ENOMEM.
 */
int sets_check_total(struct parser *parser);

#endif
