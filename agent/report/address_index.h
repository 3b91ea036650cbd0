/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_ADDRESS_INDEX_H
#define SYNFW_AGENT_ADDRESS_INDEX_H

/* How the policy in force finds the class of an address. */
#include "base/json.h"
#include "datapath/live.h"

/* {"ipv4_sources": "trie with a root of lines"|..., "ipv4_destinations", "ipv6_sources",
 * "ipv6_destinations"}, null where no rule names an address. */
json_t *address_index_json(const struct live *live);

/* One line: "IPv4 sources by a trie with a root of lines, IPv6 sources by a path-compressed
 * trie". */
void address_index_print(const struct live *live);

#endif
