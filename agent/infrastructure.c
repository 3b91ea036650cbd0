/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "infrastructure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <time.h>

#include <synfw/cleanup.h>

bool infrastructure_is_protected(const struct policy *policy)
{
	size_t i;

	for (i = 0; i < policy->nr_protects; i++)
		if (policy->protects[i].infrastructure)
			return true;
	return false;
}

/* ---- gateways ---- */

static int add_address(struct prefix_list *list, int family, const void *address)
{
	uint32_t addr_be;

	if (family == AF_INET6)
		return prefix_list_add6(list, address, 128);
	memcpy(&addr_be, address, sizeof(addr_be));
	return prefix_list_add4(list, ntohl(addr_be), 32);
}

static size_t address_length(int family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}

/* A next hop, which may be of another family than its route (RFC 8950). */
static int add_via(struct prefix_list *gateways, const struct nlattr *attr)
{
	const struct rtvia *via = mnl_attr_get_payload(attr);
	size_t length = mnl_attr_get_payload_len(attr);

	if (length < sizeof(*via) || !address_length(via->rtvia_family) ||
	    length < sizeof(*via) + address_length(via->rtvia_family))
		return 0;
	return add_address(gateways, via->rtvia_family, via->rtvia_addr);
}

static int add_gateway(struct prefix_list *gateways, int family, const struct nlattr *attr)
{
	switch (mnl_attr_get_type(attr)) {
	case RTA_GATEWAY:
		if (mnl_attr_get_payload_len(attr) != address_length(family))
			return 0;
		return add_address(gateways, family, mnl_attr_get_payload(attr));
	case RTA_VIA:
		return add_via(gateways, attr);
	default:
		return 0;
	}
}

static int add_multipath(struct prefix_list *gateways, int family, const struct nlattr *multipath)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(multipath);
	int left = mnl_attr_get_payload_len(multipath), err = 0;
	const struct nlattr *attr;

	for (; !err && RTNH_OK(hop, left);
	     left -= RTNH_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop)) {
		const struct nlattr *end = (const void *)((const char *)hop + hop->rtnh_len);

		for (attr = (const void *)RTNH_DATA(hop);
		     !err && mnl_attr_ok(attr, (const char *)end - (const char *)attr);
		     attr = mnl_attr_next(attr))
			err = add_gateway(gateways, family, attr);
	}
	return err;
}

/* As iproute2: what the kernel puts into one message of a dump at most. */
#define DUMP_BYTES 32768

#define MAX_DUMPS  6

struct route_context {
	struct prefix_list *gateways;
	int error;
};

static int read_route(const struct nlmsghdr *message, void *argument)
{
	struct route_context *context = argument;
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;
	int err = 0;

	if (message->nlmsg_type != RTM_NEWROUTE || route->rtm_type != RTN_UNICAST)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, message, sizeof(*route))
	{
		if (mnl_attr_get_type(attr) == RTA_MULTIPATH)
			err = add_multipath(context->gateways, route->rtm_family, attr);
		else
			err = add_gateway(context->gateways, route->rtm_family, attr);
		if (err) {
			context->error = err;
			return MNL_CB_ERROR;
		}
	}
	return MNL_CB_OK;
}

static void cleanup_socket(struct mnl_socket **socket)
{
	if (*socket)
		mnl_socket_close(*socket);
}

static int dump_routes(struct mnl_socket *socket, unsigned char family,
		       struct prefix_list *gateways)
{
	struct route_context context = {.gateways = gateways};
	char buffer[DUMP_BYTES];
	unsigned int sequence = time(NULL), port = mnl_socket_get_portid(socket);
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct rtmsg *route;
	ssize_t length;
	int result;

	message->nlmsg_type = RTM_GETROUTE;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = sequence;
	route = mnl_nlmsg_put_extra_header(message, sizeof(*route));
	route->rtm_family = family;
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		return -errno;
	do {
		length = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		if (length < 0)
			return -errno;
		result = mnl_cb_run(buffer, length, sequence, port, read_route, &context);
	} while (result > MNL_CB_STOP);
	if (result == MNL_CB_ERROR)
		return context.error ? context.error : -errno;
	return 0;
}

static int dump_gateways(struct prefix_list *gateways)
{
	CLEANUP(cleanup_socket)
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int err;

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	err = dump_routes(socket, AF_INET, gateways);
	if (!err)
		err = dump_routes(socket, AF_INET6, gateways);
	/* a host without IPv6 has no IPv6 gateways */
	return err == -EAFNOSUPPORT || err == -EOPNOTSUPP ? 0 : err;
}

/* Routes that change during a dump end it; another one needs another socket. Gateways of an
 * attempt that ended early are dumped again, and the list is normalised in the end. */
static int read_gateways(struct prefix_list *gateways)
{
	int attempt, err = -EINTR;

	for (attempt = 0; err == -EINTR && attempt < MAX_DUMPS; attempt++)
		err = dump_gateways(gateways);
	return err;
}

/* ---- resolvers ---- */

static int add_resolver(struct prefix_list *resolvers, char *word)
{
	uint8_t address[16];

	/* fe80::1%eth0: the address counts, whatever the interface */
	word[strcspn(word, "%")] = '\0';
	if (inet_pton(AF_INET, word, address) == 1)
		return add_address(resolvers, AF_INET, address);
	if (inet_pton(AF_INET6, word, address) == 1)
		return add_address(resolvers, AF_INET6, address);
	return 0;
}

int infrastructure_parse_resolvers(const char *text, struct prefix_list *resolvers)
{
	CLEANUP(cleanup_free) char *copy = strdup(text);
	char *line, *rest = copy, *words, *word;
	int err = 0;

	if (!copy)
		return -ENOMEM;
	while (!err && (line = strsep(&rest, "\n"))) {
		words = line;
		word = strtok_r(words, " \t\r", &words);
		if (!word || strcmp(word, "nameserver"))
			continue;
		word = strtok_r(NULL, " \t\r", &words);
		if (word)
			err = add_resolver(resolvers, word);
	}
	return err;
}

static int read_resolvers(const char *resolv_conf, struct prefix_list *resolvers)
{
	CLEANUP(cleanup_free) char *bytes = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	uint64_t mtime_ns;
	size_t length;
	int err;

	err = policyc_load_file(NULL, resolv_conf, &bytes, &length, &mtime_ns);
	if (err)
		return err == -ENOENT ? 0 : err;
	text = strndup(bytes, length);
	return text ? infrastructure_parse_resolvers(text, resolvers) : -ENOMEM;
}

int infrastructure_read(struct fault *fault, struct infrastructure *ret)
{
	static const char *const resolv_confs[] = {
		"/etc/resolv.conf",
		"/run/systemd/resolve/resolv.conf",
	};
	CLEANUP(infrastructure_done) struct infrastructure found = {0};
	size_t i;
	int err;

	err = read_gateways(&found.gateways);
	if (err == -EINTR)
		return fault_refuse(fault, EXIT_KERNEL,
				    "cannot read this host's routes: they changed during each of "
				    "%d attempts; try again",
				    MAX_DUMPS);
	if (err)
		return fault_system(fault, err, "cannot read this host's routes");
	for (i = 0; i < sizeof(resolv_confs) / sizeof(*resolv_confs); i++) {
		err = read_resolvers(resolv_confs[i], &found.resolvers);
		if (err)
			return fault_system(fault, err, "cannot read \"%s\"", resolv_confs[i]);
	}
	prefix_list_normalise(&found.gateways);
	prefix_list_normalise(&found.resolvers);
	*ret = found;
	found = (struct infrastructure){0};
	return 0;
}

void infrastructure_done(struct infrastructure *infrastructure)
{
	prefix_list_done(&infrastructure->gateways);
	prefix_list_done(&infrastructure->resolvers);
}
