/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BENCHMARKS_CONNECTION_H
#define BENCHMARKS_CONNECTION_H

/* Connections that this host opened, put into the maps from user space, and what comes back on
 * them.
 */
#include <stdbool.h>
#include <stdint.h>

#include "harness/datapath.h"
#include "model/frame.h"

struct connection {
	uint8_t family, protocol;
	bool connected;	 /* UDP: the socket is; others always are */
	uint32_t number; /* part of the peer's address, so that each is another one */
};

/* 0 or -errno. */
int connection_put(const struct datapath *datapath, const struct connection *connection);

/* A packet from the peer; no SYN. */
void connection_frame(const struct connection *connection, struct frame *ret_frame);

#endif
