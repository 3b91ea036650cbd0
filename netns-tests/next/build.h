/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef NETNS_TESTS_NEXT_BUILD_H
#define NETNS_TESTS_NEXT_BUILD_H

/* What makes the object another one than that of this build: a constant that nothing reads.
 * Weak, as each unit of it has one. */
__attribute__((weak)) const volatile unsigned int netns_tests_next_build = 1;

#endif
