/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PACKET_TEXT_H
#define SYNFW_AGENT_PACKET_TEXT_H

/* A packet_spec in words: "198.51.100.7 to 192.0.2.1:23/tcp". Returns `out`. */
#include <model.h>

#define PACKET_TEXT_MAX 160

const char *packet_text(const struct packet_spec *packet, char out[PACKET_TEXT_MAX]);

/* "tcp", "protocol 99". Returns a word or `out`. */
const char *packet_protocol_word(uint8_t proto, char out[16]);

#endif
