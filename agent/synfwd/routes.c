/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Changes of routes, next hops and addresses, as the kernel tells them. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include <synfw/cleanup.h>

#include "source.h"

struct routes {
	struct mnl_socket *socket;
	sd_event_source *io;
	struct keeper *keeper;
};

static void routes_close(void *state)
{
	struct routes *routes = state;

	if (!routes)
		return;
	sd_event_source_disable_unref(routes->io);
	if (routes->socket)
		mnl_socket_close(routes->socket);
	free(routes);
}

static void cleanup_routes(struct routes **routes)
{
	routes_close(*routes);
}

static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *context)
{
	struct routes *routes = context;

	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	keeper_request(routes->keeper);
	return 0;
}

/* What came before the refresh, the refresh will see: it is thrown away unread, together with the
 * note of the kernel (ENOBUFS) that there was more. What comes from now on is the next one's. */
static void listen_again(void *context)
{
	struct routes *routes = context;
	int fd = mnl_socket_get_fd(routes->socket);
	char byte;

	while (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT | MSG_TRUNC) >= 0 || errno == ENOBUFS ||
	       errno == EINTR)
		;
	sd_event_source_set_enabled(routes->io, SD_EVENT_ON);
}

static int join_groups(struct mnl_socket *socket)
{
	static const int groups[] = {RTNLGRP_IPV4_ROUTE,  RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_IFADDR,
				     RTNLGRP_IPV6_IFADDR, RTNLGRP_NEXTHOP,    RTNLGRP_LINK};
	size_t i;
	int group;

	for (i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		group = groups[i];
		if (mnl_socket_setsockopt(socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) <
		    0)
			return -errno;
	}
	return 0;
}

static int routes_open(sd_event *event, struct keeper *keeper, struct fault *fault,
		       void **ret_state)
{
	CLEANUP(cleanup_routes) struct routes *routes = calloc(1, sizeof(*routes));
	int err = routes ? 0 : -ENOMEM;

	if (!err) {
		routes->keeper = keeper;
		routes->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (!routes->socket || mnl_socket_bind(routes->socket, 0, MNL_SOCKET_AUTOPID) < 0)
			err = -errno;
	}
	if (!err)
		err = join_groups(routes->socket);
	if (!err)
		err = sd_event_add_io(event, &routes->io, mnl_socket_get_fd(routes->socket),
				      EPOLLIN, on_readable, routes);
	if (err >= 0)
		err = keeper_add_hook(keeper, listen_again, routes);
	if (err < 0)
		return fault_system(fault, err, "cannot listen for changes of routes");
	*ret_state = TAKE_PTR(routes);
	return 0;
}

const struct source source_routes = {"routes", routes_open, routes_close};
