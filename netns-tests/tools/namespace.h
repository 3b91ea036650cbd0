/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef NETNS_TESTS_NAMESPACE_H
#define NETNS_TESTS_NAMESPACE_H

/* Sockets of several network namespaces in one process: a socket stays where it was made. */

/* Ends the program with a message and the text of errno. */
void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...);

/* Enters the namespace of /run/netns/NAME. The caller makes its sockets and enters the next. */
void namespace_enter(const char *name);

#endif
