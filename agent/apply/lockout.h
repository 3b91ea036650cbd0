/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_LOCKOUT_H
#define SYNFW_AGENT_LOCKOUT_H

/* The SSH connection over which this command was started. */
#include <model.h>

#include "datapath/interfaces.h"

/* Reads "CLIENT PORT SERVER PORT", the value of SSH_CONNECTION, as a packet from the client to the
 * server. -EINVAL when it is something else. */
int lockout_parse(const char *value, struct packet_spec *ret_packet);

/* Finds the connection in this process's environment or, since sudo clears it, in an ancestor's.
 * -ENOENT: there is none. */
int lockout_find(struct packet_spec *ret_packet);

/* Whether that connection ends in this network namespace: one of its interfaces has the server's
 * address. True when that cannot be told. */
bool lockout_ends_here(const struct packet_spec *packet);

/* The interface of the list through which that connection comes in: the one with the server's
 * address, or a port of the bridge or bond that has it. NULL when none of the list
 * carries it. */
const struct interface *lockout_interface(const struct packet_spec *packet,
					  const struct interface_list *list);

#endif
