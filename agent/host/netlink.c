/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "netlink.h"

#include <errno.h>
#include <stdint.h>
#include <time.h>

#include <sys/socket.h>

#include <synfw/cleanup.h>

int netlink_open(int bus, struct mnl_socket **ret_socket)
{
	CLEANUP(netlink_closep) struct mnl_socket *socket = mnl_socket_open2(bus, SOCK_CLOEXEC);

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	*ret_socket = TAKE_PTR(socket);
	return 0;
}

void netlink_closep(struct mnl_socket **socket)
{
	if (*socket)
		mnl_socket_close(*socket);
}

int netlink_dump(struct mnl_socket *socket, struct nlmsghdr *message, mnl_cb_t read, void *context)
{
	/* dumps over one socket follow each other within a second */
	static unsigned int number;
	unsigned int sequence = time(NULL) + number++, port = mnl_socket_get_portid(socket);
	ssize_t length;
	int result;

	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = sequence;
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		return -errno;
	do {
		length = mnl_socket_recvfrom(socket, message, NETLINK_BYTES);
		if (length < 0)
			return -errno;
		result = mnl_cb_run(message, length, sequence, port, read, context);
	} while (result > MNL_CB_STOP);
	return result == MNL_CB_ERROR ? -errno : 0;
}
