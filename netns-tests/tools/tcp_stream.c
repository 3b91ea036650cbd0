/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tcp_stream --server NETNS --client NETNS --address ADDR --port N
 *
 * One TCP connection over which the client sends numbered messages and the server returns them,
 * until SIGTERM. Prints "MESSAGES RETRANSMITS": a segment that was lost is a retransmit, as long as
 * the route's rto_min keeps a late acknowledgement from being taken for a loss.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "namespace.h"

#define TIMEOUT_MS 60000
#define PAUSE_US   200

struct message {
	uint64_t number;
	uint8_t filler[56];
};

union endpoint {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = 1;
}

static socklen_t parse_endpoint(const char *address, uint16_t port, union endpoint *ret)
{
	union endpoint endpoint = {0};

	if (inet_pton(AF_INET, address, &endpoint.v4.sin_addr) == 1) {
		endpoint.v4.sin_family = AF_INET;
		endpoint.v4.sin_port = htons(port);
	} else if (inet_pton(AF_INET6, address, &endpoint.v6.sin6_addr) == 1) {
		endpoint.v6.sin6_family = AF_INET6;
		endpoint.v6.sin6_port = htons(port);
	} else {
		errno = EINVAL;
		die("\"%s\" is not an address", address);
	}
	*ret = endpoint;
	return endpoint.any.sa_family == AF_INET ? sizeof(endpoint.v4) : sizeof(endpoint.v6);
}

static int open_socket(const char *netns, int family)
{
	struct timeval timeout = {.tv_sec = TIMEOUT_MS / 1000};
	int fd, one = 1;

	namespace_enter(netns);
	fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		die("cannot make a socket");
	return fd;
}

static int connect_pair(const char *server, const char *client, const union endpoint *endpoint,
			socklen_t length, int *ret_accepted)
{
	int listener = open_socket(server, endpoint->any.sa_family), connected;

	if (bind(listener, &endpoint->any, length) || listen(listener, 1))
		die("cannot listen");
	connected = open_socket(client, endpoint->any.sa_family);
	if (connect(connected, &endpoint->any, length))
		die("cannot connect");
	*ret_accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (*ret_accepted < 0)
		die("cannot accept");
	close(listener);
	return connected;
}

static void transfer(int from, int to, uint64_t number)
{
	struct message message = {.number = number}, received;

	if (send(from, &message, sizeof(message), MSG_NOSIGNAL) != sizeof(message))
		die("cannot send message %llu", (unsigned long long)number);
	if (recv(to, &received, sizeof(received), MSG_WAITALL) != sizeof(received))
		die("message %llu did not arrive", (unsigned long long)number);
	if (received.number != number) {
		errno = EBADMSG;
		die("message %llu arrived instead of %llu", (unsigned long long)received.number,
		    (unsigned long long)number);
	}
}

static unsigned int retransmits(int fd)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size))
		die("cannot read TCP_INFO");
	return info.tcpi_total_retrans;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"server", required_argument, NULL, 0},
		{"client", required_argument, NULL, 1},
		{"address", required_argument, NULL, 2},
		{"port", required_argument, NULL, 3},
		{NULL, 0, NULL, 0},
	};
	const struct timespec pause = {.tv_nsec = PAUSE_US * 1000L};
	struct sigaction on_stop = {.sa_handler = stop, .sa_flags = SA_RESTART};
	const char *given[4] = {NULL};
	union endpoint endpoint;
	uint64_t messages = 0;
	int option, client, server;
	socklen_t length;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0 && option < 4)
		given[option] = optarg;
	if (!given[0] || !given[1] || !given[2] || !given[3]) {
		fprintf(stderr, "usage: tcp_stream --server NETNS --client NETNS --address ADDR "
				"--port N\n");
		return 2;
	}
	sigaction(SIGTERM, &on_stop, NULL);
	length = parse_endpoint(given[2], (uint16_t)strtoul(given[3], NULL, 10), &endpoint);
	client = connect_pair(given[0], given[1], &endpoint, length, &server);
	for (; !stopped; messages++) {
		transfer(client, server, messages);
		transfer(server, client, messages);
		nanosleep(&pause, NULL);
	}
	printf("%llu %u\n", (unsigned long long)messages,
	       retransmits(client) + retransmits(server));
	return 0;
}
