/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_DURATION_H
#define POLICYC_DURATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "36h": a number and s, m, h or d; not 0, at most a hundred years. */
bool duration_parse(const char *text, uint64_t *ret_ns);

/* Writes whole seconds in the largest unit that leaves no remainder: "90s", "2h". */
#define DURATION_SIZE 24
void duration_format(uint64_t ns, char out[DURATION_SIZE]);

#endif
