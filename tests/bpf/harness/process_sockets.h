/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_PROCESS_SOCKETS_H
#define TESTS_BPF_PROCESS_SOCKETS_H

/* Sockets that what a test executes inherits. Aborts on a failure that no test expects. */
#include <synfw/abi.h>

/* From here on the process has a network namespace of its own, in which every address can be
 * connected to. */
void sockets_begin(void);

/* An address as a key of maps, IPv4 as ::ffff:a.b.c.d. */
struct synfw_addr6 sockets_key(const char *address);

/* One of UDP, connected to port 9 of the address; NULL: to nobody. Its descriptor, which
 * sockets_close() closes with all others. */
int sockets_open(int family, const char *address);
void sockets_close(void);

#endif
