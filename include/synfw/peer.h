/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PEER_H
#define SYNFW_PEER_H

/* What rules on processes leave for the packet path: marks of sources. */
#include <synfw/abi.h>

#define SYNFW_MAX_PEERS	65536

/*
 * synfw_peers, an LRU hash by source: marks. A rule on processes with `peers` leaves one for
 * each remote address of the process that it matched; the next packet of that source takes what
 * is pending in it, and is judged as if a rule on packets had asked for it: so what is protected
 * or exempt, in which mode the policy is, and what of an offence comes, is decided in one place.
 * Whoever exchanges `pending` for 0 has taken it, and no other CPU does.
 *
 * The source's bit in synfw_block_filter is set before the mark is made: a packet whose bit is
 * clear does not look for one, nor does any before the first mark (synfw_runtime.peers_marked).
 *
 * A mark stays when it was taken: a process gives its points to a source once, however often it
 * talks with it. Of another process the mark takes the place, and takes over what is pending;
 * two that mark one source at the same moment may leave the mark of one. When the map is full
 * the mark goes that was least recently used. If nobody had taken it, the source is not blocked,
 * or has no points, until the process talks with it again.
 */
#define SYNFW_PEER_BLOCK  0x1
#define SYNFW_PEER_POINTS 0x2

#define SYNFW_PEER_MONITOR 0x1 /* made while the policy only monitored: means nothing in block mode */

struct synfw_peer {
	__u64 start_boot_ns;	/* with the pid the process's identity */
	__u64 until_boot_ns;	/* of the block; 0: it has no end */
	__u32 points;
	__u32 pid;		/* tgid of the process */
	__u32 pending;		/* SYNFW_PEER_BLOCK, SYNFW_PEER_POINTS */
	__u16 counter;		/* of the rule, SYNFW_COUNTER_OF_PROCESSES included */
	__u8 flags;		/* SYNFW_PEER_MONITOR */
	__u8 reserved;
};
_Static_assert(sizeof(struct synfw_peer) == 32, "mark of a source");

#endif
