/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_LINKS_H
#define SYNFW_AGENT_LINKS_H

/* BPF links: what holds the program on an interface. One pin an interface, named by its index. */
#include <net/if.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "interfaces.h"

/* How a program runs on an interface. */
enum xdp_mode {
	XDP_MODE_NONE,
	XDP_MODE_GENERIC,
	XDP_MODE_NATIVE,
	XDP_MODE_OFFLOAD,
	XDP_MODE_SEVERAL,
};

const char *xdp_mode_word(enum xdp_mode mode);

/* A link that is pinned. */
struct link {
	uint32_t pin_ifindex; /* what the pin is named */
	bool pending;	      /* pinned by an apply that did not come to switch */
	int fd;
	uint32_t id;
	uint32_t prog_id;
	uint32_t ifindex; /* what it holds; 0: its interface is gone */
};

struct link_list {
	struct link *items;
	size_t count;
};

/* Opens all links pinned in `dir`; a missing directory has none. */
int links_open(const char *dir, struct fault *fault, struct link_list *ret_list);
const struct link *links_find(const struct link_list *list, uint32_t ifindex);
void link_list_done(struct link_list *list);

/* Path of a link's pin in `dir`: "<dir>/<ifindex>", "<dir>/new-<ifindex>" while pending. */
char *link_path(const char *dir, uint32_t ifindex, bool pending);

/* The program that this network namespace sees on an interface: 0 and its id (0: none) and mode,
 * or -errno. */
int xdp_query(uint32_t ifindex, uint32_t *ret_prog_id, enum xdp_mode *ret_mode);

/* Attaches a program. With ATTACH_AUTO, a driver that refuses native mode gets generic mode, and
 * `ret_refusal` receives the errno of the refusal (0 otherwise). Closing the descriptor detaches
 * until the link is pinned. */
int link_attach(int prog_fd, const struct interface *interface, struct fault *fault, int *ret_fd,
		enum xdp_mode *ret_mode, int *ret_refusal);

#endif
