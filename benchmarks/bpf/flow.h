/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BENCHMARKS_BPF_FLOW_H
#define BENCHMARKS_BPF_FLOW_H

/* What changes from one packet of a measurement to the next: an element of the array that the
 * programs of replay.bpf.c and generate.bpf.c walk through. */
#include <linux/types.h>

/* A power of two of about a million: enough that no cache holds what the sources need. */
#define FLOW_COUNT (1 << 20)

/* Small, so that reading it costs the same for everything measured: four to a cache line. */
struct flow {
	union {
		struct {
			__be32 saddr_be, daddr_be;
			__be16 sport_be, dport_be; /* of ICMP: type and code, checksum */
			__u8 proto;
			__u8 tcp_flags;
			__u8 reserved[2];
		} v4;
		__u8 saddr6[16];
	};
};
_Static_assert(sizeof(struct flow) == 16, "four to a cache line");

#endif
