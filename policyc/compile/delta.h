/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_DELTA_H
#define POLICYC_DELTA_H

/*
 * What has changed of the IPv4 addresses of a direction since another image was compiled, when most
 * of a root of lines is the same: prefixes came and went in some of its entries, and classes mean
 * what they meant. All else of the root and the records behind it is copied then, which gives the
 * same bytes as to make it anew.
 */
#include "compile/tables.h"

/* Finds a delta from the image of build->options->before, and adds the classes that it has to the
 * vectors, which have none of this field before; *ret_memberships are then what gave them. Where
 * there is none, or to make all anew is as cheap, ret_delta->lines is NULL and nothing was done.
 * 0, -ENOMEM or -E2BIG. */
int delta_find(struct build *build, enum synfw_direction direction,
	       struct memberships *ret_memberships, struct delta *ret_delta);

void delta_done(struct delta *delta);

#endif
