/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_PEERS_BPF_H
#define SYNFW_PROCESS_PEERS_BPF_H

/*
 * Peers of processes that a rule with `peers` matched: each is marked for the packet path, see
 * <synfw/peer.h>. Those of the sockets that a process has are found in its table of files when
 * the rule matches, those of later ones when it connects, sends, or reads.
 */
#include "common/filter.bpf.h"
#include "peer_key.bpf.h"
#include "table.bpf.h"
#include "talk.bpf.h"

#define PEERS_FOREVER ~0ULL /* synfw_process.peers_block_ns */

/* Whose peers are marked, and for what. */
struct peer_subject {
	__u64 start_boot_ns, block_ns, now_ns;
	__u32 pid, points;
	__u16 counter;
	__u8 flags; /* SYNFW_PEER_* */
	__u8 ipv6_prefixlen;
	__u32 reserved;
};

static __always_inline bool peer_is_same(const struct synfw_peer *peer,
					 const struct peer_subject *subject)
{
	return peer->pid == subject->pid && peer->start_boot_ns == subject->start_boot_ns &&
	       peer->counter == subject->counter && peer->flags == subject->flags;
}

/* Takes over what a mark of before has pending: the later end, and the points of both. */
static __always_inline void peer_succeed(struct synfw_peer *mark, struct synfw_peer *before)
{
	__u32 pending;

	if (before->flags != mark->flags)
		return;
	pending = __sync_lock_test_and_set(&before->pending, 0);
	if (pending & SYNFW_PEER_POINTS && before->points < SYNFW_MAX_SCORE)
		mark->points += before->points;
	if (pending & SYNFW_PEER_BLOCK &&
	    (!(mark->pending & SYNFW_PEER_BLOCK) ||
	     (mark->until_boot_ns &&
	      (!before->until_boot_ns || before->until_boot_ns > mark->until_boot_ns))))
		mark->until_boot_ns = before->until_boot_ns;
	mark->pending |= pending;
}

static __always_inline __u64 peer_until(const struct peer_subject *subject)
{
	__u64 until_ns = subject->now_ns + subject->block_ns;

	return subject->block_ns == PEERS_FOREVER || until_ns < subject->now_ns ? 0 : until_ns;
}

/* The process has talked with this one before: its points are given, and its block begins anew. */
static __always_inline void peer_renew(struct synfw_peer *peer, const struct peer_subject *subject)
{
	if (!subject->block_ns)
		return;
	peer->until_boot_ns = peer_until(subject);
	if (!(*(volatile __u32 *)&peer->pending & SYNFW_PEER_BLOCK))
		__sync_fetch_and_or(&peer->pending, SYNFW_PEER_BLOCK);
}

/* Marks an address, given whole; who may not be blocked is left out here already where that is
 * one look. Not static, as it is checked once then and not for each way that leads here; the key is
 * on its own stack, as kernels before 6.2 take none from an argument. */
__noinline int peer_mark(const struct peer_subject *subject, const union peer_key *address)
{
	struct synfw_peer mark = {};
	struct synfw_runtime *runtime;
	struct synfw_peer *before;
	union peer_key key;
	__u32 zero = 0;

	runtime = bpf_map_lookup_elem(&synfw_runtime, &zero);
	if (!subject || !address || !runtime)
		return 0;
	key = *address;
	if (peer_is_nobody(&key) || bpf_map_lookup_elem(&synfw_exempt, &key))
		return 0;
	peer_key_cut(&key, subject->ipv6_prefixlen);
	before = bpf_map_lookup_elem(&synfw_peers, &key);
	if (before && peer_is_same(before, subject)) {
		peer_renew(before, subject);
		return 0;
	}
	mark.start_boot_ns = subject->start_boot_ns;
	mark.points = subject->points;
	mark.pid = subject->pid;
	mark.counter = subject->counter;
	mark.flags = subject->flags;
	if (subject->block_ns) {
		mark.until_boot_ns = peer_until(subject);
		mark.pending = SYNFW_PEER_BLOCK;
	}
	if (subject->points)
		mark.pending |= SYNFW_PEER_POINTS;
	if (before)
		peer_succeed(&mark, before);
	if (!runtime->peers_marked)
		runtime->peers_marked = 1;
	filter_add(&synfw_block_filter, SYNFW_BLOCK_FILTER_WORDS,
		   synfw_source_hash(key.word_be, runtime->seed));
	bpf_map_update_elem(&synfw_peers, &key, &mark, BPF_ANY);
	return 0;
}

/* ---- when the rule matches ------------------------------------------------------------------- */

/* One socket: the peer has a part in what the process is held for. */
static long peers_step(__u32 index, struct sockets_loop *loop)
{
	union peer_key key = {};

	if (index >= loop->count)
		return 1;
	if (peer_of_file(loop, index, &key))
		peer_mark(loop->subject, &key);
	return 0;
}

static __always_inline void peers_of_files(const struct peer_subject *subject)
{
	struct sockets_loop loop = {.subject = subject};

	if (!sockets_of(&loop, bpf_get_current_task()))
		return;
	if (loop.count > SYNFW_MAX_PEER_FILES)
		tally(SYNFW_PROCESS_TALLY_PEERS_UNSEEN);
	bpf_loop(SYNFW_MAX_PEER_FILES, peers_step, &loop, 0);
}

static __always_inline void subject_set(struct peer_subject *subject,
					const struct synfw_process_head *head)
{
	subject->flags = head->monitor ? SYNFW_PEER_MONITOR : 0;
	subject->ipv6_prefixlen = head->ipv6_prefixlen;
	subject->now_ns = bpf_ktime_get_boot_ns();
}

static __always_inline bool peers_are_kept(const struct synfw_process *entry, bool monitor)
{
	return entry->flags &
	       (monitor ? SYNFW_PROCESS_PEERS | SYNFW_PROCESS_PEERS_MONITOR : SYNFW_PROCESS_PEERS);
}

/* The longest time and the most points of all rules that matched the process; what a policy that
 * only monitors has kept does not count for one that acts. */
static __always_inline void peers_keep(const struct process_scratch *scratch,
				       struct synfw_process *entry, bool monitor)
{
	bool kept = peers_are_kept(entry, monitor);

	if (!kept || entry->peers_block_ns < scratch->peers_block_ns)
		entry->peers_block_ns = scratch->peers_block_ns;
	if (!kept || entry->peers_score < scratch->peers_score)
		entry->peers_score = scratch->peers_score;
	entry->counter_peers = scratch->counter_peers;
	__sync_fetch_and_or(&entry->flags,
			    monitor ? SYNFW_PROCESS_PEERS_MONITOR : SYNFW_PROCESS_PEERS);
}

/* A rule with `peers` matched the process that runs. Without an entry those that it has now are
 * all. */
static inline __noinline void peers_begin(const struct process_scratch *scratch,
					  struct synfw_process *entry,
					  const struct synfw_process_head *head)
{
	struct peer_subject subject = {
		.block_ns = scratch->peers_block_ns,
		.points = scratch->peers_score,
		.pid = scratch->pid,
		.counter = SYNFW_COUNTER_OF_PROCESSES | scratch->counter_peers,
		.start_boot_ns = entry ? entry->start_boot_ns : 0,
	};

	if (entry)
		peers_keep(scratch, entry, head->monitor);
	subject_set(&subject, head);
	peers_of_files(&subject);
}

/* ---- later ----------------------------------------------------------------------------------- */

/* False: nothing is to be done to peers of the process that runs. */
static __always_inline bool subject_of_current(struct peer_subject *subject,
					       const struct synfw_process *entry,
					       const struct synfw_process_head *head)
{
	if (!head->peers || !peers_are_kept(entry, head->monitor))
		return false;
	subject->start_boot_ns = entry->start_boot_ns;
	subject->block_ns = entry->peers_block_ns;
	subject->points = entry->peers_score;
	subject->pid = bpf_get_current_pid_tgid() >> 32;
	subject->counter = SYNFW_COUNTER_OF_PROCESSES | entry->counter_peers;
	subject_set(subject, head);
	return true;
}

/* The process that runs, if it matters who it talks with. */
static __always_inline struct synfw_process *
entry_with_peers(const struct synfw_process_head **ret_head)
{
	const struct synfw_process_head *head = process_head(active_slot());
	struct synfw_process *entry;

	*ret_head = head;
	if (!head || !(head->peers || head->on_peer_block))
		return NULL;
	entry = process_entry(bpf_get_current_pid_tgid() >> 32);
	if (!entry || !(head->on_peer_block || peers_are_kept(entry, head->monitor)))
		return NULL;
	return entry;
}

/* It talks with that address. */
static inline __noinline void peer_found(struct synfw_process *entry,
					 const struct synfw_process_head *head, union peer_key *key)
{
	struct peer_subject subject = {};

	if (head->on_peer_block)
		talk_found(entry, head, key);
	if (subject_of_current(&subject, entry, head))
		peer_mark(&subject, key);
}

static __always_inline void peer_found4(const struct bpf_sock_addr *context)
{
	union peer_key key = {.word_be = {0, 0, bpf_htonl(0xffff), context->user_ip4}};
	const struct synfw_process_head *head;
	struct synfw_process *entry = entry_with_peers(&head);

	if (entry)
		peer_found(entry, head, &key);
}

static __always_inline void peer_found6(const struct bpf_sock_addr *context)
{
	union peer_key key = {.word_be = {context->user_ip6[0], context->user_ip6[1],
					  context->user_ip6[2], context->user_ip6[3]}};
	const struct synfw_process_head *head;
	struct synfw_process *entry = entry_with_peers(&head);

	if (entry)
		peer_found(entry, head, &key);
}

/* What the kernel reads for others in an interrupt is no call of the process that runs: nobody
 * owns the socket then. */
static __always_inline void peer_read_from(const struct sock *sk)
{
	const struct synfw_process_head *head;
	struct synfw_process *entry = entry_with_peers(&head);
	union peer_key key = {};

	if (!entry || !BPF_CORE_READ(sk, sk_lock.owned))
		return;
	if (peer_of_socket(sk, &key))
		peer_found(entry, head, &key);
}

#endif
