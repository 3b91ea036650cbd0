/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "rtnl.h"

#include <errno.h>

#include <synfw/cleanup.h>

#include "netlink.h"

static int make_dump(struct mnl_socket *socket, const struct rtnl_dump *dump, void *context)
{
	char buffer[NETLINK_BYTES];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	uint8_t *header;

	message->nlmsg_type = dump->type;
	header = mnl_nlmsg_put_extra_header(message, dump->header_bytes);
	header[0] = dump->family; /* the first byte of all of them */
	return netlink_dump(socket, message, dump->read, context);
}

/* A dump that was interrupted leaves its socket in the middle: each attempt has its own. */
static int attempt(const struct rtnl_dump *dumps, size_t count, void *context)
{
	CLEANUP(netlink_closep) struct mnl_socket *socket = NULL;
	size_t i;
	int err = netlink_open(NETLINK_ROUTE, &socket);

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
