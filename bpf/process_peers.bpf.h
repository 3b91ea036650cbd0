/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_PEERS_BPF_H
#define SYNFW_PROCESS_PEERS_BPF_H

/*
 * Peers of processes that a rule with `peers` matched: each is marked for the packet path, see
 * <synfw/peer.h>. Those of the sockets that a process has are found in its table of files when
 * the rule matches, those of later ones when it connects, sends, or reads.
 */
#include <bpf/bpf_endian.h>

#include "filter.bpf.h"
#include "process_table.bpf.h"

#define AF_INET	      2
#define AF_INET6      10
#define TCP_CLOSE     7 /* of UDP: not connected */
#define TCP_LISTEN    10
#define S_IFMT	      0170000
#define S_IFSOCK      0140000
#define SOCKFS_MAGIC  0x534f434b
#define PEERS_FOREVER ~0ULL /* synfw_process.peers_block_ns */

/* An address as a key, as in the packet path. */
union peer_key {
	__be32 word_be[4];
	__be64 half_be[2];
};

/* Whose peers are marked, and for what. */
struct peer_subject {
	__u64 start_boot_ns, block_ns, now_ns;
	__u32 pid, points;
	__u16 counter;
	__u8 flags;		/* SYNFW_PEER_* */
	__u8 ipv6_prefixlen;
	__u32 reserved;
};

/* Loopback, nobody, and whoever sends no packets: groups, and all at once. */
static __always_inline bool peer_is_nobody(const union peer_key *key)
{
	__u32 first;

	if (!key->half_be[0] && key->word_be[2] == bpf_htonl(0xffff)) {
		first = bpf_ntohl(key->word_be[3]) >> 24;
		return !first || first == 127 || first >= 224;
	}
	if (!key->half_be[0] && bpf_be64_to_cpu(key->half_be[1]) <= 1)
		return true;
	return bpf_ntohl(key->word_be[0]) >> 24 == 0xff;
}

/* Of an IPv6 address the first bits. */
static __always_inline void peer_key_cut(union peer_key *key, __u32 bits)
{
	if (!key->half_be[0] && key->word_be[2] == bpf_htonl(0xffff))
		return;
	if (bits > 64) {
		key->half_be[1] &= bpf_cpu_to_be64(~0ULL << ((128 - bits) & 63));
		return;
	}
	key->half_be[1] = 0;
	key->half_be[0] &= bpf_cpu_to_be64(~0ULL << ((64 - bits) & 63));
}

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
 * one look. */
static inline __noinline void peer_mark(const struct peer_subject *subject, union peer_key *key)
{
	__u32 zero = 0;
	struct synfw_runtime *runtime = bpf_map_lookup_elem(&synfw_runtime, &zero);
	struct synfw_peer mark = {
		.start_boot_ns = subject->start_boot_ns,
		.points = subject->points,
		.pid = subject->pid,
		.counter = subject->counter,
		.flags = subject->flags,
	};
	struct synfw_peer *before;

	if (!runtime || peer_is_nobody(key) || bpf_map_lookup_elem(&synfw_exempt, key))
		return;
	peer_key_cut(key, subject->ipv6_prefixlen);
	before = bpf_map_lookup_elem(&synfw_peers, key);
	if (before && peer_is_same(before, subject)) {
		peer_renew(before, subject);
		return;
	}
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
		   synfw_source_hash(key->word_be, runtime->seed));
	bpf_map_update_elem(&synfw_peers, key, &mark, BPF_ANY);
}

/* Who is at the other end of a socket; false: nobody, or this host itself. */
static __always_inline bool peer_of_socket(const struct sock *sk, union peer_key *key)
{
	__u32 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	__u32 state = BPF_CORE_READ(sk, __sk_common.skc_state);
	union peer_key own = {};

	if (state == TCP_CLOSE || state == TCP_LISTEN)
		return false;
	if (family == AF_INET) {
		key->half_be[0] = 0;
		key->word_be[2] = bpf_htonl(0xffff);
		key->word_be[3] = BPF_CORE_READ(sk, __sk_common.skc_daddr);
		return key->word_be[3] != BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
	}
	if (family != AF_INET6)
		return false;
	bpf_core_read(key, sizeof(*key), &sk->__sk_common.skc_v6_daddr);
	bpf_core_read(&own, sizeof(own), &sk->__sk_common.skc_v6_rcv_saddr);
	return key->half_be[0] != own.half_be[0] || key->half_be[1] != own.half_be[1];
}

/* ---- when the rule matches ------------------------------------------------------------------- */

struct peers_loop {
	const struct peer_subject *subject;
	struct file **files;
	__u32 count;
};

/* One descriptor. 1: that was the last. */
static long peers_step(__u32 index, struct peers_loop *loop)
{
	const struct socket *socket;
	const struct inode *inode;
	struct file *file = NULL;
	union peer_key key = {};
	const struct sock *sk;

	if (index >= loop->count)
		return 1;
	bpf_probe_read_kernel(&file, sizeof(file), &loop->files[index]);
	if (!file)
		return 0;
	inode = BPF_CORE_READ(file, f_inode);
	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFSOCK ||
	    BPF_CORE_READ(inode, i_sb, s_magic) != SOCKFS_MAGIC)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	if (sk && peer_of_socket(sk, &key))
		peer_mark(loop->subject, &key);
	return 0;
}

static __always_inline void peers_of_files(const struct peer_subject *subject)
{
	const struct task_struct *task = (const void *)bpf_get_current_task();
	const struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct peers_loop loop = {.subject = subject};

	if (!table)
		return;
	loop.files = BPF_CORE_READ(table, fd);
	loop.count = BPF_CORE_READ(table, max_fds);
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
	return entry->flags & (monitor ? SYNFW_PROCESS_PEERS | SYNFW_PROCESS_PEERS_MONITOR
				       : SYNFW_PROCESS_PEERS);
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
	__sync_fetch_and_or(&entry->flags, monitor ? SYNFW_PROCESS_PEERS_MONITOR : SYNFW_PROCESS_PEERS);
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
static __always_inline bool subject_of_current(struct peer_subject *subject)
{
	const struct synfw_process *entry = process_entry(bpf_get_current_pid_tgid() >> 32);
	const struct synfw_process_head *head;

	if (!entry || !(entry->flags & (SYNFW_PROCESS_PEERS | SYNFW_PROCESS_PEERS_MONITOR)))
		return false;
	head = process_head(active_slot());
	if (!head || !head->peers || !peers_are_kept(entry, head->monitor))
		return false;
	subject->start_boot_ns = entry->start_boot_ns;
	subject->block_ns = entry->peers_block_ns;
	subject->points = entry->peers_score;
	subject->pid = bpf_get_current_pid_tgid() >> 32;
	subject->counter = SYNFW_COUNTER_OF_PROCESSES | entry->counter_peers;
	subject_set(subject, head);
	return true;
}

static __always_inline void peer_found4(const struct bpf_sock_addr *context)
{
	union peer_key key = {.word_be = {0, 0, bpf_htonl(0xffff), context->user_ip4}};
	struct peer_subject subject = {};

	if (subject_of_current(&subject))
		peer_mark(&subject, &key);
}

static __always_inline void peer_found6(const struct bpf_sock_addr *context)
{
	union peer_key key = {.word_be = {context->user_ip6[0], context->user_ip6[1],
					  context->user_ip6[2], context->user_ip6[3]}};
	struct peer_subject subject = {};

	if (subject_of_current(&subject))
		peer_mark(&subject, &key);
}

/* What the kernel reads for others in an interrupt is no call of the process that runs: nobody
 * owns the socket then. */
static __always_inline void peer_read_from(const struct sock *sk)
{
	struct peer_subject subject = {};
	union peer_key key = {};

	if (!subject_of_current(&subject) || !BPF_CORE_READ(sk, sk_lock.owned))
		return;
	if (peer_of_socket(sk, &key))
		peer_mark(&subject, &key);
}

#endif
