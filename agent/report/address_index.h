/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_ADDRESS_INDEX_H
#define SYNFW_AGENT_ADDRESS_INDEX_H

/* How the policy in force finds the class of an address, and what its tables cost. */
#include "base/json.h"
#include "datapath/live.h"

/* Kernel memory of the tables: whole pages, as the kernel holds them. */
uint64_t tables_kernel_bytes(const struct live *live);

/* {"ipv4_sources": "root of lines"|..., "ipv4_destinations", "ipv6_sources", "ipv6_destinations"},
 * null where no rule names an address. */
json_t *address_index_json(const struct live *live);

/* One line: "IPv4 sources by a root of lines, IPv6 sources by a trie". */
void address_index_print(const struct live *live);

#endif
