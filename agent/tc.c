/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tc.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <time.h>

#include <bpf/libbpf.h>

#include <synfw/cleanup.h>

#define FILTER_PRIORITY 1
#define FILTER_HANDLE	0x73796e66 /* "synf" */

int tc_query(uint32_t ifindex, uint32_t *ret_prog_id)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);
	int err;

	err = bpf_tc_query(&hook, &opts);
	/* EINVAL: no qdisc, or a filter of another kind */
	if (err && err != -ENOENT && err != -EINVAL)
		return err;
	*ret_prog_id = err ? 0 : opts.prog_id;
	return 0;
}

int tc_attach(uint32_t ifindex, int prog_fd, bool *ret_made_qdisc)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY,
		    .prog_fd = prog_fd, .flags = BPF_TC_F_REPLACE);
	int err;

	err = bpf_tc_hook_create(&hook);
	*ret_made_qdisc = !err;
	if (err && err != -EEXIST)
		return err;
	return bpf_tc_attach(&hook, &opts);
}

/* ---- removing ---- */

static void cleanup_socket(struct mnl_socket **socket)
{
	if (*socket)
		mnl_socket_close(*socket);
}

static int note_filter(const struct nlmsghdr *message, void *argument)
{
	bool *found = argument;

	if (message->nlmsg_type == RTM_NEWTFILTER)
		*found = true;
	return MNL_CB_OK;
}

static int look_for_filters(struct mnl_socket *socket, uint32_t ifindex, uint32_t parent,
			    bool *found)
{
	unsigned int sequence = time(NULL) + parent, port = mnl_socket_get_portid(socket);
	char buffer[32768];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct tcmsg *tc;
	ssize_t length;
	int result;

	message->nlmsg_type = RTM_GETTFILTER;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = sequence;
	tc = mnl_nlmsg_put_extra_header(message, sizeof(*tc));
	tc->tcm_ifindex = ifindex;
	tc->tcm_parent = parent;
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		return -errno;
	do {
		length = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		if (length < 0)
			return -errno;
		result = mnl_cb_run(buffer, length, sequence, port, note_filter, found);
	} while (result > MNL_CB_STOP);
	return result == MNL_CB_ERROR ? -errno : 0;
}

/* Whether clsact has filters, of either direction. */
static int qdisc_in_use(uint32_t ifindex, bool *ret_found)
{
	static const uint32_t parents[] = {TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
					   TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)};
	CLEANUP(cleanup_socket)
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	bool found = false;
	size_t i;
	int err;

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	for (i = 0; i < sizeof(parents) / sizeof(*parents); i++) {
		err = look_for_filters(socket, ifindex, parents[i], &found);
		if (err)
			return err;
	}
	*ret_found = found;
	return 0;
}

static bool is_gone(int error)
{
	return error == -ENOENT || error == -EINVAL || error == -ENODEV;
}

static int remove_qdisc(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	bool in_use = true;
	int err;

	err = qdisc_in_use(ifindex, &in_use);
	if (err)
		return is_gone(err) ? 0 : err;
	if (in_use)
		return 0;
	err = bpf_tc_hook_destroy(&hook);
	return is_gone(err) ? 0 : err;
}

int tc_detach(uint32_t ifindex, bool made_qdisc)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);
	int err;

	err = bpf_tc_detach(&hook, &opts);
	if (err && !is_gone(err))
		return err;
	return made_qdisc ? remove_qdisc(ifindex) : 0;
}
