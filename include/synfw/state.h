/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_STATE_H
#define SYNFW_STATE_H

/*
 * What the datapath remembers from one packet to the next: blocks, scores, rates, ports tried,
 * events; connections are in flow.h. All of it is outside the generations and survives a reload.
 * As in abi.h: nothing but <linux/types.h> (which abi.h includes), host byte order unless a name
 * ends in _be.
 *
 * Clocks: *_boot_ns and everything that a block says is CLOCK_BOOTTIME, which counts suspended
 * time; connections use CLOCK_MONOTONIC_COARSE, which does not: what slept on both ends has not
 * ended.
 */
#include <synfw/abi.h>
#include <synfw/flow.h>

/* The kernel's lock in a map value, 4 bytes; <linux/bpf.h> has been included before on that
 * side. */
#ifdef __bpf__
#define SYNFW_LOCK struct bpf_spin_lock
#else
#define SYNFW_LOCK __u32
#endif

#define SYNFW_MAX_BLOCKS	65536	/* sources that are blocked, or remembered as having been */
#define SYNFW_MAX_EXEMPT	1024	/* addresses that are never scored or blocked */
#define SYNFW_MAX_SCORE		1000000 /* points; more are not remembered */
#define SYNFW_MAX_DISTINCT_PORTS 60	/* `distinct-ports: over` */
#define SYNFW_SOURCE_SETS	 32768	/* a power of two, as every *_SETS */
#define SYNFW_SOURCE_WAYS	 2
#define SYNFW_MAX_SOURCES	 (SYNFW_SOURCE_SETS * SYNFW_SOURCE_WAYS)
#define SYNFW_RATE_SETS		 16384
#define SYNFW_RATE_WAYS		3
#define SYNFW_PORT_SCANS	8192	/* a power of two */
#define SYNFW_EVENT_BYTES	(1 << 20) /* of the ring buffer */
#define SYNFW_EVENT_FIRSTS	16384	/* a power of two */

/* ---- sources --------------------------------------------------------------------------------- */

/*
 * A source is an address as the dynamic sets have it (IPv4 as ::ffff:a.b.c.d), of IPv6 only the
 * first synfw_scoring.ipv6_prefixlen bits, the others 0.
 */

/* 64 bits that nobody can foretell who does not know the seed (synfw_runtime): the place of a
 * source in the tables below. `word`: the source's four 32-bit words as they lie in memory. The
 * finaliser is that of MurmurHash3 (Appleby 2011). */
static inline __u64 synfw_source_hash(const __u32 word[4], __u64 seed)
{
	__u64 high = (__u64)word[1] << 32 | word[0], low = (__u64)word[3] << 32 | word[2];
	__u64 hash = (high ^ seed) * 0x9e3779b97f4a7c15ULL;

	hash = (hash ^ hash >> 32 ^ low) * 0xff51afd7ed558ccdULL;
	hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53ULL;
	return hash ^ hash >> 33;
}

/* What the datapath remembers of a source names rules by their counters: those of packets as
 * synfw_rule.counter, those on processes and memory as this and synfw_process_rule.counter
 * together. */
#define SYNFW_COUNTER_OF_PROCESSES 0x8000
_Static_assert(SYNFW_MAX_RULE_COUNTERS <= SYNFW_COUNTER_OF_PROCESSES, "no counter is both");

/* Points that one rule gave: `points` in all since the score was last 0, in `hits` packets. */
struct synfw_score_part {
	__u16 counter;		/* of the rule, as synfw_rule.counter; 0: unused */
	__u16 hits;		/* saturates */
	__u32 points;		/* saturates */
};
_Static_assert(sizeof(struct synfw_score_part) == 8, "part of a score");
#define SYNFW_SCORE_PARTS 4	/* rules that are named; the points of others count, unnamed */

/*
 * What is remembered of a source: synfw_sources, sets of SYNFW_SOURCE_WAYS entries, set number =
 * synfw_source_hash() % SYNFW_SOURCE_SETS, entry number = SYNFW_SOURCE_WAYS * set + way. An
 * entry is one cache line and has room for the most that a packet of a flood leaves behind:
 * points of one rule, a rate, a port. What goes beyond that has a place elsewhere
 * (synfw_more_parts, synfw_source_rates, synfw_port_scans), which such a packet does not touch.
 *
 * The score is a leaky bucket: `level` falls by synfw_scoring.decay a nanosecond, and a point is
 * SYNFW_SCORE_UNIT, so that N points an hour are N units a nanosecond, exactly.
 *
 * An entry whose level has fallen to 0, whose rate has passed and which is not held for ports or
 * for what is elsewhere says no more than none at all, and is free. When both of a set are in
 * use, a newcomer takes the place of one that has sent a single packet before that of one that
 * came again (SYNFW_ENTRY_CAME_AGAIN): a flood in which no source comes twice pushes out nothing
 * but its like. Among those of one kind the one with the lowest score goes, then the one whose
 * rate passes first, then the one that is held for less long. What it had is counted
 * (SYNFW_TALLY_SCORES_LOST, SYNFW_TALLY_RATES_LOST, SYNFW_TALLY_SCANS_LOST). When it comes back
 * it begins anew: a rate that it has elsewhere is not looked for, and may then be there twice,
 * for one burst more.
 *
 * The entry is chosen without its lock, and what the first packet of a source leaves is written at
 * its end. Two CPUs that see a new source at the same moment each judge its first packet, and add
 * up what they leave (bpf/packets/newcomer.bpf.h); or they may give it both places of its set: the second
 * one is never found again, and what one packet left there is lost. A source that came again in
 * that moment may be pushed out all the same.
 *
 * User space changes an entry by reading it and writing it whole, each under the lock: what
 * packets leave there in between, microseconds, is lost, in favour of whoever sent them.
 */
#define SYNFW_SCORE_UNIT 3600000000000ULL

#define SYNFW_ENTRY_CAME_AGAIN 0x1
/* Rates of other rules than rate_counter are in synfw_source_rates. */
#define SYNFW_ENTRY_RATES_ELSEWHERE 0x2
/* Ports are in synfw_port_scans, but for one that is still to be moved there. */
#define SYNFW_ENTRY_PORTS_ELSEWHERE 0x4
/* It was some source's once: the source of an IPv6 prefix may be 0, too. */
#define SYNFW_ENTRY_USED 0x8
#define SYNFW_ENTRY_FLAGS	0xf /* those above */
#define SYNFW_ENTRY_PARTS_SHIFT 4

struct synfw_source {
	SYNFW_LOCK lock;
	__u32 port_at_boot_ms; /* as synfw_port_try.at_boot_ms */
	struct synfw_addr6 source;
	__u64 level; /* at synfw_entry_updated_ns() */
	__u64 times; /* see synfw_entry_times() */
	__u64 tat_boot_ns;	      /* the rate of the rule rate_counter, see below; 0: none */
	struct synfw_score_part part; /* of the first rule that gave points */
	__u16 rate_counter;	      /* 0: none */
	__u16 port_counter;	      /* rule with distinct-ports; 0: none */
	__u16 port;		      /* that was tried last, of that rule */
	__u8 flags;		      /* SYNFW_ENTRY_*, and synfw_entry_nr_parts() */
	__u8 touched;		      /* 0: stored without the lock, so that the line comes */
};
_Static_assert(sizeof(struct synfw_source) == 64, "an entry is one cache line");

/*
 * Two times of CLOCK_BOOTTIME in one word. The score's is in units of 8,192 ns, 48 bits: 73
 * years. Behind it 16 bits in units of 2^34 ns: until then the port, or what there is elsewhere
 * of rates and ports, may still count (a day at most), and the entry is in use for it. Those
 * wrap after 13 days: an entry that nobody asked for since may look as if it were in use, for one
 * day of those, which delays that it is given up, and changes no verdict.
 */
#define SYNFW_ENTRY_UPDATED_SHIFT 13
#define SYNFW_ENTRY_HELD_SHIFT	  34
#define SYNFW_ENTRY_HELD_MAX_NS	  (24ULL * 3600 * 1000000000)

/* The time, as an entry has it. */
static inline __u64 synfw_entry_moment_ns(__u64 now_ns)
{
	return now_ns >> SYNFW_ENTRY_UPDATED_SHIFT << SYNFW_ENTRY_UPDATED_SHIFT;
}

static inline __u64 synfw_entry_times(__u64 updated_ns, __u16 held)
{
	return updated_ns >> SYNFW_ENTRY_UPDATED_SHIFT << 16 | held;
}

static inline __u64 synfw_entry_updated_ns(const struct synfw_source *entry)
{
	return entry->times >> 16 << SYNFW_ENTRY_UPDATED_SHIFT;
}

/* How many rules gave points; all but one are in synfw_more_parts. */
static inline __u32 synfw_entry_nr_parts(const struct synfw_source *entry)
{
	return entry->flags >> SYNFW_ENTRY_PARTS_SHIFT;
}

static inline void synfw_entry_set_nr_parts(struct synfw_source *entry, __u32 nr_parts)
{
	entry->flags = (entry->flags & SYNFW_ENTRY_FLAGS) | nr_parts << SYNFW_ENTRY_PARTS_SHIFT;
}

/* synfw_more_parts[number of the entry]: of the second rule and later ones that gave points.
 * Written under the entry's lock, read by user space without it: what is shown may be of two
 * moments. */
struct synfw_more_parts {
	struct synfw_score_part part[SYNFW_SCORE_PARTS - 1];
};
_Static_assert(sizeof(struct synfw_more_parts) == 24, "parts of a score");

/* ---- blocks ---------------------------------------------------------------------------------- */

enum synfw_block_cause {
	SYNFW_BLOCK_OPERATOR = 0,	/* `synfw block` */
	SYNFW_BLOCK_SCORE = 1,		/* scoring.drop-at was reached */
	SYNFW_BLOCK_RULE = 2,		/* `block` of a rule */
	SYNFW_BLOCK_PEER = 3,		/* `peers` of a rule on processes or memory */
};

#define SYNFW_BLOCK_MONITOR 0x1 /* made while the policy only monitored: drops nothing in block mode */

/*
 * synfw_blocks, a hash map by source, never LRU: a flood of new sources must not free an old
 * one. The entry stays when the block has expired, to remember the offences, until its room is
 * needed: each insertion of the datapath takes the next places of synfw_block_ring (an array, in
 * the order of insertion), looks at SYNFW_BLOCK_PROBES of them and takes one whose block has
 * expired. When there is none the block is not made, and counted (SYNFW_TALLY_BLOCKS_FULL): the
 * packet is dropped all the same, and so is the next that scores.
 *
 * User space inserts without a place: first the bit of synfw_block_filter, then the entry, cause
 * SYNFW_BLOCK_OPERATOR. The map then fills before the ring does, and insertions of the datapath
 * go on to places that have expired. An expired entry without a place is freed when the map
 * refuses an insertion: by user space its own, or one of the datapath, once in
 * SYNFW_SET_SWEEP_MS.
 */
struct synfw_block {
	__u64 expires_boot_ns;	/* 0: never */
	__u64 since_boot_ns;
	__u32 score;		/* points when it was made */
	__u32 offences;		/* how often scoring.drop-at was reached */
	__u16 counter;		/* of the rule that made it, or gave the last points; 0: none */
	__u8 cause;		/* enum synfw_block_cause */
	__u8 flags;		/* SYNFW_BLOCK_* */
	__u32 pid;		/* SYNFW_BLOCK_PEER: tgid of the process */
	struct synfw_score_part part[SYNFW_SCORE_PARTS];
};
_Static_assert(sizeof(struct synfw_block) == 64, "block of a source");
#define SYNFW_BLOCK_PROBES 16

struct synfw_block_place {
	struct synfw_addr6 source;
	/* As the block's when it was made, so that most probes need not look into the hash map.
	 * A block that was prolonged keeps its place; that of one removed early is free when
	 * this has passed. */
	__u64 expires_boot_ns;
};
_Static_assert(sizeof(struct synfw_block_place) == 24, "place of a block");

/*
 * Filters: an array of 64-bit words in front of a hash map, with one bit for each value of
 * synfw_source_hash() modulo 64 * words. Behind them a summary, one bit for each of the words that
 * is not 0 once any of its bits was set, and one last word that is not 0 once the summary is. A
 * packet whose bit is clear costs no look at the map; while few addresses are behind the filter, most
 * end at the summary, of 2 KiB for blocks and 16 for members. With as many as there are words the
 * summary says nothing any more, and costs one load from a small table. All are set before an address
 * goes into the map, and stay: what is left of them costs a look, and never a verdict.
 *
 * synfw_block_filter: sources in synfw_blocks. synfw_member_filter: addresses (IPv6 whole) in
 * any dynamic set. synfw_exempt_filter: those in synfw_exempt, which only user space writes: it
 * takes bits away that no address has any more.
 */
#ifndef SYNFW_BLOCK_FILTER_WORDS /* the other ABI that tests upgrade from has fewer */
#define SYNFW_BLOCK_FILTER_WORDS  (1 << 14)
#endif
#define SYNFW_EXEMPT_FILTER_WORDS (1 << 8)
#define SYNFW_MEMBER_FILTER_WORDS (1 << 17)

/* Entries of the array, and what they are behind the words: `words` is a power of two, 64 at least. */
#define SYNFW_FILTER_ENTRIES(words)	((words) + (words) / 64 + 1)
#define SYNFW_FILTER_WORDS(entries)	(((entries)-1) / 65 * 64)
#define SYNFW_FILTER_SUMMARY(words, at) ((words) + (at) / 64) /* of word `at`: bit at % 64 */
#define SYNFW_FILTER_ANY(words)		((words) + (words) / 64)

/* synfw_exempt: addresses (struct synfw_addr6, IPv6 whole) that are never scored or blocked,
 * however their packets look: gateways, name servers, DHCP servers and this host's own. Value:
 * one of these. */
enum synfw_exempt {
	SYNFW_EXEMPT_GATEWAY = 1,
	SYNFW_EXEMPT_RESOLVER = 2,
	SYNFW_EXEMPT_DHCP = 3,
	SYNFW_EXEMPT_OWN = 4,
};

/* ---- rates and ports ------------------------------------------------------------------------- */

/*
 * Rates are virtual schedules (GCRA, ITU-T I.371, annex A): a packet that comes before tat -
 * tolerance exceeds the rate and changes nothing, any other moves tat = max(tat, now) +
 * interval. A tat that lies further ahead than that can lead was left by another rate and counts
 * as passed.
 *
 * synfw_rule_rates[synfw_rule.counter] is that of a rule as a whole. Of a source the first rate
 * that is asked for is in its entry, and stays there. While it has not passed, and from then on
 * as long as the entry is the source's, those of other rules are in synfw_source_rates, so that
 * a rate is never in two places: an array of sets of SYNFW_RATE_WAYS, set number = tag %
 * SYNFW_RATE_SETS. A way whose tat has passed is free; of those in use the one with the smallest
 * tat is given up, and counted (SYNFW_TALLY_RATES_LOST).
 */
struct synfw_rule_rate {
	SYNFW_LOCK lock;
	__u32 reserved;
	__u64 tat_boot_ns;
};
_Static_assert(sizeof(struct synfw_rule_rate) == 16, "rate of a rule");

/* By the revision since which a rule has its counter, no rule finds what another one left that had
 * the counter before. */
static inline __u64 synfw_limit_seed(__u64 seed, __u32 counter, __u32 since)
{
	return seed ^ counter ^ (__u64)since << 16;
}

struct synfw_source_rate {
	__u64 tag;		/* synfw_source_hash(source, synfw_limit_seed()) */
	__u64 tat_boot_ns;
};

struct synfw_rate_set {
	SYNFW_LOCK lock;
	__u32 reserved[3];
	struct synfw_source_rate way[SYNFW_RATE_WAYS];
};
_Static_assert(sizeof(struct synfw_rate_set) == 64, "a set of rates is one cache line");

/*
 * The first port that a source tries for a rule is in its entry. From its second one on, or when
 * a second rule asks, they are in synfw_port_scans[tag % SYNFW_PORT_SCANS]: the destination
 * ports that one source tried for one rule, and when. A port counts while it is younger than the
 * rule's window; those of the youngest SYNFW_MAX_DISTINCT_PORTS + 1 are kept. While it holds
 * more than one port, and until the youngest has left the window, it is its source's: whoever
 * else comes is not counted (SYNFW_TALLY_SCANS_LOST). One that holds a single port is given up
 * to the next source.
 */
struct synfw_port_try {
	__u16 port;
	__u16 used;		/* 0: free */
	__u32 at_boot_ms;	/* wraps after 49 days */
};

struct synfw_port_scan {
	SYNFW_LOCK lock;
	__u32 nr_ports;		/* of `port` that have been used; the others never were */
	__u64 tag;		/* synfw_source_hash(source, synfw_limit_seed()) */
	__u64 until_boot_ns;	/* when the youngest port leaves the window */
	struct synfw_port_try port[SYNFW_MAX_DISTINCT_PORTS + 1];
};
_Static_assert(sizeof(struct synfw_port_scan) == 512, "ports of a source");

/* ---- events ---------------------------------------------------------------------------------- */

enum synfw_event_kind {
	SYNFW_EVENT_DROP = 0,		/* a packet was dropped */
	SYNFW_EVENT_BLOCK = 1,		/* a source was blocked */
	SYNFW_EVENT_FLAG = 2,		/* a source reached scoring.flag-at */
	SYNFW_EVENT_RULE = 3,		/* a rule with `log: true` matched */
	SYNFW_NR_EVENT_KINDS,
};

#define SYNFW_EVENT_MONITOR 0x1 /* what would have been done */
#define SYNFW_EVENT_FIRST   0x2 /* the first of its source and rule in a while: not sampled */

/* One record of synfw_events, a ring buffer. */
struct synfw_event {
	__u64 time_boot_ns;
	struct synfw_addr6 src, dst;	/* as in the dynamic sets, IPv6 whole */
	__u32 ifindex;
	__u32 bytes;
	__u32 sample;			/* how many like it this one stands for */
	__u32 score_before, score_after; /* points */
	__u16 vlan;			/* SYNFW_VLAN_NONE: untagged */
	__u16 counter;			/* of the rule; 0: none */
	__u16 sport, dport;		/* host order; of ICMP: dport is the type */
	__u8 kind;			/* enum synfw_event_kind */
	__u8 reason;			/* enum synfw_reason */
	__u8 verdict;			/* enum synfw_verdict */
	__u8 flags;			/* SYNFW_EVENT_* */
	__u8 family;			/* 4 or 6 */
	__u8 protocol;
	__u8 tcp_flags;
	__u8 reserved;
	__u32 pid;			/* SYNFW_EVENT_BLOCK: of the process whose peer it is; 0: none */
	__u64 block_expires_boot_ns;	/* SYNFW_EVENT_BLOCK; 0: never */
	struct synfw_score_part part[SYNFW_SCORE_PARTS]; /* what this packet gave */
};
_Static_assert(sizeof(struct synfw_event) == 120, "an event");

/* ---- what is common -------------------------------------------------------------------------- */

/* The limit of logging holds for two kinds of events apart: drops and matches of rules, which a
 * flood makes without end, must not keep blocks and flags from being told. */
enum synfw_event_bucket {
	SYNFW_EVENTS_OF_PACKETS = 0,	/* SYNFW_EVENT_DROP, SYNFW_EVENT_RULE */
	SYNFW_EVENTS_OF_SOURCES = 1,	/* SYNFW_EVENT_BLOCK, SYNFW_EVENT_FLAG */
	SYNFW_NR_EVENT_BUCKETS = 2,
};

/* When `add-to` finds a dynamic set full, one packet a second takes out what has expired among
 * so many members, 2 to 4 ms of work at the most. In a larger set those behind them may have to
 * wait until some of these have expired, too. */
#define SYNFW_SET_SWEEP_MS	1000
#define SYNFW_SET_SWEEP_MEMBERS 131072

/* synfw_runtime[0]. What packets read stands apart from what insertions write. */
struct synfw_runtime {
	__u64 seed;		/* of synfw_source_hash(); random, written before the first packet */
	__u64 event_tat_boot_ns[SYNFW_NR_EVENT_BUCKETS]; /* the limit of logging, as a rate */
	__u64 test_now_ns;	/* the time, for tests that have loaded a program which asks for it */
	__u64 peers_marked;	/* not 0 once a mark was made, see peer.h: before, none is looked for */
	__u64 reserved[3];
	__u32 block_cursor;	/* next place in synfw_block_ring */
	__u32 set_swept_ms[SYNFW_MAX_DYNAMIC_SETS]; /* when room was looked for in a full set, of
						     * SYNFW_SET_SWEEP_MS; CLOCK_BOOTTIME, wraps */
	__u32 block_swept_ms;	/* the same of synfw_blocks */
	__u32 reserved2[6];
};
_Static_assert(sizeof(struct synfw_runtime) == 128, "two lines");

/* synfw_tallies, per CPU, a __u64 each: what was not done, for want of room or by a limit. */
enum synfw_tally {
	SYNFW_TALLY_BLOCKS_FULL = 0,	/* blocks that found no room */
	SYNFW_TALLY_BLOCKS_EXEMPT = 1,	/* packets of exempt or protected sources that were not held
					 * against them: neither scored nor blocked */
	SYNFW_TALLY_SCORES_LOST = 2,
	SYNFW_TALLY_RATES_LOST = 3,
	SYNFW_TALLY_SCANS_LOST = 4,
	SYNFW_TALLY_SETS_FULL = 5,	/* `add-to` found no room */
	SYNFW_TALLY_EVENTS_LOST = 6,	/* the ring buffer was full */
	SYNFW_TALLY_EVENTS_LIMITED = 7, /* logging.limit */
	SYNFW_TALLY_EVENTS_SAMPLED = 8, /* logging.sample left them out */
	SYNFW_TALLY_FLOWS_FULL = 9,	/* connections that could not be remembered */
	SYNFW_NR_TALLIES = 16,
};

/* synfw_trace[0], written only by the shadow program. */
struct synfw_trace {
	__u32 slot_in;		/* interface slot to judge as (input) */
	__u32 score;		/* points that the packet gives */
	__u32 bit;		/* deciding bit of the vectors, SYNFW_NO_BIT: none */
	__u8 verdict;		/* enum synfw_verdict, before monitor mode */
	__u8 reason;
	__u8 monitor;		/* the policy monitors: the packet passed whatever the verdict */
	__u8 established;	/* it belongs to a connection that this host opened */
	__u32 score_before, score_after; /* points of its source, now and if the packet came */
	struct synfw_score_part part[SYNFW_SCORE_PARTS]; /* of `score` */
	__u32 source_class;	/* class of the source address */
	__u32 source_flags;	/* SYNFW_SOURCE_* of that address, dynamic sets included */
};
_Static_assert(sizeof(struct synfw_trace) == 64, "trace record");

#endif
