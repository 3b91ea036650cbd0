/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PEERS_H
#define SYNFW_AGENT_PEERS_H

/* Marks that rules on processes leave for the packet path, see <synfw/peer.h>. */
#include <synfw/peer.h>

#include "datapath/object.h"

/* -ENOENT, without a fault: the source has none. */
int peers_look_up(const struct object *object, const struct synfw_addr6 *source,
		  struct fault *fault, struct synfw_peer *ret_peer);

/* Whether the next packet of the source has to do with the mark, in a policy with that mode. */
bool peer_is_pending(const struct synfw_peer *peer, bool monitor, uint64_t now_boot_ns);

/* -ENOENT, without a fault: the source has none. */
int peers_forget(const struct object *object, const struct synfw_addr6 *source,
		 struct fault *fault);
int peers_forget_all(const struct object *object, struct fault *fault);

/* Forgets those of rules that are gone: renumber_by_name() makes 0 of their counters. */
int peers_forget_rules(const struct object *object, const uint16_t *becomes, struct fault *fault);

#endif
