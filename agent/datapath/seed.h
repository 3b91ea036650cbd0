/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_SEED_H
#define SYNFW_AGENT_SEED_H

/*
 * The connections that are open when they begin to be tracked: who opened them is not known any
 * more, and a policy that lets in what belongs to this host's own would cut those that others
 * opened, the SSH session of whoever applies it first. So all of them count as this host's own:
 * TCP, half-open to half-closed, and connected UDP. Not SCTP, ping, nor UDP of sockets that are not
 * connected.
 */
#include "flows.h"

/*
 * Asks the kernel for the sockets of this network namespace, loopback left out. When that fails it
 * fails: connections that nobody knows would break. One that is accepted while they are listed can
 * be missed; one that this host opens meanwhile is seen by the egress filter, which is attached
 * before.
 */
int seed_read(struct fault *fault, struct flow_list *ret_list);

bool seed_has(const struct flow_list *seeds, const struct synfw_flow_tuple *tuple);

/* Puts them among the connections of a datapath. Those that it did not have before go to the front
 * of the list, and *ret_count says how many they are, also when it fails. */
int seed_insert(struct flow_list *seeds, const struct object *object, struct fault *fault,
		size_t *ret_count);

/* Takes the first `count` out again. */
void seed_remove(const struct flow_list *seeds, const struct object *object, size_t count);

#endif
