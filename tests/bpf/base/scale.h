/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_SCALE_H
#define TESTS_BPF_SCALE_H

/*
 * How often a test does what it repeats. SYNFW_EMULATED=1 says that the processor is one in
 * software (tests/vm), where an exec takes 10 ms and a load of the packet program 2 s. Each use
 * says what the smaller number still shows.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline uint32_t scaled(uint32_t usual, uint32_t emulated)
{
	const char *word = getenv("SYNFW_EMULATED");

	return word && !strcmp(word, "1") ? emulated : usual;
}

#endif
