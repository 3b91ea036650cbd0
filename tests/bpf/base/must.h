/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_MUST_H
#define TESTS_BPF_MUST_H

/* assert() that NDEBUG does not remove: its argument may have side effects. */
#include <stdio.h>
#include <stdlib.h>

#define MUST(condition)                                                                  \
	do {                                                                             \
		if (!(condition)) {                                                      \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, __func__, \
				#condition);                                             \
			abort();                                                         \
		}                                                                        \
	} while (0)

#endif
