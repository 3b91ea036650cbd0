/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PROC_SOCKETS_H
#define SYNFW_AGENT_PROC_SOCKETS_H

/* The sockets of this network namespace as /proc/net lists them, for kernels without the module
 * that answers for a protocol (tcp_diag, udp_diag), or that no longer load modules. A list that
 * changes while it is read may miss a socket, which a dump over netlink notices. */
#include <stdint.h>

#include <linux/inet_diag.h>

/* Reads a line of /proc/net/tcp, tcp6, udp or udp6: of the message family, state, addresses and
 * ports are filled in. 0, or -EINVAL for a line that is not of a socket. */
int proc_socket_parse(const char *line, int family, struct inet_diag_msg *ret_socket);

/* Calls `fn` for each socket of a protocol (IPPROTO_TCP, IPPROTO_UDP) and a family. 0, what `fn`
 * returned when that is not 0, or -errno; -EAFNOSUPPORT when the kernel has no such family. */
int proc_sockets_each(uint8_t protocol, int family,
		      int (*fn)(const struct inet_diag_msg *socket, void *context), void *context);

#endif
