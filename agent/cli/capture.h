/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_CAPTURE_H
#define SYNFW_AGENT_CAPTURE_H

/* Capture files, read as Ethernet frames. */
#include <stdint.h>

#include "base/fault.h"

struct capture;

/* Opens a pcap or pcapng file of Ethernet, raw IP, Linux cooked or SLIP packets. */
int capture_open(const char *path, struct fault *fault, struct capture **ret_capture);

/* The next packet: 1 and a frame that stays valid until the next call, 0 at the end, or a fault.
 * What the capture cut off is padded with zeros, so that lengths in headers stay true; packets of
 * other link types get an Ethernet header. */
int capture_next(struct capture *capture, struct fault *fault, const uint8_t **ret_frame,
		 uint32_t *ret_length);

void capture_closep(struct capture **capture);

#endif
