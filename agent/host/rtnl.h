/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_RTNL_H
#define SYNFW_AGENT_RTNL_H

/* What the kernel knows of this network namespace: routes, next hops, addresses. */
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

struct rtnl_dump {
	uint16_t type;	       /* RTM_GET* */
	uint16_t header_bytes; /* of its messages: struct rtmsg, ... */
	uint8_t family;
	mnl_cb_t read; /* for each message; MNL_CB_ERROR with errno set ends the dump */
};

#define RTNL_ATTEMPTS 6

/* Makes the dumps one after the other. What changes during a dump ends it, and then all are made
 * again: `read` sees what it has seen before. A kind that this kernel does not have has nothing.
 * -EINTR when every attempt was interrupted, or another -errno. */
int rtnl_read(const struct rtnl_dump *dumps, size_t count, void *context);

#endif
