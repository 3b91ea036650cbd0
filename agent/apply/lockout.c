/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lockout.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <linux/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <synfw/cleanup.h>

/* A process has at most so many ancestors worth asking; also ends a loop in a broken /proc. */
#define MAX_ANCESTORS	64
#define MAX_ENVIRONMENT (1U << 20)

static const char variable[] = "SSH_CONNECTION=";

static int parse_address(const char *text, uint8_t *family, uint8_t address[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	char copy[INET6_ADDRSTRLEN + IF_NAMESIZE];

	snprintf(copy, sizeof(copy), "%s", text);
	copy[strcspn(copy, "%")] = '\0'; /* fe80::1%eth0 */
	if (inet_pton(AF_INET, copy, address) == 1) {
		*family = 4;
		return 0;
	}
	if (inet_pton(AF_INET6, copy, address) != 1)
		return -EINVAL;
	*family = 6;
	if (!memcmp(address, mapped, sizeof(mapped))) {
		/* a dual-stack socket; on the wire it is IPv4 */
		memmove(address, address + 12, 4);
		memset(address + 4, 0, 12);
		*family = 4;
	}
	return 0;
}

int lockout_parse(const char *value, struct packet_spec *ret_packet)
{
	struct packet_spec packet = {
		.has_daddr = true, .proto = IPPROTO_TCP, .vlan = SYNFW_VLAN_NONE};
	char client[80], server[80];
	uint8_t server_family;
	int end = 0;

	if (sscanf(value, "%79s %hu %79s %hu%n", client, &packet.sport, server, &packet.dport,
		   &end) != 4 ||
	    value[end])
		return -EINVAL;
	if (parse_address(client, &packet.family, packet.saddr) ||
	    parse_address(server, &server_family, packet.daddr) || packet.family != server_family)
		return -EINVAL;
	*ret_packet = packet;
	return 0;
}

static int read_file(const char *path, char **ret_bytes, size_t *ret_length)
{
	CLEANUP(cleanup_free) char *bytes = malloc(MAX_ENVIRONMENT + 1);
	CLEANUP(cleanup_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t length;

	if (!bytes || fd < 0)
		return bytes ? -errno : -ENOMEM;
	while (used < MAX_ENVIRONMENT &&
	       (length = read(fd, bytes + used, MAX_ENVIRONMENT - used)) > 0)
		used += length;
	bytes[used] = '\0';
	*ret_bytes = TAKE_PTR(bytes);
	*ret_length = used;
	return 0;
}

/* The variable in another process's environment: NUL-terminated assignments. */
static int find_in_process(pid_t pid, struct packet_spec *ret_packet)
{
	CLEANUP(cleanup_free) char *environment = NULL;
	const char *entry, *end;
	char path[64];
	size_t length;
	int err;

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	err = read_file(path, &environment, &length);
	if (err)
		return err;
	end = environment + length;
	for (entry = environment; entry < end; entry += strlen(entry) + 1)
		if (!strncmp(entry, variable, sizeof(variable) - 1))
			return lockout_parse(entry + sizeof(variable) - 1, ret_packet);
	return -ENOENT;
}

static pid_t parent_of(pid_t pid)
{
	CLEANUP(cleanup_free) char *stat = NULL;
	const char *after_name;
	char path[64];
	size_t length;
	pid_t parent;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_file(path, &stat, &length))
		return 0;
	/* the command's name may hold anything, parentheses too */
	after_name = strrchr(stat, ')');
	if (!after_name || sscanf(after_name + 1, " %*c %d", &parent) != 1)
		return 0;
	return parent;
}

int lockout_find(struct packet_spec *ret_packet)
{
	const char *own = getenv("SSH_CONNECTION");
	pid_t pid = getppid();
	int i;

	if (own && !lockout_parse(own, ret_packet))
		return 0;
	for (i = 0; i < MAX_ANCESTORS && pid > 1; i++, pid = parent_of(pid))
		if (!find_in_process(pid, ret_packet))
			return 0;
	return -ENOENT;
}

static bool has_address(const struct ifaddrs *entry, const struct packet_spec *packet)
{
	const struct sockaddr *address = entry->ifa_addr;

	if (!address)
		return false;
	if (packet->family == 4)
		return address->sa_family == AF_INET &&
		       !memcmp(&((const struct sockaddr_in *)address)->sin_addr, packet->daddr, 4);
	return address->sa_family == AF_INET6 &&
	       !memcmp(&((const struct sockaddr_in6 *)address)->sin6_addr, packet->daddr, 16);
}

static bool is_port_of(const char *port, const char *master)
{
	CLEANUP(cleanup_free) char *target = NULL;
	char path[64 + IF_NAMESIZE];
	const char *slash;

	snprintf(path, sizeof(path), "/sys/class/net/%s/master", port);
	target = realpath(path, NULL);
	slash = target ? strrchr(target, '/') : NULL;
	return slash && !strcmp(slash + 1, master);
}

static void cleanup_ifaddrs(struct ifaddrs **addresses)
{
	if (*addresses)
		freeifaddrs(*addresses);
}

bool lockout_ends_here(const struct packet_spec *packet)
{
	CLEANUP(cleanup_ifaddrs) struct ifaddrs *addresses = NULL;
	const struct ifaddrs *entry;

	if (getifaddrs(&addresses))
		return true;
	for (entry = addresses; entry; entry = entry->ifa_next)
		if (has_address(entry, packet))
			return true;
	return false;
}

const struct interface *lockout_interface(const struct packet_spec *packet,
					  const struct interface_list *list)
{
	CLEANUP(cleanup_ifaddrs) struct ifaddrs *addresses = NULL;
	const struct ifaddrs *entry;
	size_t i;

	if (getifaddrs(&addresses))
		return NULL;
	for (entry = addresses; entry; entry = entry->ifa_next) {
		if (!has_address(entry, packet))
			continue;
		for (i = 0; i < list->count; i++)
			if (!strcmp(list->items[i].name, entry->ifa_name) ||
			    is_port_of(list->items[i].name, entry->ifa_name))
				return &list->items[i];
	}
	return NULL;
}
