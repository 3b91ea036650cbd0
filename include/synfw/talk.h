/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_TALK_H
#define SYNFW_TALK_H

/*
 * Who talks with whom, for `on-peer-block`: a process that talks with a source which is blocked
 * is flagged. Either comes first, and whoever comes second finds out:
 *
 * - a process that connects, sends, or reads is noted in synfw_talks, and then looks whether the
 *   source is blocked;
 * - whoever blocks a source (the packet path, or `synfw block`) makes the block, and then looks
 *   who is noted.
 *
 * synfw_talks, an LRU hash by source, belongs to the process programs, as the table of processes
 * does. Most policies have neither, so the packet path, which must not pay for their memory,
 * reaches them through maps of maps of one entry (synfw_link_*) that apply fills.
 *
 * A note counts for SYNFW_TALK_NS after the process was last seen to talk: no hook sees the end of
 * a connection. When the map is full the source goes that nobody has talked with for longest; of a
 * source that more processes talk with than there are places, the one goes that came first. All
 * are noted again when they talk again: until then they are not flagged when the source is
 * blocked, which is where this fails. When the map is full a process that is preempted while it is
 * noted may be noted of the source that took the place, and be flagged for that one.
 */
#include <synfw/abi.h>

#define SYNFW_MAX_TALKS	32768
#define SYNFW_TALKERS	4	/* of a source */
#define SYNFW_TALK_NS	600000000000ULL
#define SYNFW_TALK_STEP_NS 10000000000ULL /* a note is not written again for less */

struct synfw_talker {
	__u64 start_boot_ns;	/* with the pid the process's identity */
	__u64 seen_boot_ns;	/* when it was last seen to talk, see SYNFW_TALK_STEP_NS */
	__u32 pid;		/* tgid; 0: nobody. Written last, and cleared first */
	__u32 uid, gid;		/* effective ones, when it was noted */
	__u32 reserved;
};

struct synfw_talk {
	struct synfw_talker talker[SYNFW_TALKERS];
	__u32 next;		/* the place of the next one, modulo their count */
	__u32 ipv6_prefixlen;	/* of a source of IPv6: that of the policy that it was noted under. Under
				 * another one it is no note. Else 0 */
};
_Static_assert(sizeof(struct synfw_talk) == 136, "who talks with a source");

#endif
