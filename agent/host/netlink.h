/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_NETLINK_H
#define SYNFW_AGENT_NETLINK_H

/* Dumps over netlink. */
#include <libmnl/libmnl.h>

/* As iproute2: what the kernel puts into one message of a dump at most. */
#define NETLINK_BYTES 32768

/* `bus`: NETLINK_ROUTE, ... 0 or -errno. */
int netlink_open(int bus, struct mnl_socket **ret_socket);

void netlink_closep(struct mnl_socket **socket);

/* Asks for a dump and calls `read` for each message of it; MNL_CB_ERROR with errno set ends it.
 * `message` has its type and what follows the header, and lies in a buffer of NETLINK_BYTES, where
 * the answers come, too. 0 or -errno: -EINTR when what is dumped changed meanwhile; the socket is
 * of no use then. */
int netlink_dump(struct mnl_socket *socket, struct nlmsghdr *message, mnl_cb_t read, void *context);

#endif
