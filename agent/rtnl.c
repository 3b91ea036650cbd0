/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "rtnl.h"

#include <errno.h>
#include <time.h>

#include <sys/socket.h>

#include <synfw/cleanup.h>

/* As iproute2: what the kernel puts into one message of a dump at most. */
#define DUMP_BYTES 32768

static void cleanup_socket(struct mnl_socket **socket)
{
	if (*socket)
		mnl_socket_close(*socket);
}

static int make_dump(struct mnl_socket *socket, const struct rtnl_dump *dump, void *context)
{
	char buffer[DUMP_BYTES];
	unsigned int sequence = time(NULL), port = mnl_socket_get_portid(socket);
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	uint8_t *header;
	ssize_t length;
	int result;

	message->nlmsg_type = dump->type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = sequence;
	header = mnl_nlmsg_put_extra_header(message, dump->header_bytes);
	header[0] = dump->family; /* the first byte of all of them */
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		return -errno;
	do {
		length = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		if (length < 0)
			return -errno;
		result = mnl_cb_run(buffer, length, sequence, port, dump->read, context);
	} while (result > MNL_CB_STOP);
	return result == MNL_CB_ERROR ? -errno : 0;
}

/* A dump that was interrupted leaves its socket in the middle: each attempt has its own. */
static int attempt(const struct rtnl_dump *dumps, size_t count, void *context)
{
	CLEANUP(cleanup_socket)
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	size_t i;
	int err = 0;

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	for (i = 0; !err && i < count; i++) {
		err = make_dump(socket, &dumps[i], context);
		/* a host without IPv6 has no IPv6 routes */
		if (err == -EAFNOSUPPORT || err == -EOPNOTSUPP)
			err = 0;
	}
	return err;
}

int rtnl_read(const struct rtnl_dump *dumps, size_t count, void *context)
{
	int number, err = -EINTR;

	for (number = 0; err == -EINTR && number < RTNL_ATTEMPTS; number++)
		err = attempt(dumps, count, context);
	return err;
}
