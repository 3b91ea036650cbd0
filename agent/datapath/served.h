/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_SERVED_H
#define SYNFW_AGENT_SERVED_H

/* The UDP ports that a policy opens by rules, whoever asks: see synfw_served_udp in
 * <synfw/state.h>. */
#include <model.h>
#include <synfw/state.h>

#include "object.h"

struct served {
	uint64_t words[SYNFW_SERVED_WORDS];
};

/* Ports in `to` of rules that allow; those of rules that only monitor are not open. */
void served_ports(const struct policy *policy, struct served *ret_served);

/* Tells the egress filter. Word by word: an answer that goes out meanwhile is judged by the old
 * policy or by the new one. */
int served_write(const struct served *served, const struct object *object, struct fault *fault);

#endif
