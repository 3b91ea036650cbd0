/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_LAYOUT_H
#define POLICYC_LAYOUT_H

#include "compile/tables.h"
#include "image.h"

/* Points an hour; 0: none is written. */
uint64_t layout_decay(const struct rate *decay);

/* Puts what the builders made into the lines of abi.h. 0, -ENOMEM, or -E2BIG. */
int layout_image(struct build *build, const struct policy *policy, struct image *image);

#endif
