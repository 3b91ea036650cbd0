/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * LD_PRELOAD library: marks the answers to the dumps of routes number INTERRUPT_DUMP_AT (1 is the
 * first; 0: none) to INTERRUPT_DUMP_LAST (left out: that one only) as interrupted, as the kernel
 * does when routes change meanwhile, and writes the number of dumps that were asked for to the file
 * INTERRUPT_DUMP_COUNT when the program ends. With INTERRUPT_DUMP_TYPE, a number, the dumps are
 * those that such a message asks for: 20 (SOCK_DIAG_BY_FAMILY) for sockets. Sees programs that use
 * sendto(2) and recvmsg(2).
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static unsigned long dumps;
static int dump_fd = -1;

static unsigned long number_of(const char *variable, unsigned long fallback)
{
	const char *text = getenv(variable);

	return text ? strtoul(text, NULL, 10) : fallback;
}

static void __attribute__((destructor)) write_count(void)
{
	const char *path = getenv("INTERRUPT_DUMP_COUNT");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;

	if (fd < 0)
		return;
	dprintf(fd, "%lu\n", dumps);
	close(fd);
}

static bool is_interrupted(void)
{
	unsigned long first = number_of("INTERRUPT_DUMP_AT", 0);

	return first && dumps >= first && dumps <= number_of("INTERRUPT_DUMP_LAST", first);
}

ssize_t sendto(int fd, const void *bytes, size_t length, int flags, __CONST_SOCKADDR_ARG address,
	       socklen_t address_length)
{
	static ssize_t (*next)(int, const void *, size_t, int, __CONST_SOCKADDR_ARG, socklen_t);
	const struct nlmsghdr *message = bytes;

	if (length >= sizeof(*message) &&
	    message->nlmsg_type == number_of("INTERRUPT_DUMP_TYPE", RTM_GETROUTE) &&
	    (message->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP) {
		dumps++;
		dump_fd = fd;
	}
	if (!next)
		next = (__typeof__(next))dlsym(RTLD_NEXT, "sendto");
	return next(fd, bytes, length, flags, address, address_length);
}

static void interrupt(void *bytes, size_t length)
{
	struct nlmsghdr *message = bytes;

	for (; NLMSG_OK(message, length); message = NLMSG_NEXT(message, length))
		if (message->nlmsg_type != NLMSG_ERROR)
			message->nlmsg_flags |= NLM_F_DUMP_INTR;
}

ssize_t recvmsg(int fd, struct msghdr *header, int flags)
{
	static ssize_t (*next)(int, struct msghdr *, int);
	ssize_t length;

	if (!next)
		next = (__typeof__(next))dlsym(RTLD_NEXT, "recvmsg");
	length = next(fd, header, flags);
	if (length > 0 && fd == dump_fd && !(flags & MSG_PEEK) && is_interrupted())
		interrupt(header->msg_iov->iov_base, (size_t)length);
	return length;
}
