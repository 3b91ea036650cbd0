/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BENCHMARKS_RIVALS_H
#define BENCHMARKS_RIVALS_H

/* The programs that synfw is measured against (bpf/rivals.bpf.c, and xdp-filter), each with the
 * same set. Needs root. */
#include "address_set.h"

enum rival {
	RIVAL_BARE,	  /* nothing but XDP_DROP */
	RIVAL_PARSE,	  /* Ethernet, IP, TCP; XDP_DROP */
	RIVAL_LOAD,	  /* one load from a random place of a 64 MiB array; XDP_DROP */
	RIVAL_LPM,	  /* the set in a kernel LPM trie */
	RIVAL_HASH,	  /* one address of each prefix in a kernel hash */
	RIVAL_XDP_FILTER, /* the same addresses in xdp-filter, which knows no prefixes either */
	NR_RIVALS,
};

extern const char *const rival_names[NR_RIVALS];

struct rivals;

/* The path of rivals.bpf.o, and the set that LPM gets. 0 or -errno; libbpf's own words go to
 * stderr. Without Debian's xdp-tools the last rival is absent. */
int rivals_open(const char *object, const struct address_set *set, struct rivals **ret_rivals);
void rivals_close(struct rivals *rivals);
void rivals_closep(struct rivals **rivals);

/* The program; -1 when it is absent. Borrowed. */
int rivals_fd(const struct rivals *rivals, enum rival rival);

#endif
