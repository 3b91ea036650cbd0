/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_ICMP_TYPES_H
#define POLICYC_ICMP_TYPES_H

/* Names of ICMP types: one name for what means the same in ICMP and ICMPv6. */
#include <stdbool.h>
#include <stddef.h>

#include "../model.h"

#define PROTO_ICMP   1
#define PROTO_ICMPV6 58

/* Parses a name or a number; a number means that type of both protocols. Returns how many entries
 * of `ret_types` are set, 0: unknown. */
size_t icmp_type_parse(const char *text, size_t length, struct icmp_type ret_types[2]);

/* The name of a type, or NULL. */
const char *icmp_type_name(const struct icmp_type *type);

/* The nearest name, for "did you mean", or NULL. */
const char *icmp_type_suggest(const char *text);

/* Errors, path MTU, neighbour and multicast listener discovery: what `icmp: essential` passes
 * before the rules. */
bool icmp_type_is_essential(const struct icmp_type *type);

#endif
