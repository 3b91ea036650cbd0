/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_WALK_BPF_H
#define SYNFW_WALK_BPF_H

/* What is known of the packet in hand: what every packet needs on the stack, what few packets
 * need in a scratch area. */
#include "image.bpf.h"
#include "maps.bpf.h"
#include "packet.bpf.h"

#define AGG_WORDS 8
#define NO_ORDER  0xffffffffU

/* The shadow program of `trace`, tests and the lock-out check: judges, changes nothing. */
extern const volatile bool read_only;

/* What becomes of a packet, and why. */
struct decision {
	__u32 score;
	__u32 bit;     /* SYNFW_NO_BIT: no rule decided */
	__u16 counter; /* of the rule that decided, or that the source is blocked for; 0: none */
	__u8 verdict;  /* enum synfw_verdict */
	__u8 reason;
};

/* walk.noted */
#define NOTED_SCRATCH	 0x1  /* the scratch area is this packet's */
#define NOTED_SCORE	 0x2  /* some rule gave points */
#define NOTED_EFFECT	 0x4  /* some rule blocks, or adds to a set */
#define NOTED_LOG	 0x8  /* some rule logs */
#define NOTED_SPARED	 0x10 /* nothing may be held against the source */
#define NOTED_ENTRY	 0x20 /* scratch->entry has been made the source's entry */
#define NOTED_EXACT_TIME 0x40 /* now_ns is no jiffy's */
#define NOTED_NEWCOMER	 0x80 /* scratch->entry is to become the source's, which has none yet */

/*
 * The packet in hand. One for each CPU, in a map and not on the stack: the verifier does not
 * follow what is in a map, so the ways through parser and classifier meet again instead of
 * multiplying, and all of it can be inlined. A call and its return cost as much as the parser.
 * Packets are judged with softirqs off, so nothing comes between on this CPU.
 */
struct walk {
	struct packet pkt;
	__u64 now_ns;	/* the time, once somebody asked, else 0 */
	__u64 src_hash; /* of the whole source address, once somebody asked, else 0 */
	struct decision decision;
	__u32 generation;
	__u8 monitor;
	__u8 noted; /* NOTED_* */
	__u8 refs_at;
	__u8 reserved[5];
	__u32 source_class; /* of the source address, + 1; 0: nobody has looked it up */
	__u32 reserved2;
	/* from here on set by classify() */
	__u64 candidates[AGG_WORDS]; /* AND of the aggregates; bits are cleared as they are taken */
	__u64 bits;		     /* what is left of the word in hand */
	__u32 word;		     /* its number */
	__u32 best_order;	     /* of the decision, NO_ORDER: none yet */
	__u32 record[SYNFW_NR_FIELDS];
};

/* An address as a key: IPv4 as ::ffff:a.b.c.d. */
struct source {
	union {
		__be32 word_be[4];
		__be64 half_be[2];
	};
};
_Static_assert(sizeof(struct source) == sizeof(struct synfw_addr6), "a key");

/* A virtual schedule (GCRA), and a packet that wants to take its next place. */
struct schedule {
	__u64 interval_ns, tolerance_ns, now_ns;
};

/* A port among those that its source has tried. */
struct port_search {
	__u32 now_ms, window_ms;
	__u32 nr_ports; /* that are looked at */
	__u32 count;	/* other ports that are younger than the window */
	__u32 oldest_ms;
	__u32 moved_ms;
	__u16 port;
	__u16 moved;		 /* the port of its source's entry */
	__u8 moves;		 /* to those of before: another one, of the same rule */
	__u8 same, free, oldest; /* where it is, or could go; NO_SLOT: nowhere */
};

/* What the packet of a source without an entry leaves behind. */
struct newcomer {
	__u64 rate_interval_ns, rate_tolerance_ns, port_window_ns;
	__u32 port_at_boot_ms;
	__u16 rate_counter, port_counter; /* of the rules; 0: none */
	__u16 port;
};

/* What a source that loses its entry had. Kept in the scratch area and not in registers: the
 * verifier would follow each of its values to the end. */
struct entry_lost {
	__u8 score, rate, ports;
};

/* What only packets of rules with a score, a limit or an effect need: the others would pay for
 * clearing it. NOTED_SCRATCH says that it is this packet's. One for each CPU, as the walk. */
struct scratch {
	struct source source; /* as state.h says what a source is */
	__u64 source_hash;
	__u32 entry;		  /* number of its entry, NOTED_ENTRY or NOTED_NEWCOMER */
	struct entry_lost lost;	  /* while the entry is taken */
	struct newcomer newcomer; /* NOTED_NEWCOMER */
	struct schedule schedule; /* of the limit that is asked */
	struct port_search ports;
	__u64 block_ns;	     /* the longest `block` of the rules that matched */
	__u16 block_counter; /* the rule that asks for it */
	__u16 log_counter;   /* the first rule that logs */
	__u16 score_counter; /* the last rule that gave points */
	__u8 adds_to;	     /* bit n: dynamic set n */
	__u8 reserved;
	__u32 block_pid;		 /* SYNFW_BLOCK_PEER */
	__u64 score_before, score_after; /* of the source, in SYNFW_SCORE_UNIT */
	__u64 part[SYNFW_SCORE_PARTS];	 /* points of this packet, each a struct synfw_score_part */
	__u64 sum[SYNFW_SCORE_PARTS];	 /* points of the source, so far */
	struct synfw_block block; /* to be put into the map, or what the source is blocked by */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} synfw_scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct walk);
} synfw_walk SEC(".maps");

static __always_inline struct walk *walk_begin(void)
{
	__u32 zero = 0;
	struct walk *walk = bpf_map_lookup_elem(&synfw_walk, &zero);

	if (!walk)
		return NULL;
	__builtin_memset(walk, 0, offsetof(struct walk, candidates));
	walk->decision.bit = SYNFW_NO_BIT;
	walk->decision.reason = SYNFW_REASON_NO_POLICY;
	return walk;
}

static __always_inline void address_key(struct source *key, __u8 family, const union address *addr)
{
	if (family == 6) {
		key->half_be[0] = addr->v6_be[0];
		key->half_be[1] = addr->v6_be[1];
		return;
	}
	/* halves, as they are loaded: a load of what was stored in pieces waits for the stores */
	key->half_be[0] = 0;
	key->half_be[1] = family ? (__u64)addr->v4_be << 32 | bpf_htonl(0xffff) : 0;
}

static __always_inline struct scratch *scratch_at_hand(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&synfw_scratch, &zero);
}

#endif
