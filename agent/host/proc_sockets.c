/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "proc_sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <synfw/cleanup.h>

#define HEX_DIGITS_OF_WORD 8

static void cleanup_fclose(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* `digits` hexadecimal ones, and behind them `end`. Returns what follows, or NULL. */
static const char *read_hex(const char *text, int digits, char end, uint32_t *ret_value)
{
	uint32_t value = 0;
	int i;

	for (i = 0; i < digits; i++) {
		const char *digit = strchr("0123456789ABCDEF", text[i]);

		if (!text[i] || !digit)
			return NULL;
		value = value << 4 | (digit - "0123456789ABCDEF");
	}
	if (end && text[digits] != end)
		return NULL;
	*ret_value = value;
	return text + digits + !!end;
}

/* "0100007F:0CEA ": each word of an address as the processor reads it, the port as a number. */
static const char *read_endpoint(const char *text, int family, __be32 words_be[4], __be16 *port_be)
{
	int words = family == AF_INET6 ? 4 : 1, i;
	uint32_t port;

	for (i = 0; text && i < words; i++)
		text = read_hex(text, HEX_DIGITS_OF_WORD, i == words - 1 ? ':' : '\0',
				&words_be[i]);
	text = text ? read_hex(text, 4, ' ', &port) : NULL;
	if (text)
		*port_be = htons(port);
	return text;
}

int proc_socket_parse(const char *line, int family, struct inet_diag_msg *ret_socket)
{
	struct inet_diag_msg socket = {.idiag_family = family};
	const char *text = strchr(line, ':');
	uint32_t state;

	if (!text || text[1] != ' ')
		return -EINVAL;
	text = read_endpoint(text + 2, family, socket.id.idiag_src, &socket.id.idiag_sport);
	if (text)
		text = read_endpoint(text, family, socket.id.idiag_dst, &socket.id.idiag_dport);
	if (!text || !read_hex(text, 2, ' ', &state))
		return -EINVAL;
	socket.idiag_state = state;
	*ret_socket = socket;
	return 0;
}

static const char *file_of(uint8_t protocol, int family)
{
	if (protocol == IPPROTO_TCP)
		return family == AF_INET6 ? "/proc/self/net/tcp6" : "/proc/self/net/tcp";
	return family == AF_INET6 ? "/proc/self/net/udp6" : "/proc/self/net/udp";
}

int proc_sockets_each(uint8_t protocol, int family,
		      int (*fn)(const struct inet_diag_msg *socket, void *context), void *context)
{
	CLEANUP(cleanup_fclose) FILE *file = fopen(file_of(protocol, family), "re");
	CLEANUP(cleanup_free) char *line = NULL;
	struct inet_diag_msg socket;
	size_t room = 0;
	bool heading = true;
	int err = 0;

	if (!file)
		return errno == ENOENT && family == AF_INET6 ? -EAFNOSUPPORT : -errno;
	while (!err && getline(&line, &room, file) > 0) {
		if (!heading) {
			err = proc_socket_parse(line, family, &socket);
			/* one that is not understood may be the operator's */
			err = err ? -EBADMSG : fn(&socket, context);
		}
		heading = false;
	}
	return !err && ferror(file) ? -EIO : err;
}
