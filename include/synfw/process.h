/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_H
#define SYNFW_PROCESS_H

/*
 * The contract of the process half: tables of rules on processes and memory (policyc writes
 * them, the programs of bpf/process.bpf.c read them, the agent carries them), and what the
 * kernel remembers of processes. As in abi.h: only <linux/types.h>, host byte order unless the
 * name ends in _be.
 *
 * A generation has the same slot as that of the packet half, so one store of
 * synfw_control.active replaces both: an exec sees all of the old policy or all of the new.
 */
#include "abi.h"
#include "state.h"

/* ---- limits ---------------------------------------------------------------------------------- */

#define SYNFW_MAX_PROCESS_RULES	1024	/* `processes` and `memory` together */
#define SYNFW_MAX_MEMORY_RULES	64	/* `memory` alone */
#define SYNFW_PROCESS_BITS	2048	/* rules, and one more for each `except` */
#define SYNFW_PROCESS_WORDS	(SYNFW_PROCESS_BITS / 64)
#define SYNFW_MAX_PATTERN	255	/* bytes of a path or pattern in a rule: an LPM trie takes 256 */
#define SYNFW_MAX_LINEAGE_TERMS	256	/* distinct lists in `parent` and `ancestor` */
#define SYNFW_LINEAGE_WORDS	(SYNFW_MAX_LINEAGE_TERMS / 64)
#define SYNFW_MAX_RULE_ARGS	16	/* in one rule */
#define SYNFW_MAX_ARGS		512	/* distinct ones of a policy */
#define SYNFW_MAX_ARG_BYTES	127	/* of an argument in a rule */
#define SYNFW_MAX_PATTERNS	65536	/* distinct patterns, ids and arguments of a policy */
#define SYNFW_MAX_PROCESS_COUNTERS (2 * SYNFW_MAX_PROCESS_RULES + 1) /* those of two policies, and slot 0 */
#define SYNFW_MAX_PROCESSES	32768	/* that the kernel remembers */
#define SYNFW_MAX_EXECUTABLES	8192	/* scores by executable */
#define SYNFW_PROCESS_EVENT_BYTES (1 << 20)
#define SYNFW_MAX_PATH_STEPS	4096	/* components and mounts of a path; of a longer one the end is known */
#define SYNFW_MAX_PEER_FILES	1024	/* descriptors of a process among which its sockets are looked for */
#define SYNFW_MAX_READ_ARGS	32768	/* arguments, each 128 bytes of a long one counted, that are read */

/* ---- tables of a generation ------------------------------------------------------------------ */

/*
 * Each rule is a bit, in the order of the file: first those of `processes`, then those of `memory`; behind
 * all rules one for each `except`. `exec` and `user`, `group` are fields with bit vectors: those of the
 * classes that the process has are ANDed (Lakshman and Stiliadis 1998). A bit whose rule does not
 * constrain a field is set in every vector of it, that of class 0 included. What is left are candidates,
 * which are asked in order for what vectors would be too many for: lineage and arguments.
 *
 * synfw_process_vectors: inner array of struct synfw_process_vector. Entry 0 has no bit.
 * synfw_process_rules: inner array of struct synfw_process_rule, by bit.
 * synfw_process_paths: inner hash, struct synfw_path_key -> struct synfw_path_class: exact paths.
 * synfw_process_patterns: inner LPM trie, struct synfw_pattern_key -> struct synfw_path_class. The class of a
 *	longer prefix includes those of the shorter ones.
 * synfw_process_ids: inner hash, struct synfw_process_id -> struct synfw_path_class or what its kind says.
 * synfw_process_heads[slot]: struct synfw_process_head. One that is zero stands for a generation that
 *	has nothing to do with processes, and its other tables are not looked at.
 */
struct synfw_process_vector {
	__u64 word[SYNFW_PROCESS_WORDS];
};
_Static_assert(sizeof(struct synfw_process_vector) == 256, "a vector");

/* What a path says of the process that runs it. A path is found in up to four ways (exact,
 * prefix, suffix, the inode of an exact path), and is all that they say together. */
struct synfw_path_class {
	__u32 exec;			/* vector: rules (and excepts) that name it in `exec` */
	__u32 flags;			/* SYNFW_PATH_* */
	__u64 term[SYNFW_LINEAGE_WORDS]; /* bit t: it is in list t of those in `parent` and `ancestor` */
};
_Static_assert(sizeof(struct synfw_path_class) == 40, "class of a path");

#define SYNFW_PATH_PROTECTED 0x1 /* never acted on: the agent, what the policy protects. Nor is PID 1 */

enum synfw_path_kind {
	SYNFW_PATH_EXACT = 1,	/* the path, absolute, without a final NUL, the rest zeros */
	SYNFW_PATH_PREFIX = 2,	/* all below a directory: "/dir/" */
	SYNFW_PATH_SUFFIX = 3,	/* the last components, from the last on, each with '/' behind it: "nc/a/" for a/nc */
	SYNFW_PATH_MEMFD = 4,	/* no text: a file of memfd_create */
	SYNFW_PATH_ARGUMENT = 5, /* the argument, the rest zeros; class.exec is its number */
};

struct synfw_path_key {
	__u8 kind;		/* enum synfw_path_kind: EXACT, MEMFD, ARGUMENT */
	__u8 text[SYNFW_MAX_PATTERN];
};
_Static_assert(sizeof(struct synfw_path_key) == 256, "key of an exact path");

struct synfw_pattern_key {
	__u32 prefixlen;	/* bits, of `kind` and `text` */
	__u8 kind;		/* PREFIX, SUFFIX */
	__u8 text[SYNFW_MAX_PATTERN];
};
_Static_assert(sizeof(struct synfw_pattern_key) == 260, "key of a pattern");

enum synfw_process_id_kind {
	SYNFW_ID_USER = 1,	/* number: effective uid */
	SYNFW_ID_GROUP = 2,	/* number: a gid */
	SYNFW_ID_FILE = 3,	/* an inode, see below */
};

/*
 * The file behind an exact path, so that a hard link or another mount of it is the same: the
 * agent fills these from the programs' own view of the file (synfw_identify), not from stat(),
 * which says other devices for some file systems. The generation number of the inode guards
 * against one that was freed and is used for another file.
 */
struct synfw_process_id {
	__u32 kind;		/* enum synfw_process_id_kind */
	__u32 number;		/* uid or gid; of a file: generation of the inode */
	__u64 inode;
	__u32 device;		/* s_dev as the kernel has it */
	__u32 reserved;
};
_Static_assert(sizeof(struct synfw_process_id) == 24, "key of an id");

/*
 * Value of synfw_process_ids: for SYNFW_ID_FILE a class; for users `class.exec` is the vector of
 * the field user. For groups it is the vector of rules that ask for it, and `not_vector` that of
 * those with `not`; over all groups of a process the field is (default | each class.exec) &
 * ~each not_vector.
 */
struct synfw_process_id_value {
	struct synfw_path_class class;
	__u32 not_vector;
	__u32 reserved;
};
_Static_assert(sizeof(struct synfw_process_id_value) == 48, "value of an id");

/* The events that rules are asked for. */
enum synfw_process_trigger {
	SYNFW_ON_EXEC = 0,
	SYNFW_ON_WX_MAPPING = 1,
	SYNFW_ON_ALLOCATION = 2,
	SYNFW_ON_GROWTH = 3,
	SYNFW_NR_PROCESS_TRIGGERS = 4,
	SYNFW_ON_PEER_BLOCK = 4,	/* of events only, no rule asks for it: see <synfw/talk.h> */
};

enum synfw_process_action {
	SYNFW_PROCESS_SCORE = 0,	/* gives points, and the walk goes on */
	SYNFW_PROCESS_FLAG = 1,
	SYNFW_PROCESS_ISOLATE = 2,
	SYNFW_PROCESS_KILL = 3,
	SYNFW_PROCESS_DENY = 4,
	SYNFW_NR_PROCESS_ACTIONS = 5,
};

#define SYNFW_PROCESS_MONITOR	0x1	/* count what it would do, then go on */
#define SYNFW_PROCESS_ARGS_ALL	0x2	/* every argument must be there, else any */
#define SYNFW_PROCESS_PEERS_BLOCK 0x4	/* peers are blocked for peers_block_ns (0: forever) */

#define SYNFW_NO_PROCESS_BIT 0xffff

struct synfw_process_rule {
	__u64 over_bytes;	/* allocation, growth */
	__u64 within_ns;	/* growth */
	__u64 peers_block_ns;
	__u32 peers_score;	/* points for each peer; 0: none */
	__u32 score;		/* points, SYNFW_PROCESS_SCORE only */
	__u16 counter;		/* slot in synfw_process_counters; 0: not counted. Set by apply. */
	__u16 index;		/* place in `processes`, or SYNFW_PROCESS_INDEX_MEMORY | place in `memory` */
	__u16 except_bit;	/* does not match what this bit matches; SYNFW_NO_PROCESS_BIT: none */
	__u16 parent_term;	/* its list in `parent` + 1; 0: any parent */
	__u16 ancestor_term;	/* its list in `ancestor` + 1; 0: any */
	__u8 action;		/* enum synfw_process_action; of an `except` without meaning */
	__u8 fallback;		/* what `deny` becomes where exec cannot be denied: KILL or FLAG, else DENY. That
				 * of `isolate` is put into `action` by apply. */
	__u8 trigger;		/* enum synfw_process_trigger */
	__u8 flags;		/* SYNFW_PROCESS_* */
	__u8 nr_args;
	__u8 reserved[17];
	__u16 arg[SYNFW_MAX_RULE_ARGS]; /* numbers of arguments */
};
_Static_assert(sizeof(struct synfw_process_rule) == 96, "a process rule");

#define SYNFW_PROCESS_INDEX_MEMORY 0x8000

struct synfw_process_head {
	__u32 nr_bits;		/* of rules and excepts */
	__u32 nr_rules;		/* bits from here on are of `except` */
	__u32 exec_default;	/* vector of a path that no pattern knows */
	__u32 user_default;	/* vector of a user that no rule names */
	__u32 group_default;
	__u32 trigger[SYNFW_NR_PROCESS_TRIGGERS]; /* vector: rules (not excepts) of that event, 0: none */
	__u8 fields;		/* SYNFW_PROCESS_ASKS_* */
	__u8 actions;		/* bit a: some rule, or process-scoring, has enum synfw_process_action a */
	__u8 monitor;		/* the whole policy monitors */
	__u8 on_peer_block;	/* a process that talks with a blocked source is flagged */
	__u64 decay;		/* process-scoring: as synfw_scoring.decay; 0: there is none */
	__u32 flag_at, act_at;	/* points; 0: never */
	__u8 act;		/* enum synfw_process_action at act_at */
	__u8 peers;		/* some rule has `peers` */
	__u8 ipv6_prefixlen;	/* as synfw_scoring.ipv6_prefixlen: bits of a source */
	__u8 act_fallback;	/* for apply: what `act` becomes where a kernel cannot do it in full */
	__u8 reserved[4];
	__u64 allocation_min_bytes; /* the smallest `over` of its rules: what lies below asks nobody */
	__u64 serial;		/* set by apply: of this generation; what processes have cached goes by it */
	__u32 exec_unreadable;	/* vector: what a path has besides that cannot be read to its beginning (see
				 * SYNFW_MAX_PATH_STEPS): all that any prefix has. 0: nothing */
	__u32 exec_unnamed;	/* vector: what is to be added of a file whose name is not known either: all
				 * that any suffix, and memfd, has */
	__u64 unreadable_term[SYNFW_LINEAGE_WORDS]; /* the same of terms: lists with any prefix */
	__u64 unnamed_term[SYNFW_LINEAGE_WORDS];    /* ... any suffix, or memfd */
	__u64 limit_interval_ns;   /* logging.limit, as in struct synfw_logging; 0: none */
	__u64 limit_tolerance_ns;
};
_Static_assert(sizeof(struct synfw_process_head) == 168, "head of the process tables");

/* Is anything to be done about processes? There may be no rule, but `on-peer-block`. */
static inline int synfw_process_head_is_used(const struct synfw_process_head *head)
{
	return head->nr_bits || head->on_peer_block;
}

#define SYNFW_PROCESS_ASKS_LINEAGE 0x1
#define SYNFW_PROCESS_ASKS_USER	   0x4
#define SYNFW_PROCESS_ASKS_GROUP   0x8

/* ---- what is remembered of processes --------------------------------------------------------- */

/*
 * synfw_processes, a preallocated hash by tgid (of the initial pid namespace): every process,
 * from fork to the exit of its last thread; filled from an iterator over all tasks when the
 * programs are attached. When it is full a new process is not remembered and counted
 * (SYNFW_PROCESS_TALLY_FULL): rules on exec judge it all the same, with the lineage that its
 * living parents have; flags and scores are lost to it. A child of an isolated process must not
 * be: the parent that forked is killed, and until user space says otherwise
 * (synfw_process_runtime.isolated_lost) no process that is not remembered has a network, which
 * is where this fails closed. So is a process killed that is to be isolated and finds no room.
 *
 * Lineage is kept for both slots: the iterator fills it for a generation that is not in force
 * yet, and until the switch forks and execs keep it right for both.
 */
#define SYNFW_PROCESS_FLAGGED	0x1
#define SYNFW_PROCESS_ISOLATED	0x2	/* inherited by children, kept over exec. Holds while the generation in
					 * force has an action that isolates; when one without comes it goes */
#define SYNFW_PROCESS_PEERS	0x4	/* its peers are blocked or scored, as peers_* say; inherited. Holds as
					 * SYNFW_PROCESS_ISOLATED does, while a rule in force has `peers` */
#define SYNFW_PROCESS_DISGUISED 0x8	/* the kernel has another file for it than it executed, see below */
#define SYNFW_PROCESS_PEERS_MONITOR 0x10 /* SYNFW_PROCESS_PEERS, while the policy only monitors */
#define SYNFW_PROCESS_TALKED	0x20	/* it talked with a source that is blocked; flagged for that unless it is
					 * protected. Told once: with SYNFW_PROCESS_FLAGGED it is inherited, and stays
					 * until the process is released or no policy asks; without, until the next
					 * exec or apply */
#define SYNFW_PROCESS_TALKED_MONITOR 0x40 /* SYNFW_PROCESS_TALKED, while the policy only monitors */
#define SYNFW_PROCESS_TALKED_ANY (SYNFW_PROCESS_TALKED | SYNFW_PROCESS_TALKED_MONITOR)

/* Terms that files are in, see synfw_path_class.term. */
struct synfw_lineage {
	__u64 serial;		/* synfw_process_head.serial that this is for; any other: unknown */
	__u64 self[SYNFW_LINEAGE_WORDS];	/* of the file that it runs */
	__u64 parent[SYNFW_LINEAGE_WORDS];	/* of the file that the one who forked it ran at that time */
	__u64 ancestors[SYNFW_LINEAGE_WORDS];	/* of all of its ancestors, and of what it ran before */
	__u32 unsure;		/* SYNFW_UNSURE_*: some of these stand for what a path only says, see below */
	__u32 path_flags;	/* SYNFW_PATH_* of the file that it runs */
};
_Static_assert(sizeof(struct synfw_lineage) == 112, "lineage for one generation");

/*
 * Who fills a mount namespace, with a user namespace of his own or as root of a container, can
 * give a file any path. Such a path makes rules match, as any other, but never an `except`, nor
 * SYNFW_PATH_PROTECTED: only the inode, or a path whose mounts all belong to the host's own
 * mount namespace, does.
 */
#define SYNFW_UNSURE_SELF	0x1
#define SYNFW_UNSURE_PARENT	0x2
#define SYNFW_UNSURE_ANCESTORS	0x4

/*
 * What a process runs is what it executed, which `file` has: a process may let the kernel take
 * another file for it afterwards (prctl PR_SET_MM_EXE_FILE; root of a user namespace, which
 * anybody can be, may). Where the two differ the names of what it executed are not known any
 * more: rules match it by its file and by any prefix or suffix, and no `except` that names
 * files, and no protection, holds. The file of a process that ran before it was first seen is
 * what the kernel had for it then.
 */
struct synfw_process {
	__u64 start_boot_ns;	/* with the tgid the process's identity */
	__u64 parent_start_boot_ns;
	__u32 parent;		/* tgid of the one that forked it */
	__u32 flags;		/* SYNFW_PROCESS_FLAGGED... */
	struct synfw_lineage lineage[SYNFW_NR_GENERATION_SLOTS];
	struct synfw_process_id file; /* that it executed, or who forked it did; kind 0: not known */
	__u64 level;		/* score, as synfw_score; a child begins with its parent's */
	__u64 level_boot_ns;
	__u64 resident_bytes;	/* memory rules: last seen */
	__u64 growth_bytes;	/* the largest growth within a rule's window */
	__u64 largest_bytes;	/* the largest single request */
	__u64 mapped_bytes;	/* address space when last looked at, by which requests are found that
				 * choose their own address */
	__u64 peers_block_ns;	/* 0: peers are not blocked; ~0: without an end */
	__u64 told_serial;	/* synfw_process_head.serial that `told` is for */
	__u64 told;		/* bit i: rule i of `memory` has told of what this image does */
	__u32 wx_mappings;
	__u32 peers_score;
	__u16 counter;		/* of the rule that flagged it, or isolated it since; 0: talked_with is why */
	__u16 counter_peers;	/* of the rule with `peers` */
	__u32 lock;		/* of level */
	__u64 flagged_boot_ns;	/* when that was */
	__u8 comm[16];
	struct synfw_addr6 talked_with; /* SYNFW_PROCESS_TALKED*: the first such source */
	__u32 talked_prefixlen;		/* of it, if it is one of IPv6 */
	__u32 reserved;
};
_Static_assert(sizeof(struct synfw_process) == 408, "a process");

/*
 * synfw_executables, an LRU hash by struct synfw_executable_key: the points that all processes
 * of an executable and an effective user were given, as a leaky bucket with process-scoring's
 * decay. The process that is given points is flagged or acted on when either bucket has reached
 * flag-at or act-at: many short processes of one file do not stay below what one long one would
 * reach. By user, as nobody's points may be held against who runs the same file. When it is full
 * the one that was longest without points is forgotten.
 */
struct synfw_executable_key {
	struct synfw_process_id file;	/* SYNFW_ID_FILE */
	__u32 uid;
	__u32 reserved;
};
_Static_assert(sizeof(struct synfw_executable_key) == 32, "key of an executable");

struct synfw_executable {
	__u64 level;
	__u64 level_boot_ns;
	__u32 lock;
	__u32 pid;		/* the last one that was given points */
	__u8 comm[16];
};
_Static_assert(sizeof(struct synfw_executable) == 40, "score of an executable");

/* What synfw_fill does to all processes: first what each runs, then what its parents run. */
enum synfw_fill_pass {
	SYNFW_FILL_SELF = 0,
	SYNFW_FILL_PARENTS = 1,
	SYNFW_FILL_RELEASE = 2,	/* takes release_flags from all */
};

/* synfw_process_state[0]. */
struct synfw_process_state {
	__u32 fill_slot;	/* user space: whose lineage synfw_fill writes */
	__u32 fill_pass;	/* enum synfw_fill_pass */
	/* synfw_identify: a descriptor of the caller, and the file behind it */
	__s32 fd;
	__s32 error;		/* 0 or -errno */
	struct synfw_process_id file;
	__u32 host_mounts;	/* synfw_find_host: number of the host's own mount namespace, that of PID 1, which
				 * /proc does not show to everybody; 0: not known, and no path is certain */
	__u32 release_flags;	/* SYNFW_FILL_RELEASE: SYNFW_PROCESS_* */
};
_Static_assert(sizeof(struct synfw_process_state) == 48, "state of the process programs");

/* The limit of logging holds for what is done about processes apart from what is only told,
 * which any process can make a flood of. */
enum synfw_process_event_bucket {
	SYNFW_PROCESS_EVENTS_OF_NOTES = 0,	/* points and flags, what is spared, what a policy in mode monitor
						 * would do */
	SYNFW_PROCESS_EVENTS_OF_ACTS = 1,	/* isolated, killed, denied */
	SYNFW_NR_PROCESS_EVENT_BUCKETS = 2,
};

/* synfw_process_runtime[0]: what the programs write at any time. User space, which writes
 * synfw_process_state as a whole, would undo that there. */
struct synfw_process_runtime {
	__u64 event_tat_boot_ns[SYNFW_NR_PROCESS_EVENT_BUCKETS]; /* the limit of logging, as a rate */
	__u32 isolated_lost;	/* children of isolated processes found no room; user space clears it once
				 * synfw_fill has found room for all */
	__u32 reserved[11];
};
_Static_assert(sizeof(struct synfw_process_runtime) == 64, "a line");

/*
 * synfw_growth_windows, an LRU hash: for each process and growth rule the smallest resident size
 * in each eighth of `within`, the eighth that is not over included. So growth counts within
 * `within` and at most an eighth more. When it is full, the process that grew least recently is
 * measured from then on.
 */
#define SYNFW_MAX_GROWTH_WINDOWS 16384
#define SYNFW_GROWTH_PARTS	8
#define SYNFW_GROWTH_PLACES	16 /* a power of two, more than the parts that are looked at */

struct synfw_growth_key {
	__u32 pid;
	__u32 index;		/* of the rule in `memory` */
};

struct synfw_growth_window {
	__u64 start_boot_ns;	/* of the process */
	__u64 within_ns;	/* of the rule: a window of another one says nothing */
	__u64 part;		/* number of the youngest eighth, since boot */
	__u64 last_bytes;
	__u64 lowest_bytes[SYNFW_GROWTH_PLACES]; /* of part p at p modulo their count */
};
_Static_assert(sizeof(struct synfw_growth_window) == 160, "growth of a process");

/* synfw_process_counters, per CPU, by synfw_process_rule.counter. */
struct synfw_process_counter {
	__u64 matches;
	__u64 would;		/* matches that a monitoring rule or policy did not act on */
};

enum synfw_process_tally {
	SYNFW_PROCESS_TALLY_EXECS = 0,	/* judged */
	SYNFW_PROCESS_TALLY_FULL = 1,	/* processes that found no room */
	SYNFW_PROCESS_TALLY_UNREADABLE = 2, /* files or arguments that could not be read to their end */
	SYNFW_PROCESS_TALLY_EVENTS_LOST = 3,
	SYNFW_PROCESS_TALLY_SPARED = 4,	/* actions on protected processes that were not taken */
	SYNFW_PROCESS_TALLY_REFUSED = 5, /* calls of isolated processes */
	SYNFW_PROCESS_TALLY_WOULD_REFUSE = 6, /* the same, which a policy in mode monitor let through */
	SYNFW_PROCESS_TALLY_EVENTS_LIMITED = 7, /* logging.limit */
	SYNFW_PROCESS_TALLY_UNJUDGED = 8, /* execs, requests and mappings that nobody could judge just then */
	SYNFW_PROCESS_TALLY_PEERS_UNSEEN = 9, /* processes that had more files open than are looked through */
	SYNFW_NR_PROCESS_TALLIES = 16,
};

/* ---- events ---------------------------------------------------------------------------------- */

/* synfw_process_events, a ring buffer of its own: a flood of packets must not displace these. */
enum synfw_process_event_flag {
	SYNFW_PROCESS_EVENT_MONITOR = 0x1,	/* what would have been done */
	SYNFW_PROCESS_EVENT_CROSSED = 0x2,	/* process-scoring: flag-at or act-at was reached */
	SYNFW_PROCESS_EVENT_PATH_CUT = 0x4,	/* path is only the end of it */
	SYNFW_PROCESS_EVENT_SPARED = 0x8,	/* the process is protected: nothing was done */
	SYNFW_PROCESS_EVENT_DISGUISED = 0x10,	/* path is not what it executed */
};

struct synfw_process_event {
	__u64 time_boot_ns;
	__u64 start_boot_ns;
	__u32 pid, parent;		/* tgids */
	__u32 uid, gid;
	__u32 score_before, score_after; /* points */
	__u16 counter;			/* of the rule; 0: none */
	__u8 trigger;			/* enum synfw_process_trigger */
	__u8 action;			/* enum synfw_process_action that was taken */
	__u32 flags;			/* SYNFW_PROCESS_EVENT_* */
	__u64 bytes;			/* memory: of the request, or the growth */
	__u8 comm[16];
	__u16 path_bytes;
	__u8 peer_prefixlen;		/* of an IPv6 source in `peer` */
	__u8 reserved[5];
	__u8 path[SYNFW_MAX_PATTERN + 1]; /* as it is, any bytes; the end of a longer one. Not known, and so empty,
					   * of SYNFW_ON_PEER_BLOCK */
	struct synfw_addr6 peer;	/* SYNFW_ON_PEER_BLOCK: the source that is blocked, uid and gid those of
					 * when it was noted */
};
_Static_assert(sizeof(struct synfw_process_event) == 352, "event of a process");

/* ---- the shadow program ---------------------------------------------------------------------- */

/*
 * synfw_process_question[0]: what `trace`, `tests:` and the reference tests ask of a candidate
 * generation: judged as an exec, nothing is done. The answer stands beside it.
 */
struct synfw_process_question {
	__u32 slot;		/* of the generation */
	__u32 uid, gid;
	__u32 memfd;
	__u32 path_bytes, parent_bytes, ancestor_bytes, args_bytes;
	__u32 trigger;		/* enum synfw_process_trigger */
	__u32 denies;		/* an exec can be made to fail here */
	__u64 bytes;		/* memory triggers */
	__u8 path[4096], parent[4096], ancestor[4096];
	__u8 args[4096];	/* argv[1..], each with its NUL */
	/* the answer */
	__u32 score;
	__u16 bit;		/* that decided; SYNFW_NO_PROCESS_BIT: none */
	__u8 action;		/* enum synfw_process_action of that rule; SYNFW_PROCESS_SCORE: none decided */
	__u8 answered;
	__u8 effect;		/* enum synfw_process_action that would be taken; SYNFW_PROCESS_SCORE: none */
	__u8 causes;		/* SYNFW_CAUSE_* */
	__u8 reserved[6];
};

/* Why the effect is another one than the action. */
#define SYNFW_CAUSE_FALLBACK  0x1 /* the exec cannot be denied, here or by what is known before it; or user
				   * space says so, of a rule that isolates */
#define SYNFW_CAUSE_SCORING   0x2 /* the points alone lead to more, of who had none before */
#define SYNFW_CAUSE_PROTECTED 0x4

#endif
