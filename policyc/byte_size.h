/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_BYTE_SIZE_H
#define POLICYC_BYTE_SIZE_H

#include <stdbool.h>
#include <stdint.h>

#define BYTE_SIZE_MAX (1ULL << 50) /* 1 PiB */

/* "2GiB": a number and B, KiB, MiB or GiB; not 0, at most BYTE_SIZE_MAX. */
bool byte_size_parse(const char *text, uint64_t *ret_bytes);

/* Writes it in the largest unit that leaves no remainder: "1536MiB", "3B". */
#define BYTE_SIZE_SIZE 24
void byte_size_format(uint64_t bytes, char out[BYTE_SIZE_SIZE]);

#endif
