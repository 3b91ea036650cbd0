/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_PACKET_SPEC_H
#define POLICYC_PACKET_SPEC_H

/*
 * The words that describe one packet, in the tests of a policy and in `synfw trace`.
 *
 *   from:  192.0.2.1   192.0.2.1:1024   2001:db8::1   [2001:db8::1]:1024
 *   to:    [ADDRESS:]PORT/PROTO   [ADDRESS:]TYPE/icmp   [ADDRESS:]TYPE/icmpv6   [ADDRESS:]PROTO
 *          an IPv6 address before a colon stands in brackets; a protocol without ports is named,
 *          because a lone number is taken for a port whose protocol was forgotten
 *
 * Every function returns NULL and fills in what it read, or returns what is wrong, as the end of a
 * sentence that begins with the text ("is not an address"), and leaves the packet alone.
 */
#include "model.h"

/* Everything "not given". */
void packet_spec_init(struct packet_spec *spec);

/* Fills in family, saddr and sport. */
const char *packet_spec_parse_from(const char *text, struct packet_spec *spec);

/* Fills in daddr, proto and dport or icmp_type. */
const char *packet_spec_parse_to(const char *text, struct packet_spec *spec);

/* Flags in one text, separated by commas or spaces: "syn", "syn,ack", "none". */
const char *packet_spec_parse_flags(const char *text, struct packet_spec *spec);

/* Fills in vlan: 1 to 4094. */
const char *packet_spec_parse_vlan(const char *text, struct packet_spec *spec);

/* What does not fit together once all parts are known: families, ports and flags of a protocol that
 * has none. Returns a whole sentence, or NULL. */
const char *packet_spec_check(const struct packet_spec *spec);

#endif
