/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_TRIE_H
#define SYNFW_TRIE_H

/* "Address -> class" in the lines of a generation, see <synfw/abi.h>: which structure, and how it
 * lies there. Numbers in host byte order, addresses from the most significant bit on. */
#include <synfw/abi.h>

/*
 * The tries: address -> class (Poptrie, Asai and Ohara, SIGCOMM 2015, with runs instead of two
 * bitmaps). The root is a table of ids, for the upper 12 or 18 bits of an IPv4 and the upper 14
 * of an IPv6 address, or for the upper 17 of an IPv4 address a table of lines (struct
 * synfw_trie_line) with a bitmap behind it; for IPv6 there may be lists behind it. An id with
 * SYNFW_TRIE_LEAF is a class, any other the number of the cell (8 bytes, counted from line 0) where
 * the next record begins:
 *
 * - runs for the next 6 bits: a cell with a bit for every entry that differs from the one before
 *   it, and the ids (32 bits) of those entries;
 * - for the last 8 bits of an IPv4 address: four such cells, a cell whose byte w counts the ids
 *   before word w, and the ids;
 * - for the last 8 or 14 bits of an IPv4 address with few changes of class, when the id has
 *   SYNFW_TRIE_LIST: a list of them, of twice the length with SYNFW_TRIE_LONG;
 * - IPv6, by SYNFW_TRIE_KIND of the id: with SYNFW_TRIE_STEP a struct synfw_trie_step, for bits in
 *   which all changes of class agree (path compression); with SYNFW_TRIE_LIST a struct
 *   synfw_trie6_list, for bits in which few differ; with both a struct synfw_trie6_tail, for all
 *   bits that are left.
 *
 * No record begins behind the last SYNFW_TRIE_RECORD_CELLS of a page, so none crosses into the
 * next. The first 64 bytes of an IPv4 record are in one line, which is one cache line; so are a
 * list and a tail of IPv6. Behind the last bit of an address there are zeros.
 */
#define SYNFW_TRIE_ROOT_BITS		12
#define SYNFW_TRIE_WIDE_ROOT_BITS	18
#define SYNFW_TRIE_LINE_ROOT_BITS	17
#define SYNFW_TRIE6_ROOT_BITS		14
#define SYNFW_TRIE_NODE_BITS		6
#define SYNFW_TRIE_LAST_BITS		8
#define SYNFW_TRIE_RECORD_CELLS		(4 + 1 + 256 / 2)
#define SYNFW_TRIE_LEAF			0x80000000U
#define SYNFW_TRIE_STEP			0x40000000U
#define SYNFW_TRIE_LIST			0x20000000U
#define SYNFW_TRIE_LONG			SYNFW_TRIE_STEP /* IPv4 has no steps */
#define SYNFW_TRIE_KIND			(SYNFW_TRIE_STEP | SYNFW_TRIE_LIST)
#define SYNFW_TRIE_KIND_AT		29
#define SYNFW_TRIE_CELL			(~(SYNFW_TRIE_LEAF | SYNFW_TRIE_KIND))

/* A list: 16 bits for each place where the class changes, in order, those that are not used
 * SYNFW_TRIE_LIST_UNUSED; then the ids (32 bits). Id i is for addresses that i of the changes
 * lie at or before. Only as many ids are there as are used. */
#define SYNFW_TRIE_LIST_CHANGES		8
#define SYNFW_TRIE_LIST_MAX_BITS	14
#define SYNFW_TRIE_LIST_UNUSED		0x7fff

/* The forms of an IPv4 root. */
enum synfw_trie4_root {
	SYNFW_TRIE4_ROOT_IDS = 0,	/* ids for SYNFW_TRIE_ROOT_BITS */
	SYNFW_TRIE4_ROOT_WIDE = 1,	/* ids for SYNFW_TRIE_WIDE_ROOT_BITS */
	SYNFW_TRIE4_ROOT_LINES = 2,	/* lines for SYNFW_TRIE_LINE_ROOT_BITS */
};

/*
 * Entry of a root of lines: most addresses need no other line. Changes of class as in a list,
 * those that are not used SYNFW_TRIE_LIST_UNUSED; an address that n of them lie at or before has
 * the class class_id[which >> 2 * n & 3]. With SYNFW_TRIE_LINE_IDS the line says nothing but its
 * first two ids, which are what a wide root would have for its two halves.
 */
#define SYNFW_TRIE_LINE_CHANGES	24
#define SYNFW_TRIE_LINE_CLASSES 4
#define SYNFW_TRIE_LINE_IDS	(1ULL << 63)

struct synfw_trie_line {
	__u16 change[SYNFW_TRIE_LINE_CHANGES];
	__u16 class_id[SYNFW_TRIE_LINE_CLASSES];
	__u64 which;
};
_Static_assert(sizeof(struct synfw_trie_line) == SYNFW_LINE_BYTES, "an entry is a line");

/*
 * Behind a root of lines a bitmap (as in DIR-24-8, Gupta, Lin and McKeown, INFOCOM 1998, before a
 * table of prefixes): bit n & 63 of word n / 64 is for /24 number n. Where it is clear, all of
 * the /24 has the class synfw_class_tables.trie4_rest, and no other line is looked at.
 */
#define SYNFW_TRIE_BITMAP_PREFIXLEN 24
#define SYNFW_TRIE_BITMAP_LINE	    (1U << SYNFW_TRIE_LINE_ROOT_BITS)
#define SYNFW_TRIE_BITMAP_CELLS	    ((1U << SYNFW_TRIE_BITMAP_PREFIXLEN) / 64)

/*
 * The outline, where synfw_class_tables.trie*_outline says that there is one: a bitmap in the same
 * way, behind the root and all that belongs to it, which is asked before the root, as it is so much
 * smaller that a cache may hold it where it does not hold these. For IPv4 it has a bit for each /18,
 * at most half of which are set. For IPv6 a bit stands for all /32s that synfw_trie6_outline_bit()
 * says it of; at most a quarter are set.
 */
#define SYNFW_TRIE_OUTLINE_PREFIXLEN  18
#define SYNFW_TRIE6_OUTLINE_PREFIXLEN 32
#define SYNFW_TRIE6_OUTLINE_MIN_BITS  15
#define SYNFW_TRIE6_OUTLINE_MAX_BITS  23

/* The number of a bit, of 2^bits, by the upper 32 bits of an IPv6 address: Fibonacci hashing
 * (Knuth, The Art of Computer Programming, volume 3, 6.4). */
static inline __u32 synfw_trie6_outline_bit(__u32 prefix, __u32 bits)
{
	return prefix * 0x9e3779b1U >> (32 - bits);
}

#define SYNFW_TRIE_STEP_MAX_BITS	60

/* The next `bits` bits as a number, against `value`: less leads to `below`, equal to `within`,
 * more to `above`. `below` and `above` are leaves. */
struct synfw_trie_step {
	__u64 value;
	__u32 bits;
	__u32 below;
	__u32 within;
	__u32 above;
};
_Static_assert(sizeof(struct synfw_trie_step) == 24, "a step is three cells");

/*
 * IPv6: the next bits as a number, as many as the list is wide, against keys in order; those that
 * are not used are SYNFW_TRIE6_LIST_UNUSED. A number behind n of them has the class
 * class_id[gaps >> 2 * n & 3], but one that is equal to the last of these, key n - 1, what
 * to[n - 1] says: with SYNFW_TRIE6_LIST_CELLS it goes on at the cell base + so many, which has as
 * an id the SYNFW_TRIE_KIND of `to`, shifted to there; without, it has the class
 * class_id[to >> SYNFW_TRIE6_LIST_KIND_AT & 3]. A list 0 bits wide stands for the id `base`.
 */
#define SYNFW_TRIE6_LIST_KEYS	  8
#define SYNFW_TRIE6_LIST_MAX_BITS 31
#define SYNFW_TRIE6_LIST_UNUSED	  0x80000000U
#define SYNFW_TRIE6_LIST_CLASSES  4
#define SYNFW_TRIE6_LIST_KIND_AT  13
#define SYNFW_TRIE6_LIST_CELLS	  ((1U << SYNFW_TRIE6_LIST_KIND_AT) - 1)
#define SYNFW_TRIE6_LIST_BITS_AT  24

struct synfw_trie6_list {
	__u32 key[SYNFW_TRIE6_LIST_KEYS];
	__u16 to[SYNFW_TRIE6_LIST_KEYS];
	__u16 class_id[SYNFW_TRIE6_LIST_CLASSES];
	__u32 base;
	__u32 gaps; /* from SYNFW_TRIE6_LIST_BITS_AT on: how wide it is */
};
_Static_assert(sizeof(struct synfw_trie6_list) == SYNFW_LINE_BYTES, "a list of IPv6 is a line");

/* IPv6: all bits that are left, behind them zeros, against a number: as a step, but all three are
 * leaves. */
struct synfw_trie6_tail {
	__u64 high, low;
	__u32 below;
	__u32 within;
	__u32 above;
	__u32 reserved;
};

/* Behind the ids of an IPv6 root, which are not used for these addresses, there may be a list for
 * each value of the upper synfw_class_tables.trie6_lists_bits bits of an address in 2000::/3, where
 * all global unicast addresses are (RFC 4291). */
#define SYNFW_TRIE6_LISTS_PREFIX      1
#define SYNFW_TRIE6_LISTS_PREFIX_BITS 3
#define SYNFW_TRIE6_LISTS_MIN_BITS    17
#define SYNFW_TRIE6_LISTS_MAX_BITS    21
#define SYNFW_TRIE6_LISTS_LINE	      ((1U << SYNFW_TRIE6_ROOT_BITS) * 4 / SYNFW_LINE_BYTES)

/* Records on the way to an address, at most: a list of the root may do nothing but lead on to those
 * for all bits behind it. */
#define SYNFW_TRIE6_MAX_RECORDS                                              \
	(1 + (128 - SYNFW_TRIE6_LISTS_MIN_BITS + SYNFW_TRIE_NODE_BITS - 1) / \
		     SYNFW_TRIE_NODE_BITS)

#endif
