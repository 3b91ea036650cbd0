/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_RANDOM_PACKET_H
#define TESTS_BPF_RANDOM_PACKET_H

/*
 * Random frames that are likely to mean something to a policy: addresses inside, at the edges of
 * and just outside its prefixes, ports at the edges of its ranges, and every awkward shape.
 */
#include <policyc.h>

#include "model/frame.h"
#include "base/random.h"

/* Writes a frame of at least 14 bytes. */
void random_packet(struct rng *rng, const struct policy *policy,
		   const struct policyc_options *options, struct frame *ret_frame);

/* One of the options' interfaces, or NULL: an interface that the policy does not know. */
const struct policyc_interface *random_interface(struct rng *rng,
						 const struct policyc_options *options);

#endif
