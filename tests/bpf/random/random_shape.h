/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_RANDOM_SHAPE_H
#define TESTS_BPF_RANDOM_SHAPE_H

/* The shapes that a packet can have around the addresses and ports that a policy is about. */
#include "model/frame.h"
#include "base/random.h"

/* Leaves half of the packets plain; gives the others tags, options, extension headers, fragments,
 * or a header that contradicts itself. */
void random_shape(struct rng *rng, struct frame_spec *spec);

/* Cuts some frames at any byte, and changes a few bytes behind the MAC addresses of others. At
 * least an Ethernet header is left. */
void random_damage(struct rng *rng, struct frame *frame);

#endif
