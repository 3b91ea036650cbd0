/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_DELTA_H
#define POLICYC_DELTA_H

/*
 * What has changed of the addresses of a family in a direction since another image was compiled,
 * when most of a root of lines or with lists is the same: prefixes came and went in some of its
 * entries, and classes mean what they meant. All else of the root and the records behind it is
 * copied then, which gives the same bytes as to make it anew.
 */
#include "compile/tables.h"

/* Finds a delta from the image whose basis is build->basis; puts it, and where its classes come up,
 * into the addresses, and adds these classes to the vectors, which have of this field those of IPv4
 * when the family is IPv6, else none. Where there is no delta, or to make all anew is as cheap,
 * addresses->delta.lines is NULL and nothing was done. 0, -ENOMEM or -E2BIG. */
int delta_find(struct build *build, enum synfw_direction direction, enum family family);

void delta_done(struct delta *delta);

#endif
