/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tc.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stddef.h>

#include <bpf/libbpf.h>

#include <synfw/cleanup.h>

#include "host/netlink.h"

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
	char buffer[NETLINK_BYTES];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct tcmsg *tc;

	message->nlmsg_type = RTM_GETTFILTER;
	tc = mnl_nlmsg_put_extra_header(message, sizeof(*tc));
	tc->tcm_ifindex = ifindex;
	tc->tcm_parent = parent;
	return netlink_dump(socket, message, note_filter, found);
}

/* Whether clsact has filters, of either direction. */
static int qdisc_in_use(uint32_t ifindex, bool *ret_found)
{
	static const uint32_t parents[] = {TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
					   TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)};
	CLEANUP(netlink_closep) struct mnl_socket *socket = NULL;
	bool found = false;
	size_t i;
	int err = netlink_open(NETLINK_ROUTE, &socket);

	for (i = 0; !err && i < sizeof(parents) / sizeof(*parents); i++)
		err = look_for_filters(socket, ifindex, parents[i], &found);
	if (err)
		return err;
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
