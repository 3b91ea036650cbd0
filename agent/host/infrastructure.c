/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "infrastructure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <synfw/cleanup.h>

#include "leases.h"
#include "rtnl.h"

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

static int add_attribute(struct prefix_list *list, int family, const struct nlattr *attr)
{
	size_t length = address_length(family);

	if (!length || mnl_attr_get_payload_len(attr) != length)
		return 0;
	return add_address(list, family, mnl_attr_get_payload(attr));
}

static int end_of(int err)
{
	errno = -err;
	return err ? MNL_CB_ERROR : MNL_CB_OK;
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
		return add_attribute(gateways, family, attr);
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

static int read_route(const struct nlmsghdr *message, void *context)
{
	struct infrastructure *found = context;
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	struct prefix_list *const lists[] = {&found->gateways, &found->default_gateways};
	size_t nr_lists = route->rtm_dst_len ? 1 : 2, i;
	const struct nlattr *attr;
	int err = 0;

	if (message->nlmsg_type != RTM_NEWROUTE || route->rtm_type != RTN_UNICAST)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, message, sizeof(*route))
	{
		for (i = 0; !err && i < nr_lists; i++)
			err = mnl_attr_get_type(attr) == RTA_MULTIPATH
				      ? add_multipath(lists[i], route->rtm_family, attr)
				      : add_gateway(lists[i], route->rtm_family, attr);
	}
	return end_of(err);
}

/* Routes may name a next hop by its id only (net.ipv4.nexthop_compat_mode). */
static int read_nexthop(const struct nlmsghdr *message, void *context)
{
	struct infrastructure *found = context;
	const struct nhmsg *hop = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;
	int err = 0;

	if (message->nlmsg_type != RTM_NEWNEXTHOP)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, message, sizeof(*hop))
	{
		if (!err && mnl_attr_get_type(attr) == NHA_GATEWAY)
			err = add_attribute(&found->gateways, hop->nh_family, attr);
	}
	return end_of(err);
}

/* ---- own addresses ---- */

/* IFA_ADDRESS of a point-to-point interface is the other end, and IFA_LOCAL this one. */
static int read_own_address(const struct nlmsghdr *message, void *context)
{
	struct infrastructure *found = context;
	const struct ifaddrmsg *address = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr, *own = NULL;

	if (message->nlmsg_type != RTM_NEWADDR)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, message, sizeof(*address))
	{
		if (mnl_attr_get_type(attr) == IFA_LOCAL ||
		    (mnl_attr_get_type(attr) == IFA_ADDRESS && !own))
			own = attr;
	}
	return end_of(own ? add_attribute(&found->own, address->ifa_family, own) : 0);
}

static int add_loopback(struct prefix_list *own)
{
	static const uint8_t loopback6[16] = {[15] = 1};
	int err = prefix_list_add4(own, INADDR_LOOPBACK, 32);

	return err ? err : prefix_list_add6(own, loopback6, 128);
}

static const struct rtnl_dump dumps[] = {
	{RTM_GETROUTE, sizeof(struct rtmsg), AF_INET, read_route},
	{RTM_GETROUTE, sizeof(struct rtmsg), AF_INET6, read_route},
	{RTM_GETNEXTHOP, sizeof(struct nhmsg), AF_UNSPEC, read_nexthop},
	{RTM_GETADDR, sizeof(struct ifaddrmsg), AF_UNSPEC, read_own_address},
};

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

static const char *const resolv_confs[] = {
	"/etc/resolv.conf",
	"/run/systemd/resolve/resolv.conf",
};

#define NR_RESOLV_CONFS (sizeof(resolv_confs) / sizeof(*resolv_confs))

/* ---- all of it ---- */

static int read_kernel(struct fault *fault, struct infrastructure *found)
{
	int err = rtnl_read(dumps, sizeof(dumps) / sizeof(*dumps), found);

	if (err == -EINTR)
		return fault_refuse(fault, EXIT_KERNEL,
				    "cannot read this host's routes: they changed during each of "
				    "%d attempts; try again",
				    RTNL_ATTEMPTS);
	return err ? fault_system(fault, err, "cannot read this host's routes") : 0;
}

static int read_files(struct fault *fault, struct infrastructure *found)
{
	size_t i;
	int err;

	for (i = 0; i < NR_RESOLV_CONFS; i++) {
		err = read_resolvers(resolv_confs[i], &found->resolvers);
		if (err)
			return fault_system(fault, err, "cannot read \"%s\"", resolv_confs[i]);
	}
	err = leases_read(time(NULL), &found->dhcp_servers);
	return err ? fault_system(fault, err, "cannot read this host's DHCP leases") : 0;
}

int infrastructure_read(struct fault *fault, struct infrastructure *ret)
{
	CLEANUP(infrastructure_done) struct infrastructure found = {0};
	int err = add_loopback(&found.own);

	if (err)
		return fault_system(fault, err, "cannot read this host's addresses");
	err = read_kernel(fault, &found);
	if (!err)
		err = read_files(fault, &found);
	if (err)
		return err;
	prefix_list_normalise(&found.gateways);
	prefix_list_normalise(&found.default_gateways);
	prefix_list_normalise(&found.resolvers);
	prefix_list_normalise(&found.dhcp_servers);
	prefix_list_normalise(&found.own);
	*ret = found;
	found = (struct infrastructure){0};
	return 0;
}

void infrastructure_digest(const struct infrastructure *infrastructure,
			   char ret_text[INFRASTRUCTURE_DIGEST_SIZE])
{
	prefix_list_digest(&infrastructure->gateways, ret_text);
	ret_text[PREFIX_DIGEST_SIZE - 1] = ':';
	prefix_list_digest(&infrastructure->resolvers, ret_text + PREFIX_DIGEST_SIZE);
}

void infrastructure_each_directory(void (*fn)(const char *path, void *context), void *context)
{
	char path[64];
	size_t i;

	for (i = 0; i < NR_RESOLV_CONFS; i++) {
		snprintf(path, sizeof(path), "%s", resolv_confs[i]);
		*strrchr(path, '/') = '\0';
		fn(path, context);
	}
	leases_each_directory(fn, context);
}

void infrastructure_done(struct infrastructure *infrastructure)
{
	prefix_list_done(&infrastructure->gateways);
	prefix_list_done(&infrastructure->default_gateways);
	prefix_list_done(&infrastructure->resolvers);
	prefix_list_done(&infrastructure->dhcp_servers);
	prefix_list_done(&infrastructure->own);
}
