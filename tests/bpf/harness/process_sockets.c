/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "harness/process_sockets.h"

#include <arpa/inet.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/must.h"

#define NR_SOCKETS 8

static int sockets[NR_SOCKETS], nr_sockets;

void sockets_begin(void)
{
	MUST(unshare(CLONE_NEWNET) == 0);
	MUST(system("ip link set lo up && ip route add default dev lo && ip -6 route add default "
		    "dev lo") == 0);
}

struct synfw_addr6 sockets_key(const char *address)
{
	struct synfw_addr6 key = {};

	if (inet_pton(AF_INET6, address, key.byte) == 1)
		return key;
	key.byte[10] = key.byte[11] = 0xff;
	MUST(inet_pton(AF_INET, address, key.byte + 12) == 1);
	return key;
}

int sockets_open(int family, const char *address)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(9)};
	int fd = socket(family, SOCK_DGRAM, 0);

	MUST(fd >= 0 && nr_sockets < NR_SOCKETS);
	sockets[nr_sockets++] = fd;
	if (!address)
		return fd;
	if (family == AF_INET6) {
		MUST(inet_pton(AF_INET6, address, &six.sin6_addr) == 1);
		MUST(connect(fd, (void *)&six, sizeof(six)) == 0);
	} else {
		MUST(inet_pton(AF_INET, address, &four.sin_addr) == 1);
		MUST(connect(fd, (void *)&four, sizeof(four)) == 0);
	}
	return fd;
}

void sockets_close(void)
{
	while (nr_sockets)
		close(sockets[--nr_sockets]);
}
