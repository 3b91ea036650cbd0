/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_BITS_BPF_H
#define SYNFW_BITS_BPF_H

/* The bit operations that BPF lacks. */
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

const __u8 debruijn_index[64] = {
	0,  1,	48, 2,	57, 49, 28, 3,	61, 58, 50, 42, 38, 29, 17, 4,	62, 55, 59, 36, 53, 51,
	43, 22, 45, 39, 33, 30, 24, 18, 12, 5,	63, 47, 56, 27, 60, 41, 37, 16, 54, 35, 52, 21,
	44, 32, 23, 11, 46, 26, 40, 15, 34, 20, 31, 10, 25, 14, 19, 9,	13, 8,	7,  6,
};

/* Index of the lowest set bit of a word that is not 0. BPF has no such instruction; the de Bruijn
 * multiplication is Leiserson, Prokop and Randall 1998. */
static __always_inline __u32 lowest_bit(__u64 word)
{
	return debruijn_index[((word & -word) * 0x03f79d71b4cb0a89ULL) >> 58];
}

/* Number of set bits. BPF has no such instruction (Hacker's Delight, 5-1). */
static __always_inline __u32 bit_count(__u64 word)
{
	word -= word >> 1 & 0x5555555555555555ULL;
	word = (word & 0x3333333333333333ULL) + (word >> 2 & 0x3333333333333333ULL);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return word * 0x0101010101010101ULL >> 56;
}

#endif
