/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_CLAIMS_H
#define TESTS_BPF_CLAIMS_H

/* Claims as functions that return whether they hold, told as TAP. For one program each. */
#include <stdbool.h>
#include <stdio.h>

static int claims_told, claims_failed;

#define EXPECT(condition)                                                                \
	do {                                                                             \
		if (!(condition)) {                                                      \
			printf("# %s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			return false;                                                    \
		}                                                                        \
	} while (0)

static inline void claim_check(bool (*claim)(void), const char *name)
{
	bool holds = claim();

	printf("%s %d - %s\n", holds ? "ok" : "not ok", ++claims_told, name);
	fflush(stdout); /* what ends the program in the next one is told where it did */
	claims_failed += !holds;
}
#define CHECK(claim) claim_check(claim, #claim)

/* Ends the report. The exit code of the program. */
static inline int claims_end(void)
{
	printf("1..%d\n", claims_told);
	return claims_failed != 0;
}

#endif
