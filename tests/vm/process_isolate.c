/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What an isolated process may not do and no hook of a control group sees: to take connections, and
 * all that it could do with sockets of other protocols than TCP and UDP. Arguments:
 * test_first_action, and "lsm" or "fmod_ret" for the programs that refuse it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/claims.h"
#include "base/must.h"
#include "harness/process_sockets.h"
#include "harness/process_trial.h"

static const uint8_t ECHO_REQUEST[8] = {8};

static const struct {
	int family, type, protocol;
} kinds[] = {{AF_INET, SOCK_RAW, IPPROTO_ICMP},
	     {AF_INET6, SOCK_RAW, IPPROTO_ICMPV6},
	     {AF_INET, SOCK_DGRAM, IPPROTO_ICMP}};

#define NR_KINDS 3
#define RAW_ONES 3 /* as bits */
#define NR_CALLS 3 /* to bind, to send, to connect */

static struct trial trial;
static int listener;
static int sockets[NR_KINDS];

/* Loopback, with any port that is free. */
static socklen_t make_address(int family, struct sockaddr_storage *ret_address)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in four = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = family == AF_INET6 ? sizeof(six) : sizeof(four);

	memcpy(ret_address, family == AF_INET6 ? (void *)&six : (void *)&four, length);
	return length;
}

static int listen_at(const struct sockaddr *address, socklen_t length)
{
	int fd = socket(address->sa_family, SOCK_STREAM, 0);

	MUST(fd >= 0 && bind(fd, address, length) == 0 && listen(fd, 8) == 0);
	return fd;
}

static int connect_to(int listening)
{
	struct sockaddr_storage at;
	socklen_t length = sizeof(at);
	int fd;

	MUST(getsockname(listening, (void *)&at, &length) == 0);
	fd = socket(at.ss_family, SOCK_STREAM, 0);
	MUST(fd >= 0 && connect(fd, (void *)&at, length) == 0);
	return fd;
}

/* 0 or EPERM: one that fails otherwise proves nothing. */
static int refusal_of(bool done)
{
	MUST(done || errno == EPERM);
	return !done;
}

/* ---- connections from others ---- */

/* Of a socket that listens, on which a connection waits. Ends with how many calls were refused. */
static void become_server(const struct trial *unused)
{
	int refused = refusal_of(listen(listener, 8) == 0);

	_exit(refused + refusal_of(accept(listener, NULL, NULL) >= 0));
}

static void become_isolated_server(const struct trial *unused)
{
	trial_set_flags(&trial, SYNFW_PROCESS_ISOLATED);
	become_server(unused);
}

static bool an_isolated_process_takes_no_connection(void)
{
	uint64_t before = trial_tally(&trial, SYNFW_PROCESS_TALLY_REFUSED);
	struct sockaddr_storage at;
	int fd;

	listener = listen_at((void *)&at, make_address(AF_INET, &at));
	fd = connect_to(listener);
	EXPECT(trial_child(become_isolated_server, &trial) == 2);
	EXPECT(trial_tally(&trial, SYNFW_PROCESS_TALLY_REFUSED) == before + 2);
	EXPECT(trial_child(become_server, &trial) == 0);
	close(fd);
	close(listener);
	return true;
}

/* It is isolated: what is not within the host is refused. */
static void become_isolated_neighbour(const struct trial *unused)
{
	struct sockaddr_storage at;
	socklen_t length = make_address(AF_INET, &at);

	trial_set_flags(&trial, SYNFW_PROCESS_ISOLATED);
	if (!refusal_of(bind(sockets[0], (void *)&at, length) == 0))
		_exit(99);
	become_server(unused);
}

static bool sockets_within_the_host_are_no_network(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd;

	/* without a name the kernel makes one up */
	listener = listen_at((void *)&at, sizeof(sa_family_t));
	fd = connect_to(listener);
	sockets[0] = socket(AF_INET, SOCK_STREAM, 0);
	MUST(sockets[0] >= 0);
	EXPECT(trial_child(become_isolated_neighbour, &trial) == 0);
	close(sockets[0]);
	close(fd);
	close(listener);
	return true;
}

/* ---- raw sockets and ping ---- */

static bool send_echo(int fd, const struct sockaddr *to, socklen_t length)
{
	return sendto(fd, ECHO_REQUEST, sizeof(ECHO_REQUEST), 0, to, length) ==
	       sizeof(ECHO_REQUEST);
}

/* Ends with how many calls were refused; what they connect stays so, of whoever has the socket. */
static void become_caller(const struct trial *unused)
{
	struct sockaddr_storage at;
	int refused = 0, i;

	for (i = 0; i < NR_KINDS; i++) {
		socklen_t length = make_address(kinds[i].family, &at);

		refused += refusal_of(bind(sockets[i], (void *)&at, length) == 0);
		refused += refusal_of(send_echo(sockets[i], (void *)&at, length));
		refused += refusal_of(connect(sockets[i], (void *)&at, length) == 0);
	}
	_exit(refused);
}

static void become_isolated_caller(const struct trial *unused)
{
	trial_set_flags(&trial, SYNFW_PROCESS_ISOLATED);
	become_caller(unused);
}

/* Ends with the sockets that could not be used as they are connected, a bit each: who has a raw one
 * may write another address into the packet. */
static void become_isolated_sender(const struct trial *unused)
{
	int refused = 0, i;

	trial_set_flags(&trial, SYNFW_PROCESS_ISOLATED);
	for (i = 0; i < NR_KINDS; i++)
		refused |= refusal_of(send_echo(sockets[i], NULL, 0)) << i;
	_exit(refused);
}

static bool an_isolated_process_turns_to_nobody(void)
{
	for (int i = 0; i < NR_KINDS; i++) {
		sockets[i] = socket(kinds[i].family, kinds[i].type, kinds[i].protocol);
		MUST(sockets[i] >= 0);
	}
	EXPECT(trial_child(become_isolated_caller, &trial) == NR_KINDS * NR_CALLS);
	EXPECT(trial_child(become_caller, &trial) == 0);
	EXPECT(trial_child(become_isolated_sender, &trial) == RAW_ONES);
	for (int i = 0; i < NR_KINDS; i++)
		close(sockets[i]);
	return true;
}

/* ---- SCTP, and what is within the host ---- */

/* Ends with how many calls were refused: nobody answers, so that no other error says anything. */
static void become_associate(const struct trial *unused)
{
	struct sockaddr_storage at;
	socklen_t length = make_address(AF_INET, &at);
	int refused;

	((struct sockaddr_in *)&at)->sin_port = htons(9);
	refused =
		sendto(sockets[0], "x", 1, MSG_NOSIGNAL, (void *)&at, length) < 0 && errno == EPERM;
	refused += send(sockets[0], "x", 1, MSG_NOSIGNAL) < 0 && errno == EPERM;
	refused += connect(sockets[0], (void *)&at, length) < 0 && errno == EPERM;
	_exit(refused);
}

static void become_isolated_associate(const struct trial *unused)
{
	trial_set_flags(&trial, SYNFW_PROCESS_ISOLATED);
	become_associate(unused);
}

static bool an_isolated_process_has_no_sctp(void)
{
	static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET};

	for (int i = 0; i < 2; i++) {
		sockets[0] = socket(AF_INET, types[i], IPPROTO_SCTP);
		MUST(sockets[0] >= 0);
		EXPECT(trial_child(become_isolated_associate, &trial) == 3);
		EXPECT(trial_child(become_associate, &trial) == 0);
		close(sockets[0]);
	}
	return true;
}

/* Asks the kernel for its interfaces, and a neighbour on the host for nothing. Ends with how many
 * calls failed. */
static void become_isolated_local(const struct trial *unused)
{
	const struct {
		struct nlmsghdr head;
		struct rtgenmsg message;
	} ask = {.head = {.nlmsg_len = sizeof(ask),
			  .nlmsg_type = RTM_GETLINK,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	int netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), failed;

	trial_set_flags(&trial, SYNFW_PROCESS_ISOLATED);
	failed = bind(netlink, (void *)&kernel, sizeof(kernel)) != 0;
	failed += sendto(netlink, &ask, sizeof(ask), 0, (void *)&kernel, sizeof(kernel)) !=
		  sizeof(ask);
	/* a connection of TCP goes on, an address on it is nothing */
	failed += send(sockets[0], "x", 1, 0) != 1;
	_exit(failed);
}

static bool what_is_connected_and_what_is_local_goes_on(void)
{
	struct sockaddr_storage at;

	listener = listen_at((void *)&at, make_address(AF_INET, &at));
	sockets[0] = connect_to(listener);
	EXPECT(trial_child(become_isolated_local, &trial) == 0);
	close(sockets[0]);
	close(listener);
	return true;
}

static void allow_ping(void)
{
	int fd = open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY | O_CLOEXEC);

	MUST(fd >= 0 && write(fd, "0 0", 3) == 3);
	close(fd);
}

int main(int argc, char **argv)
{
	static const char *const lsm[] = {"synfw_accept", "synfw_listen",  "synfw_connect",
					  "synfw_bind",	  "synfw_sendmsg", NULL};
	static const char *const functions[] = {"security_socket_accept", "security_socket_listen",
						"security_socket_connect", "security_socket_bind",
						"security_socket_sendmsg"};
	struct trial_object object = {.lsm = lsm};
	struct rule_spec rule = {.action = SYNFW_PROCESS_ISOLATE};

	MUST(argc == 3 && (!strcmp(argv[2], "lsm") || !strcmp(argv[2], "fmod_ret")));
	if (!strcmp(argv[2], "fmod_ret"))
		object.functions = functions;
	trial_open_with(&trial, argv[1], &object);
	sockets_begin();
	allow_ping();
	rule.match.exec[0] = trial_copy(&trial, "victim");
	trial_apply(&trial, &rule, 1, NULL);
	CHECK(an_isolated_process_takes_no_connection);
	CHECK(sockets_within_the_host_are_no_network);
	CHECK(an_isolated_process_turns_to_nobody);
	CHECK(an_isolated_process_has_no_sctp);
	CHECK(what_is_connected_and_what_is_local_goes_on);
	trial_close(&trial);
	return claims_end();
}
