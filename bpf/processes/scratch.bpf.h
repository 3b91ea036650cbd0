/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_SCRATCH_BPF_H
#define SYNFW_PROCESS_SCRATCH_BPF_H

/*
 * What is known of the process in hand. It does not fit on the stack, so it lies in a map: a few
 * for each CPU, of which whoever judges takes one and gives it back. One would not do: programs
 * that run where the kernel may preempt them (LSM, iterators) would find it changed under their
 * hands.
 */
#include "kernel.bpf.h"
#include "maps.bpf.h"

#define SCRATCH_PLACES 8
#define PAGE_BYTES     4096ULL
#define SHORT_TEXT     256 /* one more than a pattern has, and than a name in a directory */

/*
 * A path, gathered from its last component to its first. `text` ends at PATH_END; its last
 * SHORT_TEXT bytes stay, and when there is no room before them the beginning so far is moved
 * right before them: of a path of any length the first and the last SHORT_TEXT - 1 bytes are
 * right, and of one that fits all. Behind PATH_END are zeros.
 */
#define PATH_END  1024
#define PATH_TAIL (PATH_END - SHORT_TEXT)

struct file_path {
	__u64 dentry, mount, mount_root; /* where the walk is */
	__u64 trusted_mount;		 /* the last one whose namespace was looked at */
	__u64 oldest;	   /* mount of those of a file system, as far as they were looked through */
	__u32 host_mounts; /* synfw_process_state.host_mounts */
	__u32 text_end;	   /* bytes of a text that are not gathered yet */
	__u32 total;	   /* bytes; saturates */
	__u32 at;	   /* where text begins */
	__u32 nr_reversed; /* bytes of the suffix key */
	__u8 primary;	   /* walk: from the first mount of each file system */
	__u8 seen_primary; /* the mounts that were walked are those */
	__u8 trusted;	   /* they belong to the host's own mount namespace */
	__u8 complete;	   /* it was read to the root */
	__u8 text[PATH_END + SHORT_TEXT];
	__u8 name[SHORT_TEXT];
	struct synfw_pattern_key suffix;
	__u8 slack[SHORT_TEXT];
};

enum args_state {
	ARGS_UNREAD = 0,
	ARGS_READ = 1,
	ARGS_UNREADABLE = 2, /* to their end: each may be there */
	ARGS_UNKNOWN = 3,    /* not yet: the program that knows them comes later */
};

struct process_scratch {
	__u32 taken;
	__u32 place; /* its own number */
	__u32 slot;  /* of the generation */
	__u32 reserved;
	__u64 address; /* see address_of() */

	/* the subject */
	__u32 trigger;
	__u32 pid; /* tgid */
	__u32 uid, gid;
	__u64 cred;  /* 0: uid and gid are all */
	__u64 bytes; /* of the request, or the growth */
	__u64 grown; /* bit i: the window of rule i of `memory` was exceeded */
	__u64 now_ns;
	struct synfw_process_id file; /* kind 0: there is none */
	__u8 memfd;
	__u8 args_state; /* enum args_state */
	__u8 tail_cut;	 /* tail is the end of a longer path */
	__u8 flags;	 /* SYNFW_PATH_* */
	__u16 tail_bytes;
	__u16 nr_words;
	__u32 unsure;		 /* SYNFW_UNSURE_* */
	__u64 args_at, args_end; /* addresses, argv[0] included where args_first is set */
	__u8 args_first;
	__u8 disguised; /* file is what it executed, and tail what it claims */
	__u16 reserved1;
	__u32 args_continue; /* the argument in hand goes on */
	__u64 self[SYNFW_LINEAGE_WORDS];
	__u64 sure_self[SYNFW_LINEAGE_WORDS];
	__u64 parent[SYNFW_LINEAGE_WORDS];
	__u64 ancestors[SYNFW_LINEAGE_WORDS];
	__u8 tail[SHORT_TEXT]; /* the end of the path, for events */

	/* vectors */
	__u32 named, sure_named;	  /* some pattern knew the path */
	struct synfw_process_vector exec; /* as the path says in any way */
	struct synfw_process_vector sure; /* as it says surely, see SYNFW_UNSURE_SELF */
	struct synfw_process_vector who;  /* user and group */
	struct synfw_process_vector group_not;
	__u64 args[SYNFW_MAX_ARGS / 64]; /* numbers of those that are there */

	/* the walk over candidates, and what it found */
	__u64 bits;
	__u32 word;
	__u32 points;
	__u64 peers_block_ns;
	__u32 peers_score;
	__u16 bit;     /* that decided */
	__u16 counter; /* of that rule, or of the last that gave points */
	__u16 counter_peers;
	__u16 index; /* of the rule that decided, as in struct synfw_process_rule */
	__u8 action; /* enum synfw_process_action */
	__u8 fallback;
	__u8 has_peers;
	__u8 undecided; /* arguments that are not known yet would have to be */
	__u8 crossed;
	__u8 trial; /* nothing is counted: another program judges the same again */
	__u32 score_before, score_after;

	struct file_path path;
	struct synfw_path_key key __attribute__((aligned(8)));
	struct synfw_pattern_key prefix;
	struct synfw_process entry;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCH_PLACES);
	__type(key, __u32);
	__type(value, struct process_scratch);
} synfw_process_scratch SEC(".maps");

static inline __noinline void tally(enum synfw_process_tally what)
{
	__u32 key = what;
	__u64 *count = bpf_map_lookup_elem(&synfw_process_tallies, &key);

	if (count)
		(*count)++;
}

/* Takes one, and says which: SCRATCH_PLACES when all are taken. */
__noinline __u32 scratch_find(void)
{
	__u32 i;

#pragma clang loop unroll(disable)
	for (i = 0; i < SCRATCH_PLACES; i++) {
		__u32 key = i;
		struct process_scratch *scratch = bpf_map_lookup_elem(&synfw_process_scratch, &key);

		if (scratch && !__sync_val_compare_and_swap(&scratch->taken, 0, 1))
			break;
	}
	return i;
}

/* NULL when all are taken, which would need as many that were preempted in the middle. */
static inline __noinline struct process_scratch *scratch_take(void)
{
	__u32 key = scratch_find();
	struct process_scratch *scratch = bpf_map_lookup_elem(&synfw_process_scratch, &key);

	if (scratch)
		scratch->place = key;
	return scratch;
}

/* The same for a function that is checked apart: kernels before 6.2 take nothing of an argument
 * as the key or value of a map. */
static inline __noinline struct process_scratch *
scratch_again(const struct process_scratch *scratch)
{
	__u32 key;

	if (!scratch)
		return NULL;
	key = scratch->place;
	return bpf_map_lookup_elem(&synfw_process_scratch, &key);
}

/* Nothing but the kind. In eights: the compiler would clear single bytes. */
static inline __noinline void key_begin(struct process_scratch *scratch, enum synfw_path_kind kind)
{
	__u64 *eights = (__u64 *)&scratch->key;
	__u32 i;

#pragma unroll
	for (i = 0; i < sizeof(scratch->key) / sizeof(*eights); i++)
		eights[i] = 0;
	scratch->key.kind = kind;
}

static __always_inline void scratch_give_back(struct process_scratch *scratch)
{
	*(volatile __u32 *)&scratch->taken = 0;
}

/* The verifier takes no typed pointer for the argument of a function that it checks apart; what
 * was stored is a number for it. */
static __always_inline __u64 address_of(struct process_scratch *scratch, const void *object)
{
	*(volatile __u64 *)&scratch->address = (__u64)object;
	return *(volatile __u64 *)&scratch->address;
}

static inline __noinline struct synfw_process_head *process_head(__u32 slot)
{
	slot %= SYNFW_NR_GENERATION_SLOTS;
	return bpf_map_lookup_elem(&synfw_process_heads, &slot);
}

/* Read once: the process sees all of one generation. */
static inline __noinline __u32 active_slot(void)
{
	__u32 zero = 0;
	const struct synfw_control *control = bpf_map_lookup_elem(&synfw_control, &zero);

	return control ? *(const volatile __u32 *)&control->active % SYNFW_NR_GENERATION_SLOTS : 0;
}

#endif
