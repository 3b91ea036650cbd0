/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_ISOLATE_BPF_H
#define SYNFW_PROCESS_ISOLATE_BPF_H

/* What an isolated process may not do: the calls are refused with EPERM. */
#include "kernel.bpf.h"
#include "score.bpf.h"
#include "table.bpf.h"

#define CALL_REFUSED 0
#define CALL_ALLOWED 1

/* Once a child of an isolated process found no room, whoever has no entry may be it. */
static __always_inline bool unknown_is_refused(void)
{
	__u32 zero = 0;
	const struct synfw_process_runtime *runtime =
		bpf_map_lookup_elem(&synfw_process_runtime, &zero);

	return runtime && *(const volatile __u32 *)&runtime->isolated_lost;
}

/* Who was isolated by a generation before stays so only while that in force isolates anybody.
 * Without a head, as after `detach`, nobody is. */
static __always_inline int call_judge(void)
{
	const struct synfw_process_head *head = process_head(active_slot());
	const struct synfw_process *entry = process_entry(bpf_get_current_pid_tgid() >> 32);
	bool refused = entry ? entry->flags & SYNFW_PROCESS_ISOLATED : unknown_is_refused();

	if (!refused || !head || !(head->actions & 1 << SYNFW_PROCESS_ISOLATE))
		return CALL_ALLOWED;
	if (head->monitor) {
		tally(SYNFW_PROCESS_TALLY_WOULD_REFUSE);
		return CALL_ALLOWED;
	}
	tally(SYNFW_PROCESS_TALLY_REFUSED);
	return CALL_REFUSED;
}

/* Sockets of these families reach the host itself, a hypervisor, or, of root alone, the bare wire,
 * which no connection is needed for. All others are the network, those that nobody has thought of
 * included. */
static __always_inline bool family_is_local(__u16 family)
{
	switch (family) {
	case AF_UNIX:
	case AF_KEY:
	case AF_NETLINK:
	case AF_PACKET:
	case AF_ALG:
	case AF_VSOCK:
	case AF_XDP:
		return true;
	}
	return false;
}

/* Is a call on it refused to the process that makes it? */
static __always_inline bool socket_is_refused(struct socket *socket)
{
	const struct sock *sk = socket->sk;

	if (!sk) /* never, but the verifier wants to see it */
		return false;
	return !family_is_local(sk->__sk_common.skc_family) && call_judge() == CALL_REFUSED;
}

static __always_inline bool is_tcp(const struct sock *sk)
{
	__u16 family = sk->__sk_common.skc_family;

	return (family == AF_INET || family == AF_INET6) &&
	       (sk->sk_protocol == IPPROTO_TCP || sk->sk_protocol == IPPROTO_MPTCP);
}

/* What is sent on a connection goes on: of TCP always, for which an address is a new connection or
 * nothing, of others when there is no address. Who writes a packet's header himself sends it to
 * anybody, and SCTP has associations that others began. */
static __always_inline bool message_is_refused(struct socket *socket, const struct msghdr *message)
{
	const struct sock *sk = socket->sk;

	if (!sk || is_tcp(sk))
		return false;
	if (!message->msg_name && socket->type != SOCK_RAW && sk->sk_protocol != IPPROTO_SCTP)
		return false;
	return socket_is_refused(socket);
}

#endif
