/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_ABI_H
#define SYNFW_ABI_H

/*
 * The contract between policyc (which writes tables), the BPF programs (which read them) and the
 * agent (which carries them into the kernel). Nothing but <linux/types.h> may be included, every
 * size is asserted here, and both sides include this one file.
 *
 * All integers are in host byte order unless the name ends in _be.
 */
#include <linux/types.h>

#ifndef SYNFW_ABI_VERSION
#define SYNFW_ABI_VERSION 9
#endif

/* ---- limits: used by the maps, by the compiler's checks and by the tests ------------------- */

#define SYNFW_MAX_RULES		16384	/* rules that a policy may write */
#define SYNFW_MAX_BITS		32768	/* rules + protect entries + what `except` expands to */
#define SYNFW_MAX_PREFIXES	2000000	/* distinct prefixes in all sets of a policy together */
#define SYNFW_MAX_INTERFACES	64	/* interfaces that one policy is attached to */
#define SYNFW_MAX_VLAN_TAGS	2
#define SYNFW_MAX_EXT_HEADERS	8
#define SYNFW_MAX_RULE_COUNTERS (2 * SYNFW_MAX_RULES) /* fits synfw_rule.counter */
#define SYNFW_MAX_NAME		64	/* bytes of a rule, set or policy name, with the final NUL */
#define SYNFW_MAX_TABLE_BYTES	(512U << 20) /* kernel memory for one policy's tables */
#define SYNFW_MAX_DYNAMIC_SETS	8	/* dynamic sets of a policy */
#define SYNFW_MAX_DYNAMIC_PAIRS 8	/* (dynamic set, direction) that its rules ask for */
#define SYNFW_MAX_DYNAMIC_SIZE	2000000 /* members that all its dynamic sets may hold together */
#define SYNFW_DYNAMIC_SIZE	65536	/* members of one that does not say its size */

#define SYNFW_NR_GENERATION_SLOTS 2

/* ---- the image: an array of 64-byte lines -------------------------------------------------- */

/*
 * A compiled policy is one array of lines. In it: the header (line 0), where the class tables
 * begin (lines 1 and 2), the dynamic sets (line 3), scoring (line 4), logging (line 5), which
 * rules remember sources (line 6), rules (4 a line), effects (one a line), tables of ids (16 a
 * line), tries (8 cells a line), class records, chunks (8 words).
 *
 * The kernel holds it as pages of SYNFW_PAGE_LINES lines, the last one filled up with zeros:
 * synfw_pages[slot * SYNFW_MAX_PAGES + number] is an array of one entry, which can be mapped.
 * All pages have the same shape, so the kernel inlines both lookups; in an array of as many
 * entries as there are pages each would be a call, which costs more than all of them. One
 * lookup a packet finds page 0, and whatever lies in it is then one bounded load away.
 * Policies up to several thousand rules are one page.
 */
#define SYNFW_LINE_BYTES	64
#define SYNFW_PAGE_LINES	65536
#define SYNFW_PAGE_BYTES	(SYNFW_PAGE_LINES * SYNFW_LINE_BYTES)
#define SYNFW_PAGE_CELLS	(SYNFW_PAGE_BYTES / 8)
#define SYNFW_MAX_PAGES		(SYNFW_MAX_TABLE_BYTES / SYNFW_PAGE_BYTES)
#define SYNFW_PAGE_ENTRIES	(SYNFW_NR_GENERATION_SLOTS * SYNFW_MAX_PAGES)

struct synfw_line {
	union {
		__u64 word[8];
		__u32 id[16];
		__u8 byte[SYNFW_LINE_BYTES];
	};
};
_Static_assert(sizeof(struct synfw_line) == SYNFW_LINE_BYTES, "a line is one array value");

/* The fields of a packet. Each is mapped to a small class id, each class has a bit vector. */
enum synfw_field {
	SYNFW_FIELD_ATTR = 0,	/* TCP flags and shape; always looked up first */
	SYNFW_FIELD_SRC = 1,	/* source address */
	SYNFW_FIELD_DST = 2,	/* destination address */
	SYNFW_FIELD_L4DST = 3,	/* (protocol, destination port | ICMP type) */
	SYNFW_FIELD_L4SRC = 4,	/* (protocol, source port) */
	SYNFW_FIELD_IFVLAN = 5,	/* (interface slot, VLAN id of the outermost tag that is not 0) */
	SYNFW_FIELD_DYNAMIC = 6, /* which of the dynamic sets that rules ask for have its addresses */
	SYNFW_NR_FIELDS = 7,
};

/* The regions of the two (protocol, port) fields. A region whose base line is 0 is not there:
 * region PROTO answers for it, indexed by the protocol number. */
enum synfw_l4_region {
	SYNFW_L4_PROTO = 0,	/* 256 entries by protocol: everything without ports or type */
	SYNFW_L4_ICMP = 1,	/* 256 entries by ICMP type */
	SYNFW_L4_ICMPV6 = 2,	/* 256 entries by ICMPv6 type */
	SYNFW_L4_TCP = 3,	/* 65,536 entries by port */
	SYNFW_L4_UDP = 4,
	SYNFW_L4_SCTP = 5,
	SYNFW_NR_L4_REGIONS = 6,
};

/* What the parser made of a packet. Only NORMAL packets and FRAGMENT are judged by rules. */
enum synfw_shape {
	SYNFW_SHAPE_NORMAL = 0,
	SYNFW_SHAPE_FRAGMENT = 1,	/* non-first fragment: no ports */
	SYNFW_SHAPE_TRUNCATED = 2,
	SYNFW_SHAPE_BAD_HEADER = 3,
	SYNFW_SHAPE_BAD_FLAGS = 4,
	SYNFW_SHAPE_TOO_MANY_HEADERS = 5,
	SYNFW_NR_SHAPES = 6,
};

/* The attribute table: the TCP flag byte for a TCP header of normal shape (only when the policy
 * has rules on flags), SYNFW_ATTR_SHAPE + shape for everything else; SYNFW_ATTR_ESTABLISHED
 * further on for packets of an established connection (only when the policy has rules on state). */
#define SYNFW_ATTR_SHAPE	256
#define SYNFW_ATTR_ESTABLISHED	(SYNFW_ATTR_SHAPE + 16)
#define SYNFW_ATTR_ENTRIES	(2 * SYNFW_ATTR_ESTABLISHED)

#define SYNFW_TCP_FIN	0x01
#define SYNFW_TCP_SYN	0x02
#define SYNFW_TCP_RST	0x04
#define SYNFW_TCP_PSH	0x08
#define SYNFW_TCP_ACK	0x10
#define SYNFW_TCP_URG	0x20
#define SYNFW_TCP_ECE	0x40
#define SYNFW_TCP_CWR	0x80

/* Index into one interface's part of the interface table when it also depends on the VLAN. */
#define SYNFW_VLAN_NONE		4096	/* untagged */
#define SYNFW_VLAN_ENTRIES	4112	/* 4096 ids + untagged, rounded to lines */

/* A verdict without its grounds: what a default says. */
enum synfw_verdict {
	SYNFW_ALLOW = 0,
	SYNFW_DROP = 1,
};

enum synfw_direction {
	SYNFW_DIR_SRC = 0,
	SYNFW_DIR_DST = 1,
	SYNFW_NR_DIRS = 2,
};

/*
 * Line 0. A class record is `record_lines` lines: the aggregate, then (two levels only) the line
 * numbers of its chunks, from id `refs_at` of the record on. With one level the aggregate *is*
 * the bit vector (up to 512 bits) and its bits are in the order of the rules. With two, bit w of
 * the aggregate says that word w of the vector is not zero, and word w is word (w & 7) of the
 * line that reference (w >> 3) names; reference 0 stands for a chunk of ones.
 *
 * With two levels bits are not in the order of the rules: rules that constrain the same fields
 * stand together ("groups", beginning at whole words), or the AND of the aggregates would keep
 * almost every word (Baboescu and Varghese, 2001, section 4). Deciding rules come first, then
 * from word `counting_word` on, as one group, those that only score or count and those with a
 * limit. Inside a group bits are in order, and of all deciding matches the one with the smallest
 * synfw_rule.order is taken. Entry w of the ids at `group_base` tells the fields that must be
 * looked at for word w (low 8 bits) and the first word behind its group (the rest).
 *
 * An address of a family without a trie has class 0.
 */
struct synfw_header {
	__u16 abi_version;
	__u16 nr_bits;		/* rules of the walk, protect entries included */
	__u8 nr_agg;		/* 64-bit words of an aggregate: 1, 4 or 8 */
	__u8 refs_at;		/* 0: one level; else place of a record's first reference, in ids */
	__u8 record_lines;	/* 1 to 5 */
	__u8 fields;		/* bit f: some rule constrains field f (ATTR is always looked up) */
	__u8 flag_rules;	/* some rule looks at TCP flags */
	__u8 monitor;		/* whole policy: decide and count, never drop */
	__u8 incoming;		/* enum synfw_verdict, when no rule decided */
	__u8 ethertypes;	/* enum synfw_verdict, neither IPv4 nor IPv6 */
	__u8 malformed;		/* enum synfw_verdict, no addresses could be read */
	__u8 established;	/* enum synfw_established */
	__u8 on_peer_block;	/* see <synfw/talk.h> */
	__u8 reserved;
	__u32 record_base[SYNFW_FIELD_DYNAMIC];	/* line of class 0; the last field's is in line 3 */
	__u32 rule_base;	/* line of rule 0; four to a line */
	__u32 nr_lines;		/* of the whole image, the manifest included */
	__u32 manifest_base;	/* line where the manifest's text begins, 0: none */
	__u32 manifest_bytes;
	__u32 effect_base;	/* line of effect 1, 0: no rule has effects; all of them are in page 0 */
	__u32 source_flags;	/* line of the ids SYNFW_SOURCE_* by class of SYNFW_FIELD_SRC, 0: none has any */
};
_Static_assert(sizeof(struct synfw_header) == SYNFW_LINE_BYTES, "the header is line 0");

/* Lines 1 and 2: where the class tables begin. */
struct synfw_class_tables {
	__u32 l4dst[SYNFW_NR_L4_REGIONS];
	__u32 l4src[SYNFW_NR_L4_REGIONS];
	__u32 attr;
	__u32 ifvlan;
	__u32 group_base;	/* two levels: see synfw_header */
	__u16 counting_word;	/* two levels: first word of rules that only score or count */
	__u16 ifvlan_lines;	/* lines per interface slot when VLANs matter, else 0: one id a slot */
	__u32 trie4[SYNFW_NR_DIRS];	/* line of the root, 0: no IPv4 prefix */
	__u32 trie6[SYNFW_NR_DIRS];	/* line of the root, 0: no IPv6 prefix */
	__u32 trie4_rest[SYNFW_NR_DIRS];	/* class of the addresses without a bit in a bitmap */
	__u32 trie6_rest[SYNFW_NR_DIRS];
	__u32 trie4_outline[SYNFW_NR_DIRS];	/* line of the outline, 0: there is none */
	__u32 trie6_outline[SYNFW_NR_DIRS];
	__u8 trie6_outline_bits[SYNFW_NR_DIRS];	/* as a power of two */
	__u8 trie4_root[SYNFW_NR_DIRS];	/* enum synfw_trie4_root */
	__u8 trie6_lists_bits[SYNFW_NR_DIRS];	/* 0: behind the ids there are no lists */
	__u8 reserved[2];
	__u32 basis;		/* line of what the compiler of the next image asks, 0: there is none */
};
_Static_assert(sizeof(struct synfw_class_tables) <= 2 * SYNFW_LINE_BYTES, "the tables are two lines");

/*
 * Line 3, of policies with SYNFW_FIELD_DYNAMIC: each (dynamic set, direction) that a rule asks for
 * is one bit of an index into a table of class ids, set when the packet's address of that direction
 * is a live member of that set.
 */
#define SYNFW_PAIR_DST 0x80 /* the destination; else the source */

struct synfw_dynamic {
	__u32 record_base;	/* line of class 0 */
	__u32 table;		/* line of 1 << nr_pairs ids */
	__u8 pairs[SYNFW_MAX_DYNAMIC_PAIRS]; /* number of the set, | SYNFW_PAIR_DST */
	__u32 nr_pairs;
	__u32 protect_pairs;	/* bit i: a source for which pair i holds is SYNFW_SOURCE_PROTECTED */
};
_Static_assert(sizeof(struct synfw_dynamic) <= SYNFW_LINE_BYTES, "the dynamic sets are line 3");

/* What connections that this host opened mean to the packets that belong to them. */
enum synfw_established {
	SYNFW_ESTABLISHED_IGNORE = 0,	/* nothing: they are not looked up */
	SYNFW_ESTABLISHED_RULES = 1,	/* rules on state judge them */
	SYNFW_ESTABLISHED_ALLOW = 2,	/* they pass before the rules */
};

/* Some entry of `protect` has the address in its `from`. For dynamic sets there: protect_pairs. */
#define SYNFW_SOURCE_PROTECTED 0x1

/* Line 4. */
struct synfw_scoring {
	__u64 decay;		/* points an hour, see SYNFW_SCORE_UNIT; 0: there is no scoring */
	__u64 block_for_ns[3];	/* of the first, second, later offences; 0: forever */
	__u32 flag_at, drop_at;	/* points; 0: never */
	__u64 longest_ns;	/* until SYNFW_MAX_SCORE points have leaked */
	__u8 ipv6_prefixlen;	/* 1 to 128: how much of an IPv6 address is a source. Always set. */
	__u8 reserved[15];
};
_Static_assert(sizeof(struct synfw_scoring) == SYNFW_LINE_BYTES, "scoring is line 4");

/* Line 5. */
struct synfw_logging {
	__u64 limit_interval_ns;	/* between events, see synfw_rule_rate; 0: no limit */
	__u64 limit_tolerance_ns;
	__u32 sample;			/* one of so many drops; 1: all */
	__u32 events;			/* bit k: events of that kind (enum synfw_event_kind) */
	__u8 reserved[40];
};
_Static_assert(sizeof(struct synfw_logging) == SYNFW_LINE_BYTES, "logging is line 5");

/*
 * Line 6 is of the shape of an aggregate: the bits (with two levels, the words with a bit) of
 * rules that score, or have a limit for each source, and that any source can match. Where one of
 * them is left once ports and attributes are known, the packet is likely to need its source's
 * entry (struct synfw_source), and the packet path asks the memory for it while it looks up
 * addresses. A hint: no verdict depends on it.
 */
#define SYNFW_LINE_REMEMBERS 6

enum synfw_limit_kind {
	SYNFW_LIMIT_NONE = 0,
	SYNFW_LIMIT_RATE = 1,		/* `rate: {per: rule}` */
	SYNFW_LIMIT_SOURCE_RATE = 2,	/* `rate: {per: source}` */
	SYNFW_LIMIT_PORTS = 3,		/* `distinct-ports` */
};

/*
 * What a rule asks or does beyond its fields. A rule with a limit matches only packets that exceed
 * it, and is asked in the order of the rules, after all its fields matched: no other packet counts
 * towards the limit. Its state goes by the rule's counter.
 */
struct synfw_effect {
	__u64 interval_ns;	/* rate: of one packet; ports: the window */
	__u64 tolerance_ns;	/* rate: (burst - 1) intervals */
	__u64 block_ns;		/* `block`; 0: none */
	__u32 over;		/* ports: more than so many */
	__u8 limit;		/* enum synfw_limit_kind */
	__u8 add_to;		/* number of a dynamic set + 1; 0: none */
	__u8 log;		/* `log: true` */
	__u8 reserved;
	__u32 since;		/* revision in which the rule got its counter. Set by apply. */
	__u8 reserved2[28];
};
_Static_assert(sizeof(struct synfw_effect) == SYNFW_LINE_BYTES, "one effect a line");

enum synfw_rule_action {
	SYNFW_ACTION_ALLOW = 0,
	SYNFW_ACTION_DROP = 1,
	SYNFW_ACTION_SCORE = 2,
};

#define SYNFW_RULE_MONITOR	0x1	/* count what it would do, then go on */
#define SYNFW_RULE_SHAPE_REASON 0x2	/* the reason is the packet's shape, not `reason` */

/* What one bit of the vectors stands for. Several bits may share a counter (`except`). */
struct synfw_rule {
	__u16 counter;		/* slot in synfw_rule_counters; 0: not counted. Set by apply. */
	__u16 order;		/* the smallest of all that match decides */
	__u32 score;		/* points, SYNFW_ACTION_SCORE only */
	__u8 action;		/* enum synfw_rule_action */
	__u8 reason;		/* enum synfw_reason it ends in */
	__u8 flags;		/* SYNFW_RULE_* */
	__u8 reserved;
	__u16 index;		/* place among the policy's rules, or one of SYNFW_RULE_INDEX_* */
	__u16 effect;		/* number of its effect, 0: none */
};
_Static_assert(sizeof(struct synfw_rule) == 16, "four rules a line");
#define SYNFW_RULES_PER_LINE	(SYNFW_LINE_BYTES / 16)

#define SYNFW_RULE_INDEX_DEFAULT 0xffff	/* what a key of `defaults` decides */
#define SYNFW_RULE_INDEX_PROTECT 0x8000	/* flag: the rest is the place in `protect` */

/* ---- dynamic sets ---------------------------------------------------------------------------- */

struct synfw_addr6 {
	__u8 byte[16];		/* network order */
};

/*
 * The members of a dynamic set are an inner map of their own, which a reload hands on from one
 * generation to the next: synfw_members[slot * SYNFW_MAX_DYNAMIC_SETS + number]. Key: struct
 * synfw_addr6, an IPv4 address as ::ffff:a.b.c.d. Value: struct synfw_member.
 */
struct synfw_member {
	__u64 expires_ns;	/* CLOCK_BOOTTIME; 0: never. From then on it counts as absent. */
};
_Static_assert(sizeof(struct synfw_member) == 8, "member of a dynamic set");

/* synfw_dynamic_sets[slot], by number: what `synfw set` has to know of the sets. The packet path
 * does not read it. */
struct synfw_dynamic_set {
	char name[SYNFW_MAX_NAME];	/* empty: there is none */
	__u64 timeout_ns;		/* of members that do not say theirs; 0: forever */
	__u32 size;			/* members that it has room for */
	__u32 reserved;
};
_Static_assert(sizeof(struct synfw_dynamic_set) == 80, "description of a dynamic set");

struct synfw_dynamic_sets {
	struct synfw_dynamic_set set[SYNFW_MAX_DYNAMIC_SETS];
};

#define SYNFW_DYNAMIC_ENTRIES (SYNFW_NR_GENERATION_SLOTS * SYNFW_MAX_DYNAMIC_SETS)

/* ---- maps with runtime state, outside the generations --------------------------------------- */

/* synfw_control[0]. The program reads `active` once a packet. */
struct synfw_control {
	__u32 active;		/* slot of the generation in force: 0 or 1 */
	__u32 abi_version;
	__u64 program_digest;	/* of the BPF object that was loaded; differs: upgrade in place */
	__u64 generation;	/* number of the generation in force; counts applies */
	__u64 applied_at_ns;	/* CLOCK_REALTIME */
};
_Static_assert(sizeof(struct synfw_control) == 32, "control block");

/* synfw_interfaces: open addressing, key = (ifindex + probe) % entries, probe < probes. */
#define SYNFW_INTERFACE_ENTRIES 256
#define SYNFW_INTERFACE_PROBES	4

struct synfw_interface {
	__u32 ifindex;		/* 0: free */
	__u32 slot;		/* 1 to SYNFW_MAX_INTERFACES; 0 stands for an unknown interface */
};
_Static_assert(sizeof(struct synfw_interface) == 8, "interface entry");

/* synfw_reason_counters, per CPU: key = slot * SYNFW_REASON_STRIDE + reason. */
#define SYNFW_REASON_STRIDE	32
#define SYNFW_REASON_ENTRIES	((SYNFW_MAX_INTERFACES + 1) * SYNFW_REASON_STRIDE)

struct synfw_reason_counter {
	__u64 packets;
	__u64 bytes;
	__u64 dropped;		/* packets really dropped: less than packets in monitor mode */
};
_Static_assert(sizeof(struct synfw_reason_counter) == 24, "reason counter");

/* synfw_rule_counters, per CPU. Slot 0 is never used. */
struct synfw_rule_counter {
	__u64 packets;
	__u64 bytes;
	__u64 would_drop;	/* packets that a monitoring rule or policy would have dropped */
};
_Static_assert(sizeof(struct synfw_rule_counter) == 24, "rule counter");

/* No rule: synfw_trace.bit, see state.h. */
#define SYNFW_NO_BIT 0xffffffffU

#endif
