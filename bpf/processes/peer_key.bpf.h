/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_PEER_KEY_BPF_H
#define SYNFW_PROCESS_PEER_KEY_BPF_H

/* Who a process talks with: addresses as keys, and those of the sockets that it has. */
#include <bpf/bpf_endian.h>

#include "scratch.bpf.h"

#define TCP_CLOSE    7 /* of UDP: not connected */
#define TCP_LISTEN   10
#define S_IFMT	     0170000
#define S_IFSOCK     0140000
#define SOCKFS_MAGIC 0x534f434b

/* An address as a key, as in the packet path. */
union peer_key {
	__be32 word_be[4];
	__be64 half_be[2];
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

/* ---- the table of files ---------------------------------------------------------------------- */

struct peer_subject;

/* All descriptors of a task, and for whom they are looked through: either of the two. */
struct sockets_loop {
	const struct peer_subject *subject;
	struct synfw_talker *talker;
	__u64 task;
	struct file **files;
	__u32 count;
	__u32 ipv6_prefixlen;
};

/* False: it has none any more. */
static __always_inline bool sockets_of(struct sockets_loop *loop, __u64 task)
{
	const struct fdtable *table = BPF_CORE_READ((struct task_struct *)task, files, fdt);

	if (!table)
		return false;
	loop->files = BPF_CORE_READ(table, fd);
	loop->count = BPF_CORE_READ(table, max_fds);
	return true;
}

/* False: descriptor `index` is no socket with somebody at its other end. */
static __always_inline bool peer_of_file(const struct sockets_loop *loop, __u32 index,
					 union peer_key *key)
{
	const struct socket *socket;
	const struct inode *inode;
	struct file *file = NULL;
	const struct sock *sk;

	bpf_probe_read_kernel(&file, sizeof(file), &loop->files[index]);
	if (!file)
		return false;
	inode = BPF_CORE_READ(file, f_inode);
	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFSOCK ||
	    BPF_CORE_READ(inode, i_sb, s_magic) != SOCKFS_MAGIC)
		return false;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	return sk && peer_of_socket(sk, key);
}

#endif
